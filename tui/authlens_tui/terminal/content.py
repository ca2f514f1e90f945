"""Text for a widget, made safe to show where it is made: the only `Content` that authlens uses.

Textual's own class hands every character on to the terminal. Ruff bans it elsewhere, so mypy checks that what
a widget of ours accepts as `Content` came through here. Nothing is ever read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import textual.content

from authlens_core.values.safe_text import LINE, safe_line, safe_text

if TYPE_CHECKING:
    from textual.css.types import TextAlign, TextOverflow
    from textual.style import Style

_Any = textual.content.Content  # noqa: TID251 - the one that is made safe here


class Content(_Any):
    """Textual's content with safe text. Pieces are made safe before they are joined, so styles fit."""

    def __init__(
        self,
        text: str = "",
        spans: list[textual.content.Span] | None = None,
        cell_length: int | None = None,
        strip_control_codes: bool = True,  # noqa: FBT001 - Textual's signature
    ) -> None:
        # Made safe here and nowhere else: a widget that is written tomorrow cannot forget it.
        safe = safe_text(text)
        if safe != text:  # an escape is longer than its character: the offsets no longer fit
            spans = cell_length = None
        super().__init__(safe, spans, cell_length, strip_control_codes)

    @classmethod
    def styled(
        cls,
        text: str,
        style: Style | str = "",
        cell_length: int | None = None,
        strip_control_codes: bool = True,  # noqa: FBT001 - Textual's signature
    ) -> Content:
        return cls.of(super().styled(safe_text(text), style, cell_length, strip_control_codes))

    @classmethod
    def line(cls, text: str, style: Style | str = "", *, limit: int = LINE) -> Content:
        """Return text from outside on one line: its line ends are shown, and how many characters are cut."""
        return cls.styled(safe_line(text, limit), style)

    @classmethod
    def assemble(
        cls,
        *parts: str | _Any | tuple[str, str | Style],
        end: str = "",
        strip_control_codes: bool = True,
    ) -> Content:
        return cls.of(
            super().assemble(*map(_safe_piece, parts), end=end, strip_control_codes=strip_control_codes)
        )

    def join(self, lines: Iterable[_Any | str]) -> Content:
        return self.of(super().join(line if isinstance(line, _Any) else Content(line) for line in lines))

    def wrap(self, width: int, *, align: TextAlign = "left", overflow: TextOverflow = "fold") -> list[_Any]:
        """Return the lines, at least one cell wide: a widget without a size yet has room for none."""
        return super().wrap(max(1, width), align=align, overflow=overflow)

    @classmethod
    def of(cls, content: _Any) -> Content:
        """Return content of Textual's own with its text made safe."""
        return content if isinstance(content, cls) else cls(content.plain, list(content.spans))


def _safe_piece(piece: str | _Any | tuple[str, str | Style]) -> str | _Any | tuple[str, str | Style]:
    if isinstance(piece, _Any):
        return piece
    return (safe_text(piece[0]), piece[1]) if isinstance(piece, tuple) else safe_text(piece)
