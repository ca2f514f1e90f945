"""The overview of a record: its outcome in words, its exchanges, grave checks and facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from authlens_core.explain.meanings import explain_fact
from authlens_core.explain.message import jwts_in_facts
from authlens_core.explain.overview import Overview, overview
from authlens_core.export.redaction import Redactor
from authlens_core.trace.record import (
    Exchange,
    Fact,
    FactId,
    GrantType,
    Outcome,
    Severity,
    Stage,
    StageRecord,
    fact_text,
    flow_of,
    is_absent,
)
from authlens_tui.widgets.document.lines import BLANK, Line, Tone, line, prose
from authlens_tui.widgets.record.checks_view import FixWords, check_lines
from authlens_tui.widgets.record.exchange_view import failure_lines
from authlens_tui.widgets.record.jwt_lines import Verdicts, found_jwt_lines
from authlens_tui.widgets.record.pieces import NameColumn, labelled, more_lines, url_pieces, value_pieces
from authlens_tui.widgets.record.signs import OUTCOME_SIGNS, status_tone
from authlens_tui.words.times import duration

_MAX_FACTS: Final = 300
_NAME_WIDTH: Final = 28  # cells
_GRAVE: Final = frozenset({Severity.FAILURE, Severity.WARNING})


def overview_lines(
    record: StageRecord,
    redactor: Redactor,
    verdicts: Verdicts | None = None,
    fixes: FixWords = str,
) -> Iterator[Line]:
    """Yield the outcome of `record` in words, its exchanges, grave checks, facts and meanings."""
    summary = overview(record)
    # Of a stage that did not fail, the lines of the answer from which it was recognised.
    evidence = summary.evidence or record.learned(FactId.EVIDENCE, str)
    refusal = record.refused_attack
    outcome = record.outcome if refusal is None else Outcome.PASSED
    yield from _words(summary, outcome, evidence, mask=redactor.text, fixes=fixes)
    if record.exchanges:
        yield BLANK
        for exchange in record.exchanges:
            yield exchange_line(exchange, redactor, failed=record.failed_at(exchange))
            yield from failure_lines(exchange, explained=exchange.failure is summary.failure)
    experiments = [check for check in record.checks if check.judges_attack]
    # The evidence of the cause is not shown again; it is whole among the checks. What fails because an
    # attack was refused needs no fix.
    severities = _GRAVE if refusal is None else frozenset({Severity.WARNING})
    grave = [c for c in record.checks if c.severity in severities and c not in experiments]
    if below := [check for check in (*experiments, *grave) if check is not summary.check]:
        yield BLANK
        yield from check_lines(below, record.overridden, fixes=fixes)
    # Both are in the words above already.
    facts = [fact for fact in record.facts if fact.name not in (FactId.ANSWER, FactId.EVIDENCE)]
    if facts:
        yield BLANK
        yield from explained_fact_lines(facts, record.stage, redactor, verdicts)
    yield BLANK
    yield from about_stage(record.stage, record.grant_type)


def about_stage(stage: Stage, grant_type: GrantType | None) -> Iterator[Line]:
    """Yield the purpose of a stage, and its specification."""
    info = flow_of(grant_type).info(stage)
    yield prose(f"{info.what} {info.why}", Tone.PLAIN)
    yield prose(info.specification, Tone.MUTED)


def exchange_line(exchange: Exchange, redactor: Redactor, *, failed: bool = False) -> Line:
    """Return an exchange in one line: method, URL, status, how long it took.

    Args:
        failed: true for the exchange at which its stage failed.
    """
    response = exchange.response
    outcome = ("no answer", Tone.BAD)
    if response is not None:
        outcome = (str(response.status), status_tone(response.status, failed=failed))
    url = exchange.request.url
    return line(
        (f"{exchange.request.method:<5}", Tone.TITLE),
        *url_pieces(redactor.text(url)),
        (" → ", Tone.MUTED),
        outcome,
        (f"  {duration(exchange.elapsed)}", Tone.MUTED),
        hang=5,
        by_words=True,
    )


def _words(
    summary: Overview,
    outcome: Outcome,
    evidence: tuple[str, ...],
    *,
    mask: Callable[[str], str],
    fixes: FixWords,
) -> Iterator[Line]:
    for change in summary.tampering:
        yield line(("! changed on purpose: ", Tone.WARNING), mask(change), hang=2, by_words=True)
    text = mask(" ".join((*summary.sentences, summary.cause)).strip())
    if text:
        sign, tone = OUTCOME_SIGNS[outcome]
        yield line((f"{sign} ", tone), *value_pieces(text), hang=2, by_words=True)
    if summary.cure:
        yield labelled("fix", mask(fixes(summary.cure)), Tone.NOTE, indent=2)
    for number, quoted in enumerate(evidence):
        yield labelled("" if number else "seen", mask(quoted), Tone.PLAIN, indent=2)
    if summary.matters:
        yield labelled("why", mask(summary.matters), Tone.MUTED, indent=2)


def explained_fact_lines(
    facts: Iterable[Fact],
    stage: Stage,
    redactor: Redactor,
    verdicts: Verdicts | None = None,
) -> Iterator[Line]:
    """Yield the facts, each with a muted line for the meaning of its name, then the JWTs among them.

    A name that appears several times, or whose fact has a note of its own, is not explained (again). The
    stage decides between meanings of the same name.
    """
    listed = list(facts)
    column = NameColumn((fact.name for fact in listed), _NAME_WIDTH)
    explained: set[str] = set()
    for fact in listed[:_MAX_FACTS]:
        explains = not fact.note and fact.name not in explained and not is_absent(fact)
        meaning = explain_fact(fact.name, stage) if explains else None
        explained.add(fact.name)
        remark = "".join(f"  {text}" for text in (fact.note, "" if meaning else fact.spec) if text)
        yield column.line(fact.name, url_pieces(redactor.text(fact_text(fact))), remark)
        if meaning is not None:
            sentence = f"{meaning.sentence}  {fact.spec or meaning.spec}"
            yield prose(sentence, Tone.MUTED, indent=column.width + 2)
    yield from more_lines(len(listed) - _MAX_FACTS)
    yield from found_jwt_lines(jwts_in_facts(listed), redactor, verdicts)
