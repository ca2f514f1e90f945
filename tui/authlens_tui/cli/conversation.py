"""A login told line by line, for a plain terminal."""

from __future__ import annotations

from authlens_core.login.events import (
    AnswerIgnored,
    Event,
    StageEnded,
    TunnelTested,
)
from authlens_core.oauth.check import Severity
from authlens_core.safe_text import safe_line
from authlens_core.trace.record import Outcome, StageRecord
from authlens_core.trace.stage_info import STAGE_INFO
from authlens_tui.cli.output import say

__all__ = ["tell"]

_SYMBOLS = {Outcome.PASSED: "✔", Outcome.FAILED: "✖", Outcome.CANCELLED: "–"}


def tell(event: Event) -> None:
    """Say one event of a login in a line or two; the link itself is said by whoever offers the ways back."""
    match event:
        case StageEnded(record):
            _ended(record)
        case AnswerIgnored(reason, count):
            say(f"    ignored ({count}): {reason}; still waiting")
        case TunnelTested(family):
            say(f"    the test page was reached over {family}: the browser can come back to this machine")
        case _:
            pass


def _ended(record: StageRecord) -> None:
    info = STAGE_INFO[record.stage]
    warnings = record.count(Severity.WARNING)
    noted = f"  {warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    say(f"{_SYMBOLS[record.outcome]} {info.number} {info.title:<18}{record.elapsed * 1000:>7.0f} ms{noted}")
    for check in record.checks:
        if check.severity is Severity.WARNING:
            say(f"    ! {safe_line(check.expected)} Seen: {safe_line(check.seen, 300)}")
