"""The sign and tone of a severity, an outcome, a status and a party.

A sign, a number or a name always says it, too: never colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from authlens_core.trace.arrows import Arrow, Party, asked_at, receiver_of, speaker
from authlens_core.trace.record import Exchange, Flow, Outcome, Severity, Stage, StageRecord
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.document.lines import Tone

# Symbol, word and tone of each severity, the gravest first.
SEVERITY_SIGNS: Final = {
    Severity.FAILURE: ("✖", "failed", Tone.BAD),
    Severity.WARNING: ("!", "warning", Tone.WARNING),
    Severity.NOTICE: ("i", "notice", Tone.NOTE),
    Severity.PASS: ("✔", "passed", Tone.GOOD),
}
# None is for a stage that was not reached.
OUTCOME_SIGNS: Final = {
    None: ("–", Tone.MUTED),
    Outcome.PASSED: ("✔", Tone.GOOD),
    Outcome.FAILED: ("✖", Tone.BAD),
    Outcome.CANCELLED: ("–", Tone.WARNING),
}
ACTOR_TONES: Final[Mapping[Party, Tone]] = {
    Party.PERSON: Tone.YOU,
    Party.BROWSER: Tone.BROWSER,
    Party.AUTHLENS: Tone.KEY,
    Party.MALLORY: Tone.WARNING,
    Party.RESOURCE: Tone.RESOURCE,
    Party.SERVER: Tone.SERVER,
    Party.PROVIDER: Tone.PROVIDER,
}
_NO_ANSWER: Final = ("✖", "bold $text-error")
_FAILED: Final = 5
_BADGES: Final = {
    2: "bold $text-success on $success-muted",
    3: "bold $text-primary on $primary-muted",
    4: "bold $text-warning on $warning-muted",
    _FAILED: "bold $text-error on $error-muted",
}


def accent(party: Party) -> str:
    """Return the theme's colour of a party, for text that is no document."""
    return ACTOR_TONES[party].value


def stage_accent(stage: Stage, flow: Flow) -> str:
    """Return the colour of the party that decides a stage."""
    return accent(asked_at(stage, flow))


def asked_tone(stage: Stage, exchange: Exchange) -> Tone:
    """Return the tone of who was asked in a stage."""
    return ACTOR_TONES[receiver_of(stage, exchange.purpose)]


def arrow_tone(arrow: Arrow, tones: Mapping[Party, Tone] = ACTOR_TONES) -> Tone:
    """Return the tone of the sender of a message."""
    if arrow.failed:
        return Tone.BAD
    return Tone.MUTED if arrow.missing else tones[speaker(arrow)]


def status_tone(status: int, *, failed: bool) -> Tone:
    """Return the tone of a status: bad only for a failure, because a refusal such as 401 may be expected."""
    if failed or status >= 500:
        return Tone.BAD
    return Tone.GOOD if status < 400 else Tone.WARNING


def status_badge(status: int | None, *, failed: bool = False) -> Content:
    """Return a status in the colour of its class, such as ` 401 `; a cross if no response came.

    Args:
        failed: true for the response at which a stage failed, which is red.
    """
    if status is None:
        return Content.assemble(_NO_ANSWER)
    return Content.assemble((f" {status} ", _BADGES.get(_FAILED if failed else status // 100, "bold")))


def last_badge(exchanges: Sequence[Exchange], record: StageRecord | None = None) -> Content:
    """Return the badge of the last of `exchanges`, which were sent in the stage of `record`."""
    if not exchanges:
        return Content()
    last = exchanges[-1]
    failed = record is not None and record.failed_at(last)
    return status_badge(None if last.response is None else last.response.status, failed=failed)
