"""A login reported line by line, for a plain terminal."""

from __future__ import annotations

from authlens_core.login.events import (
    AnswerIgnored,
    Event,
    StageEnded,
    TunnelTested,
)
from authlens_core.oauth.check import Severity
from authlens_core.trace.record import Outcome, StageRecord
from authlens_core.trace.stage_info import STAGE_INFO
from authlens_tui.cli.terminal.output import say
from authlens_tui.cli.terminal.plain import is_plain

_WORDS = {Outcome.PASSED: "passed", Outcome.FAILED: "failed", Outcome.CANCELLED: "stopped"}
_SYMBOLS = {Outcome.PASSED: "✔", Outcome.FAILED: "✖", Outcome.CANCELLED: "–"}


def tell(event: Event) -> None:
    """Say one event of a login in a line or two; the link itself is shown by the caller."""
    match event:
        case StageEnded(record):
            _ended(record)
        case AnswerIgnored(reason, count):
            say(f"    ignored ({count}): {reason}; still waiting")
        case TunnelTested(family):
            say(f"    the test page was reached over {family}: the browser can reach this machine")
        case _:
            pass


def _ended(record: StageRecord) -> None:
    info = STAGE_INFO[record.stage]
    warnings = record.count(Severity.WARNING)
    noted = f"  {warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    took = f"{record.elapsed * 1000:>7.0f} ms"
    if is_plain():
        say(f"Stage {info.number} of 8, {info.title}: {_WORDS[record.outcome]}.{noted}")
    else:
        say(f"{_SYMBOLS[record.outcome]} {info.number} {info.title:<18}{took}{noted}")
    found = (check for check in record.checks if check.severity is Severity.WARNING)
    for number, check in enumerate(found, 1):
        mark = f"Warning {number}:" if is_plain() else "!"
        say(f"    {mark} {check.expected} Seen: {check.seen}")
