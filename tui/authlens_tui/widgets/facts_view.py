"""Facts to read: what a stage learned, by the names its specification gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from authlens_core.export.redaction import Redactor
from authlens_core.secret import Secret
from authlens_core.trace.record import Fact
from authlens_tui.widgets.document import DocumentView
from authlens_tui.widgets.header_table import value_pieces
from authlens_tui.widgets.lines import Line, Piece, Tone, line

__all__ = ["FactsView", "fact_lines"]

_MAX_FACTS: Final = 300
_NAME_WIDTH: Final = 28


class FactsView(DocumentView):
    """Shows facts."""

    def show_facts(self, facts: Iterable[Fact], redactor: Redactor | None) -> None:
        """Show `facts`; without a redactor, secrets are shown as they are."""
        self.show(fact_lines(facts, redactor))


def fact_lines(facts: Iterable[Fact], redactor: Redactor | None, *, indent: int = 0) -> Iterator[Line]:
    """Yield one line for each fact: name, value, note, specification."""
    known = list(facts)
    width = min(_NAME_WIDTH, max((len(fact.name) for fact in known), default=0))
    for fact in known[:_MAX_FACTS]:
        lead = f"{' ' * indent}{fact.name[:64]:<{width}}  "
        remark = "  ".join(part for part in (fact.note, fact.spec) if part)
        yield line(
            (lead, Tone.NAME),
            *_value(fact.value, redactor),
            (f"  {remark}" if remark else "", Tone.MUTED),
            hang=min(len(lead), indent + _NAME_WIDTH + 2),
        )
    if len(known) > _MAX_FACTS:
        yield line((f"… {len(known) - _MAX_FACTS} more", Tone.NOTE))


def _value(value: str | Secret, redactor: Redactor | None) -> Iterator[Piece]:
    if isinstance(value, Secret):
        yield (value.masked if redactor is not None else value.reveal()), Tone.SECRET
    else:
        yield from value_pieces(redactor.text(value) if redactor is not None else value)
