"""A login by the device authorization grant (RFC 8628), with the real engine and a clock that is ahead."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from msgspec.structs import replace

from authlens_core.login.stages.device_stages import DeviceAuthorizationStage, DeviceExchangeStage
from authlens_core.oauth.device_authorization import DeviceAuthorization
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady, Event, StageEnded
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.check import Severity
from authlens_core.values.errors import TimedOut
from authlens_core.values.exchange import FailureKind, Response, WireFailure
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_core.values.url import parse_url
from support.driven_login import closed_login, login_to
from support.scripted_login import (
    ISSUER,
    Answer,
    ScriptedSender,
    exchange,
    facts,
    honest,
    reply,
    server_document,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRANT = "urn:ietf:params:oauth:grant-type:device_code"

CODES = {
    "device_code": "device-canary-1",
    "user_code": "WDJB-MJHT",
    "verification_uri": f"{ISSUER}/device",
    "expires_in": 600,
    "interval": 5,
}

TOKENS = reply(200, {"access_token": "access-canary-1", "token_type": "Bearer", "expires_in": 900})
POLLING = DeviceExchangeStage()


def _error(code: str) -> Response:
    return reply(400, {"error": code})


def _sender(*answers: Answer, codes: dict[str, Any] | None = None, **server: Any) -> ScriptedSender:
    endpoint: dict[str, Any] = {"device_authorization_endpoint": f"{ISSUER}/device_authorization", **server}
    script = honest(server=reply(200, server_document(**endpoint)), token=list(answers))
    script[f"POST {ISSUER}/device_authorization"] = reply(200, codes or CODES)
    return ScriptedSender(script)


async def _run(
    sender: ScriptedSender, wait: float | None = None, **chosen: Any
) -> tuple[StageRecord, list[Event]]:
    """Return the last record and the events. The clock is an hour ahead, so no poll has to wait."""
    events: list[Event] = []
    ahead = {"clock": lambda: datetime.now(UTC) + timedelta(hours=1)}
    options = Options(port=0, grant_type=GrantType.DEVICE_CODE, wait=wait, **chosen)
    async with login_to(sender, options=options, **ahead) as login:
        login.watch(events.append)
        trace = await login.run_all()
    return trace.records[-1], events


async def test_the_code_is_shown_and_polling_ends_with_the_tokens() -> None:
    """DG-2, DG-8."""
    sender = _sender(_error("authorization_pending"), _error("slow_down"), TOKENS)
    last, events = await _run(sender)
    assert (last.stage, last.outcome) == (Stage.ACCESS, Outcome.PASSED)
    [ready] = [event for event in events if isinstance(event, DeviceCodeReady)]
    assert ready.user_code == "WDJB-MJHT"
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


@pytest.mark.parametrize("wait", [None, 900.0])
async def test_a_code_that_expires_is_not_asked_about_for_ever(wait: float | None) -> None:
    """DG-7: once, shortly before its end, also where the wait is longer than that."""
    sender = _sender(_error("authorization_pending"), codes={**CODES, "expires_in": 4})
    last, _ = await _run(sender, wait)
    assert [check.name for check in last.failures] == ["device.expired"]
    assert isinstance(last.error, TimedOut)
    assert sender.count(f"POST {ISSUER}/token") == 1


async def test_the_first_poll_waits_for_an_interval_after_the_codes_came() -> None:
    """On a slow line the server counts from a later moment than the one at which the codes were asked for."""
    sent = replace(exchange(reply(200, CODES)), started_at=NOW, elapsed=3.0)
    asked = facts(options=Options(grant_type=GrantType.DEVICE_CODE, device_endpoint=f"{ISSUER}/device"))
    shown = DeviceAuthorizationStage().learn(asked, (sent,)).facts
    planned = POLLING.token_request(shown, ())
    assert planned is not None
    assert planned.not_before == NOW + timedelta(seconds=8)
    assert shown.device_ends_at == NOW + timedelta(seconds=600)


async def test_a_wait_that_the_user_bounded_ends_before_the_code_does() -> None:
    """H421, DG-7: the clock is an hour ahead, so the wait began long after the code was asked for."""
    shown = facts(
        device=DeviceAuthorization(Secret("d"), "WDJB-MJHT", parse_url(f"{ISSUER}/device"), None, 600, 5),
        device_answered_at=NOW,
        device_expires_at=NOW + timedelta(seconds=600),
        device_until=NOW + timedelta(seconds=31),
        options=Options(grant_type=GrantType.DEVICE_CODE, wait=30),
    )
    planned = POLLING.token_request(shown, ())
    assert planned is not None
    assert planned.not_before == NOW + timedelta(seconds=5)
    pending = replace(exchange(_error("authorization_pending")), started_at=NOW + timedelta(seconds=30))
    assert POLLING.token_request(shown, (pending,)) is None
    assert POLLING.token_request(replace(shown, device_until=None), (pending,)) is not None
    [check] = POLLING.given_up(shown, (pending,))
    assert check.name == "device.timeout"
    assert "30 seconds" in check.seen


async def test_a_page_on_another_site_is_shown_only_after_a_yes() -> None:
    """DG-10, H420."""
    sender = _sender(TOKENS, codes={**CODES, "verification_uri": "https://honest.example/device"})
    events: list[Event] = []
    async with login_to(sender, options=Options(port=0, grant_type=GrantType.DEVICE_CODE)) as login:
        login.watch(events.append)
        record = (await login.run_all()).records[-1]
        assert [check.name for check in record.failures] == ["device.verification_site"]
        assert "honest.example" in str(record.failures[0].cure)
        assert "as.example" in str(record.failures[0].cure)
        assert record.facts == ()
        assert not [event for event in events if isinstance(event, DeviceCodeReady)]
        assert (await login.override("device.verification_site")) is not None
    [ready] = [event for event in events if isinstance(event, DeviceCodeReady)]
    assert ready.verification_uri.host == "honest.example"


async def test_a_server_without_the_endpoint_is_named() -> None:
    last, _ = await _run(_sender(TOKENS, device_authorization_endpoint=None))
    assert [check.name for check in last.failures] == ["device.endpoint"]
    assert "--device" in str(last.failures[0].cure)


async def test_the_device_code_is_in_no_word_of_the_record() -> None:
    sender = _sender(reply(400, {"error": "invalid_grant", "error_description": "device-canary-1 is bad"}))
    last, events = await _run(sender)
    assert "canary" not in repr((last, events))


async def test_an_endpoint_that_no_metadata_names_can_be_given() -> None:
    """The warning names it, because what is there gets the client's id."""
    sender = _sender(TOKENS, device_authorization_endpoint=None)
    given = f"{ISSUER}/device_authorization"
    last, events = await _run(sender, device_endpoint=given)
    assert (last.stage, last.outcome) == (Stage.ACCESS, Outcome.PASSED)
    records = [event.record for event in events if isinstance(event, StageEnded)]
    checks = [check for record in records for check in record.checks if check.name == "device.endpoint"]
    assert [(check.severity, given in check.seen) for check in checks] == [(Severity.WARNING, True)]


async def test_an_endpoint_that_is_not_https_is_refused() -> None:
    last, _ = await _run(_sender(TOKENS), device_endpoint="http://as.example/device_authorization")
    assert [check.name for check in last.failures] == ["device.endpoint"]
    assert "http://as.example/device_authorization" in last.failures[0].seen


async def test_a_pending_code_that_is_answered_with_200_is_asked_about_again() -> None:
    """GitHub sends the errors of the token endpoint with status 200."""
    sender = _sender(reply(200, {"error": "authorization_pending"}), TOKENS)
    last, _ = await _run(sender)
    assert (last.stage, last.outcome) == (Stage.ACCESS, Outcome.PASSED)
    assert sender.count(f"POST {ISSUER}/token") == 2


async def test_a_refusal_that_is_answered_with_200_ends_the_polling() -> None:
    last, _ = await _run(_sender(reply(200, {"error": "access_denied"})))
    assert [check.error_code for check in last.failures if check.error_code] == ["access_denied"]


async def test_an_id_token_without_a_nonce_is_taken() -> None:
    """The request for a code has no nonce (RFC 8628 §3.1), so none comes back."""
    claims = {"iss": ISSUER, "aud": "client-1", "exp": int(time.time()) + 7_200}
    token = jws.serialize_compact({"alg": "ES256"}, json.dumps(claims), ECKey.generate_key("P-256"))
    answer = {"access_token": "access-canary-1", "token_type": "Bearer", "id_token": token}
    last, _ = await _run(_sender(reply(200, answer)), scope="openid")
    assert (last.stage, last.outcome) == (Stage.ACCESS, Outcome.PASSED)


async def test_what_came_of_the_last_request_is_in_the_words_about_the_time() -> None:
    shown = facts(
        device=DeviceAuthorization(Secret("d"), "WDJB-MJHT", parse_url(f"{ISSUER}/device"), None, 600, 5),
        device_answered_at=NOW,
        device_until=NOW + timedelta(seconds=6),
        options=Options(grant_type=GrantType.DEVICE_CODE, wait=6),
    )
    planned = POLLING.token_request(shown, ())
    assert planned is not None
    assert planned.not_before == NOW + timedelta(seconds=5)
    lost = WireFailure(FailureKind.TIMEOUT, "No answer in time.", may_have_arrived=True)
    [check] = POLLING.given_up(shown, (exchange(lost),))
    assert check.name == "device.timeout"
    assert "No answer in time." in check.seen


async def test_an_endpoint_that_was_remembered_gives_way_to_the_one_that_the_metadata_names_now() -> None:
    """It was given for want of one; the server may have moved it since."""
    old, sender = f"{ISSUER}/old-device", _sender(TOKENS)
    options = Options(port=0, grant_type=GrantType.DEVICE_CODE)
    remembered = {ISSUER: (("device_endpoint", old),)}
    ahead = datetime.now(UTC) + timedelta(hours=1)
    login = await closed_login(sender, options, remembered=remembered, clock=lambda: ahead)
    assert login.finished
    assert sender.count(f"POST {old}") == 0
    said = [
        check.seen
        for record in login.trace.records
        for check in record.checks
        if check.name == "device.endpoint"
    ]
    assert said == [f"{ISSUER}/device_authorization, which its metadata names now; before, you gave {old}"]


async def test_no_verifier_is_drawn_and_the_key_of_the_tokens_all_the_same() -> None:
    """There is no link that could carry a challenge; DPoP's key is drawn with the codes."""
    bound = reply(200, {"access_token": "access-canary-1", "token_type": "DPoP", "expires_in": 900})
    last, events = await _run(_sender(bound), dpop=True)
    records = [event.record for event in events if isinstance(event, StageEnded)]
    assert last.outcome is Outcome.PASSED
    assert Stage.PKCE not in {record.stage for record in records}
    shown = {fact.name: record.stage for record in records for fact in record.facts}
    assert shown["dpop_jkt"] is Stage.AUTHORIZATION
    assert not {"code_verifier", "state"} & shown.keys()
