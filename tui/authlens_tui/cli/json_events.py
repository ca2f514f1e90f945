"""The events of a login as JSON lines for a program that watches. No secret is in them.

The link is: the program that hands it to a user needs it whole.
"""

from __future__ import annotations

from typing import Final

from authlens_core.access.diagnosis import Diagnosis
from authlens_core.login.events import (
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
from authlens_core.oauth.check import Check
from authlens_core.secret import Secret
from authlens_core.trace.record import StageRecord
from authlens_core.wire.exchange import Exchange

# Of the events; it changes when one that programs read changes its meaning. See docs/login-events.md.
JSON_VERSION: Final = 1

Json = dict[str, object]


def event_as_json(event: Event) -> Json | None:
    """Return one event as a JSON object, or None for those that say nothing new to a program."""
    match event:
        case StageStarted(stage):
            return {"event": "stage_started", "stage": stage.value}
        case ExchangeEnded(stage, exchange):
            return {"event": "exchange", "stage": stage.value, **exchange_as_json(exchange)}
        case AuthorizationReady(url, _, seconds):
            return {"event": "authorization_url", "url": url, "seconds": seconds}
        case DeviceCodeReady(device):
            complete = device.verification_uri_complete
            return {
                "event": "device_code",
                "user_code": device.user_code,
                "verification_uri": device.verification_uri.text,
                "verification_uri_complete": None if complete is None else complete.text,
                "seconds": device.expires_in,
            }
        case AnswerIgnored(reason, count):
            return {"event": "ignored", "reason": reason, "count": count}
        case DeadlineMoved(seconds):
            return {"event": "waiting", "seconds": seconds}
        case TunnelTested(family):
            return {"event": "tunnel_tested", "family": family}
        case StageEnded(record):
            return {"event": "stage_ended", **record_as_json(record)}
        case _:
            return None


def record_as_json(record: StageRecord) -> Json:
    """Return the record of a stage: outcome, checks, and facts with their secrets masked."""
    return {
        "stage": record.stage.value,
        "outcome": record.outcome.value,
        "seconds": round(record.elapsed, 3),
        "checks": [check_as_json(check) for check in record.checks],
        "diagnosis": record.diagnosis and diagnosis_as_json(record.diagnosis),
        "facts": [
            {"name": fact.name, "value": fact.value.masked if isinstance(fact.value, Secret) else fact.value}
            for fact in record.facts
        ],
    }


def check_as_json(check: Check) -> Json:
    return {
        "name": check.name,
        "severity": check.severity.value,
        "expected": check.expected,
        "seen": check.seen,
        "spec": check.spec,
        "cure": check.cure,
        "overridable": check.overridable,
        "error_code": check.error_code,
    }


def diagnosis_as_json(found: Diagnosis) -> Json:
    return {
        "name": found.name,
        "cause": found.cause,
        "cure": found.cure,
        "evidence": list(found.evidence),
        "layer": found.layer,
    }


def exchange_as_json(exchange: Exchange) -> Json:
    """Return what a program needs of an exchange: neither headers nor bodies."""
    return {
        "method": exchange.request.method,
        "url": exchange.request.url,
        "status": exchange.response.status if exchange.response else None,
        "failure": exchange.failure.cause if exchange.failure else None,
        "seconds": round(exchange.elapsed, 3),
        "proxy": exchange.proxy,
    }
