"""A login by the device authorization grant (RFC 8628), with the real engine and a clock that is ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from authlens_core.errors import TimedOut
from authlens_core.login.events import AuthorizationReady, DeviceCodeReady, Event
from authlens_core.login.facts import Options
from authlens_core.login.failure_reason import stage_error
from authlens_core.oauth.http_message import Response
from authlens_core.trace.record import Outcome, Stage, StageRecord
from support.driven_login import login_to
from support.scripted_login import ISSUER, Answer, ScriptedSender, honest, reply, server_document

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CODES = {
    "device_code": "device-canary-1",
    "user_code": "WDJB-MJHT",
    "verification_uri": f"{ISSUER}/device",
    "expires_in": 600,
    "interval": 5,
}
TOKENS = reply(200, {"access_token": "access-canary-1", "token_type": "Bearer", "expires_in": 900})


def _error(code: str) -> Response:
    return reply(400, {"error": code})


def _sender(*answers: Answer, codes: dict[str, Any] | None = None, **server: Any) -> ScriptedSender:
    endpoint: dict[str, Any] = {"device_authorization_endpoint": f"{ISSUER}/device_authorization", **server}
    script = honest(server=reply(200, server_document(**endpoint)), token=list(answers))
    script[f"POST {ISSUER}/device_authorization"] = reply(200, codes or CODES)
    return ScriptedSender(script)


async def _run(sender: ScriptedSender) -> tuple[StageRecord, list[Event]]:
    """Return the last record and the events. The clock is an hour ahead, so no poll has to wait."""
    events: list[Event] = []
    ahead = {"clock": lambda: datetime.now(UTC) + timedelta(hours=1)}
    async with login_to(sender, options=Options(port=0, device=True), **ahead) as login:
        login.watch(events.append)
        trace = await login.run_all()
    return trace.records[-1], events


async def test_the_code_is_shown_and_polling_ends_with_the_tokens() -> None:
    """DG-2, DG-8."""
    sender = _sender(_error("authorization_pending"), _error("slow_down"), TOKENS)
    last, events = await _run(sender)
    assert (last.stage, last.outcome) == (Stage.ACCESS, Outcome.PASSED)
    [ready] = [event for event in events if isinstance(event, DeviceCodeReady)]
    assert ready.device.user_code == "WDJB-MJHT"
    assert not [event for event in events if isinstance(event, AuthorizationReady)]
    asked = [one.form for one in sender.sent if one.line == f"POST {ISSUER}/token"]
    assert [(form["grant_type"], form["device_code"]) for form in asked] == [(GRANT, "device-canary-1")] * 3


async def test_the_registration_asks_for_the_grant() -> None:
    sender = _sender(TOKENS)
    await _run(sender)
    [registration] = [one.document for one in sender.sent if one.line == f"POST {ISSUER}/register"]
    assert GRANT in registration["grant_types"]


@pytest.mark.parametrize("code", ["access_denied", "expired_token", "invalid_grant"])
async def test_a_final_answer_ends_the_polling(code: str) -> None:
    sender = _sender(_error("authorization_pending"), _error(code))
    last, _ = await _run(sender)
    assert (last.stage, last.outcome) == (Stage.EXCHANGE, Outcome.FAILED)
    assert sender.count(f"POST {ISSUER}/token") == 2


async def test_a_code_that_expires_is_not_asked_about_for_ever() -> None:
    """DG-7: once, shortly before its end."""
    sender = _sender(_error("authorization_pending"), codes={**CODES, "expires_in": 4})
    last, _ = await _run(sender)
    assert [check.name for check in last.failures] == ["device.expired"]
    assert isinstance(stage_error(last), TimedOut)
    assert sender.count(f"POST {ISSUER}/token") == 1


async def test_a_server_without_the_endpoint_is_named() -> None:
    last, _ = await _run(_sender(TOKENS, device_authorization_endpoint=None))
    assert [check.name for check in last.failures] == ["device.endpoint"]
    assert "--device" in last.failures[0].cure


async def test_the_device_code_is_in_no_word_of_the_record() -> None:
    sender = _sender(reply(400, {"error": "invalid_grant", "error_description": "device-canary-1 is bad"}))
    last, events = await _run(sender)
    assert "canary" not in repr((last, events))
