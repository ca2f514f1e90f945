"""The events of a login, for a user line by line, and as JSON lines for a program that watches.

No secret is in them, but the link is: the program that hands it to a user needs it whole.
"""

from __future__ import annotations

from typing import Final

from authlens_core.trace.events import (
    AnswerIgnored,
    AuthorizationReady,
    DeadlineMoved,
    DeviceCodeReady,
    Event,
    ExchangeEnded,
    StageEnded,
    StageStarted,
    TunnelTested,
)
from authlens_core.trace.record import (
    Check,
    Diagnosis,
    Exchange,
    Outcome,
    Severity,
    StageRecord,
    fact_text,
)
from authlens_tui.cli.terminal.flags import is_plain
from authlens_tui.cli.terminal.output import fix_as_json, say
from authlens_tui.words.times import duration

_WORDS = {Outcome.PASSED: "passed", Outcome.FAILED: "failed", Outcome.CANCELLED: "stopped"}
_SYMBOLS = {Outcome.PASSED: "✔", Outcome.FAILED: "✖", Outcome.CANCELLED: "–"}


def tell(event: Event) -> None:
    """Report one event of a login in a line or two; the caller shows the link itself."""
    match event:
        case StageEnded(record):
            _tell_end(record)
        case AnswerIgnored(reason, count, unproven):
            say(f"    ignored ({count}): {reason}; still waiting")
            if unproven:
                say("    Did the browser end there after your link? Then Ctrl-C stops the wait.")
        case TunnelTested(family):
            say(f"    the test page was reached over {family}: the browser can reach this machine")
        case _:
            pass


def _tell_end(record: StageRecord) -> None:
    flow = record.flow
    number = flow.number(record.stage)
    title = flow.info(record.stage).title
    warnings = record.count(Severity.WARNING)
    noted = f"  {warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    took = f"{duration(record.elapsed):>10}"
    if is_plain():
        say(f"Stage {number} of {len(flow.stages)}, {title}: {_WORDS[record.outcome]}.{noted}")
    else:
        say(f"{_SYMBOLS[record.outcome]} {number} {title:<18}{took}{noted}")
    warned = (check for check in record.checks if check.severity is Severity.WARNING)
    for number, check in enumerate(warned, 1):
        mark = f"Warning {number}:" if is_plain() else "!"
        say(f"    {mark} {check.expected} Seen: {check.seen}")


# Of the events; it changes when one that programs read changes its meaning. See docs/scripts.md.
JSON_VERSION: Final = 2

Json = dict[str, object]


def event_as_json(event: Event, *, full: bool = False) -> Json | None:
    """Return one event as a JSON object, or None if it has no news for a program.

    Args:
        full: whether requests are events as well, and stages have what passed.
    """
    match event:
        case StageStarted(stage):
            return {"event": "stage_started", "stage": stage.value}
        case ExchangeEnded(stage, exchange) if full:
            return {"event": "exchange", "stage": stage.value, **exchange_as_json(exchange)}
        case AuthorizationReady(url, _, seconds):
            return {"event": "authorization_url", "url": url, "seconds": seconds}
        case DeviceCodeReady(user_code, page, complete, seconds=seconds):
            return {
                "event": "device_code",
                "user_code": user_code,
                "verification_uri": page.text,
                "verification_uri_complete": None if complete is None else complete.text,
                "seconds": round(seconds),
            }
        case AnswerIgnored(reason, count):
            return {"event": "ignored", "reason": reason, "count": count}
        case DeadlineMoved(seconds):
            return {"event": "waiting", "seconds": seconds}
        case TunnelTested(family):
            return {"event": "tunnel_tested", "family": family}
        case StageEnded(record):
            return {"event": "stage_ended", **record_as_json(record, full=full)}
        case _:
            return None


def record_as_json(record: StageRecord, *, full: bool) -> Json:
    """Return the record of a stage: outcome, and the checks that warn or fail.

    Args:
        full: whether the other checks are in it, too, and the facts with their secrets masked: for an agent
            they cost as much as all the rest.
    """
    return {
        "stage": record.stage.value,
        "outcome": record.outcome.value,
        "seconds": round(record.elapsed, 3),
        "checks": [
            check_as_json(check)
            for check in record.checks
            # What passed tells a program nothing that it could act on.
            if full or check.severity in (Severity.WARNING, Severity.FAILURE)
        ],
        "diagnosis": record.diagnosis and diagnosis_as_json(record.diagnosis),
        "facts": [{"name": fact.name, "value": fact_text(fact)} for fact in record.facts if full],
    }


def check_as_json(check: Check) -> Json:
    return {
        "name": check.name,
        "severity": check.severity.value,
        "expected": check.expected,
        "seen": check.seen,
        "spec": check.spec,
        "cure": str(check.cure),
        "overridable": check.overridable,
        "error_code": check.error_code,
    }


def diagnosis_as_json(diagnosis: Diagnosis) -> Json:
    return {
        "name": diagnosis.name,
        "cause": diagnosis.cause,
        **fix_as_json(diagnosis.cure),
        "evidence": list(diagnosis.evidence),
        "layer": diagnosis.layer or "",
    }


def exchange_as_json(exchange: Exchange) -> Json:
    """Return an exchange as JSON, without headers and bodies."""
    return {
        "method": exchange.request.method,
        "url": exchange.request.url,
        "status": exchange.status,
        "failure": exchange.failure.cause if exchange.failure else None,
        "seconds": round(exchange.elapsed, 3),
        "proxy": exchange.proxy,
    }
