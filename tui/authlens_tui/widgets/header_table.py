"""Header fields as they were on the wire: in order, in their case, repeated where they were repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from authlens_core.export.secret_forms import MASKED
from authlens_tui.widgets.document import DocumentView
from authlens_tui.widgets.lines import Line, Piece, Tone, line

__all__ = ["HeaderTable", "header_lines", "value_pieces"]

_MAX_FIELDS: Final = 200
_MAX_NAME: Final = 64
_MAX_VALUE: Final = 8_000
_HANG: Final = 4


class HeaderTable(DocumentView):
    """Shows header fields."""

    def show_headers(self, fields: Sequence[tuple[str, str]]) -> None:
        """Show `fields`, names and values as they stood."""
        self.show(header_lines(fields))


def header_lines(fields: Sequence[tuple[str, str]]) -> Iterator[Line]:
    """Yield one line for each field, at most 200."""
    for name, value in fields[:_MAX_FIELDS]:
        yield line(
            (name[:_MAX_NAME] + ("…" if len(name) > _MAX_NAME else ""), Tone.NAME),
            (": ", Tone.MUTED),
            *value_pieces(_cut(value)),
            hang=_HANG,
        )
    if len(fields) > _MAX_FIELDS:
        yield line((f"… {len(fields) - _MAX_FIELDS} more fields", Tone.NOTE))


def value_pieces(text: str, tone: Tone = Tone.PLAIN) -> Iterator[Piece]:
    """Yield `text` with the masks of secrets in it set off."""
    position = 0
    for mask in MASKED.finditer(text):
        if mask.start() > position:
            yield text[position : mask.start()], tone
        yield mask[0], Tone.SECRET
        position = mask.end()
    if position < len(text) or not text:
        yield text[position:], tone


def _cut(value: str) -> str:
    if len(value) <= _MAX_VALUE:
        return value
    return f"{value[:_MAX_VALUE]}… ({len(value) - _MAX_VALUE} more characters)"
