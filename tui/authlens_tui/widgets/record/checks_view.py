"""Checks to read, the gravest first: what was expected, what was seen, why it matters, and the fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from authlens_core.trace.record import Check, Diagnosis, Severity
from authlens_core.values.fix import URL, Fix, Step
from authlens_tui.widgets.document.lines import BLANK, Line, Tone, line
from authlens_tui.widgets.record.pieces import labelled
from authlens_tui.widgets.record.signs import SEVERITY_SIGNS

_ORDER: Final = {severity: rank for rank, severity in enumerate(SEVERITY_SIGNS)}
_INDENT: Final = 11
_labelled: Final = partial(labelled, indent=_INDENT)
# Shown where a key does it.
_GO_ON: Final = Fix((Step("To continue despite this", ("authlens", "login", URL, "--anyway"), implied=True),))

FixWords = Callable[[str | Fix], str]
"""Words a fix, with the keys that do it where it is shown."""


def checks_summary(checks: Iterable[Check]) -> str:
    """Return the number of checks by severity, such as `5✔ 1!`."""
    results = list(checks)
    counts = ((SEVERITY_SIGNS[s][0], sum(c.severity is s for c in results)) for s in reversed(SEVERITY_SIGNS))
    return " ".join(f"{count}{sign}" for sign, count in counts if count)


def check_lines(
    checks: Iterable[Check],
    overridden: Iterable[str] = (),
    diagnosis: Diagnosis | None = None,
    *,
    fixes: FixWords = str,
) -> Iterator[Line]:
    """Yield the lines of `checks`, the gravest first; the first failure with its `diagnosis`, once."""
    allowed = frozenset(overridden)
    ordered = sorted(checks, key=lambda check: _ORDER[check.severity])
    failed = bool(ordered) and ordered[0].severity is Severity.FAILURE and ordered[0].name not in allowed
    explained = diagnosis if failed else None
    if diagnosis is not None and explained is None:
        yield from diagnosis_lines(diagnosis, fixes)
        yield from [BLANK] if ordered else ()
    if not ordered:
        yield line(("Nothing has been checked yet.", Tone.MUTED))
    for number, check in enumerate(ordered):
        grave = check.severity is not Severity.PASS
        if number and (grave or ordered[number - 1].severity is not check.severity):
            yield BLANK
        yield from _check(check, explained if number == 0 else None, fixes, overridden=check.name in allowed)


def diagnosis_lines(diagnosis: Diagnosis, fixes: FixWords = str) -> Iterator[Line]:
    """Yield the diagnosis of a failed stage: the cause, the evidence, and the fix."""
    title = "Cause" if diagnosis.known else "Received"
    yield line(
        (f"{'i cause':<{_INDENT}}", Tone.NOTE),
        (title, Tone.TITLE),
        (f"  {diagnosis.source}", Tone.MUTED),
        hang=_INDENT,
        by_words=True,
    )
    yield from _cause(diagnosis)
    if diagnosis.cure:
        yield _labelled("fix", fixes(diagnosis.cure), Tone.NOTE)


def _cause(diagnosis: Diagnosis, observed: str = "") -> Iterator[Line]:
    """Yield the cause and the evidence, or what was `observed` if there is no evidence."""
    yield _labelled("cause", diagnosis.cause, Tone.PLAIN)
    if observed and not diagnosis.evidence:
        yield _labelled("seen", observed, Tone.STRING)
    for number, quoted in enumerate(diagnosis.evidence):
        yield _labelled("seen" if number == 0 else "", quoted, Tone.STRING, by_words=False)
    if diagnosis.layer:
        yield _labelled("layer", diagnosis.layer, Tone.MUTED)


def _check(check: Check, diagnosis: Diagnosis | None, fixes: FixWords, *, overridden: bool) -> Iterator[Line]:
    sign, word, tone = SEVERITY_SIGNS[check.severity]
    grave = check.severity is not Severity.PASS
    yield line(
        (f"{sign} {word:<{_INDENT - 2}}", tone),
        (check.expected, Tone.TITLE if grave else Tone.PLAIN),
        (f"  {check.spec}" if check.spec else "", Tone.MUTED),
        hang=_INDENT,
        by_words=True,
    )
    if diagnosis is not None:
        yield from _cause(diagnosis, check.seen)
    elif check.seen:
        yield _labelled("seen", check.seen, Tone.PLAIN if grave else Tone.MUTED)
    if check.why and grave:
        yield _labelled("why", check.why, Tone.MUTED)
    cure = check.cure if diagnosis is None else diagnosis.cure
    if cure:
        yield _labelled("fix", fixes(cure), Tone.NOTE)
    if overridden:
        yield _labelled("", "You continued despite this.", Tone.WARNING)
    elif check.overridable and check.severity is Severity.FAILURE and fixes(_GO_ON) != str(_GO_ON):
        yield _labelled("", fixes(_GO_ON), Tone.WARNING)
