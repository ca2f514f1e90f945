"""Facts to read: what a stage learned, by the names its specification gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from authlens_core.explain.members import explain_fact
from authlens_core.explain.message import jwts_in_facts
from authlens_core.export.redaction import Redactor
from authlens_core.secret import Secret
from authlens_core.trace.record import Fact, Stage
from authlens_tui.widgets.document.lines import Line, Piece, Tone, line, prose
from authlens_tui.widgets.record.header_table import MAX_NAME, cut, value_pieces
from authlens_tui.widgets.record.jwt_lines import Verdicts, found_jwt_lines

_MAX_FACTS: Final = 300
_NAME_WIDTH: Final = 28


def explained_fact_lines(
    facts: Iterable[Fact],
    stage: Stage,
    redactor: Redactor,
    now: datetime | None = None,
    verdicts: Verdicts | None = None,
) -> Iterator[Line]:
    """Yield the facts, each with a muted line that says what its name means, then the JWTs among them.

    A name that appears several times, or whose fact has a note of its own, is not explained (again).

    Args:
        stage: decides between meanings of the same name.
        now: the moment for countdowns; this one where it is None.
    """
    known = list(facts)
    width = _width(known)
    explained: set[str] = set()
    for fact in known[:_MAX_FACTS]:
        wanted = not fact.note and fact.name not in explained and fact.value != "absent"
        meaning = explain_fact(fact.name, stage) if wanted else None
        explained.add(fact.name)
        yield _fact(fact, width, redactor, spec=meaning is None)
        if meaning is not None:
            words = f"{meaning.sentence}  {fact.spec or meaning.spec}"
            yield prose(words, Tone.MUTED, indent=width + 2)
    yield from _rest(known)
    yield from found_jwt_lines(jwts_in_facts(known), redactor, now or datetime.now(UTC), verdicts)


def _width(facts: Sequence[Fact]) -> int:
    return min(_NAME_WIDTH, max((len(fact.name) for fact in facts), default=0))


def _fact(fact: Fact, width: int, redactor: Redactor, *, spec: bool) -> Line:
    lead = f"{cut(fact.name, MAX_NAME):<{width}}  "
    remark = "  ".join(part for part in (fact.note, fact.spec if spec else "") if part)
    return line(
        (lead, Tone.NAME),
        *_value(fact.value, redactor),
        (f"  {remark}" if remark else "", Tone.MUTED),
        hang=min(len(lead), _NAME_WIDTH + 2),
        words=True,
    )


def _rest(facts: Sequence[Fact]) -> Iterator[Line]:
    if len(facts) > _MAX_FACTS:
        yield line((f"… {len(facts) - _MAX_FACTS} more", Tone.NOTE))


def _value(value: str | Secret, redactor: Redactor) -> Iterator[Piece]:
    if isinstance(value, Secret):
        yield redactor.secret(value), Tone.SECRET
    else:
        yield from value_pieces(redactor.text(value))
