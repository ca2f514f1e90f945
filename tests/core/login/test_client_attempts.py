"""A request that was refused for its client is sent once more, as the refusal asks for."""

import base64

import pytest
from msgspec.structs import replace

from authlens_core.trace.record import Stage
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType, Need
from support.driven_login import closed_login, failed
from support.scripted_login import ISSUER, ScriptedSender, honest, reply, server_document

TOKEN = f"POST {ISSUER}/token"
GIVEN = Options(port=0, wait=60, client_id="given", client_secret=Secret("p+q/%"))
CONFIDENTIAL = reply(200, server_document(token_endpoint_auth_methods_supported=["client_secret_basic"]))
UNKNOWN = reply(401, {"error": "invalid_client"})


def _basic(authorization: str | None) -> bytes:
    return base64.b64decode((authorization or "").removeprefix("Basic "))


async def test_a_server_that_does_not_decode_basic_gets_the_secret_as_it_is() -> None:
    """Issue 23, 13: RFC 6749 §2.3.1 first, then raw, once; the client and its record know it."""
    sender = ScriptedSender(honest(server=CONFIDENTIAL, token=[UNKNOWN, honest()[TOKEN]]))  # type: ignore[list-item]
    login = await closed_login(sender, GIVEN)
    assert login.finished
    client, record = login.facts.client, login.trace.latest(Stage.EXCHANGE)
    tokens = [sent for sent in sender.sent if sent.line == TOKEN]
    assert [_basic(sent.request.headers.get("authorization")) for sent in tokens] == [
        b"given:p%2Bq%2F%25",
        b"given:p+q/%",
    ]
    assert client is not None
    assert client.needs == (Need.RAW_BASIC,)
    assert record is not None
    assert len(record.exchanges) == 2
    assert any("without the encoding" in check.seen for check in record.checks)


async def test_a_client_that_stays_refused_is_tried_in_each_way_once() -> None:
    sender = ScriptedSender(honest(server=CONFIDENTIAL, token=UNKNOWN))
    login = await closed_login(sender, GIVEN)
    assert not login.finished
    assert sender.count(TOKEN) == 2


async def test_a_code_that_was_refused_is_never_sent_again() -> None:
    """RFC 6749 §4.1.2: `invalid_grant` is about the code."""
    sender = ScriptedSender(honest(server=CONFIDENTIAL, token=reply(400, {"error": "invalid_grant"})))
    await closed_login(sender, GIVEN)
    assert sender.count(TOKEN) == 1


@pytest.mark.parametrize("endpoint", ["device", "token"])
async def test_a_device_login_repeats_what_was_refused_for_its_client(endpoint: str) -> None:
    """Issue 23, 6: the id is beside Basic from the start; the secret is raw where it has to be."""
    document = server_document(
        device_authorization_endpoint=f"{ISSUER}/device",
        token_endpoint_auth_methods_supported=["client_secret_basic"],
    )
    codes = reply(
        200,
        {"device_code": "d", "user_code": "AB", "verification_uri": f"{ISSUER}/d", "expires_in": 600},
    )
    script = honest(server=reply(200, document))
    script[f"POST {ISSUER}/device"] = [UNKNOWN, codes] if endpoint == "device" else codes
    if endpoint == "token":
        script[TOKEN] = [reply(400, {"error": "authorization_pending"}), UNKNOWN, script[TOKEN]]  # type: ignore[list-item]
    sender = ScriptedSender(script)
    login = await closed_login(sender, replace(GIVEN, grant_type=GrantType.DEVICE_CODE))
    assert login.finished, login.trace.records[-1].failures
    forms = [sent for sent in sender.sent if sent.line in (TOKEN, f"POST {ISSUER}/device")]
    assert {sent.form["client_id"] for sent in forms} == {"given"}
    assert _basic(forms[-1].request.headers.get("authorization")) == b"given:p+q/%"


async def test_a_new_client_that_the_server_does_not_know_yet_is_tried_again_after_a_pause() -> None:
    """Issue 23, 7: the registration was answered 201 a moment ago."""
    document = server_document(pushed_authorization_request_endpoint=f"{ISSUER}/par")
    script = honest(server=reply(200, document))
    pushed = reply(201, {"request_uri": "urn:x:1", "expires_in": 60})
    script[f"POST {ISSUER}/par"] = [UNKNOWN, UNKNOWN, pushed]
    sender = ScriptedSender(script)
    login = await closed_login(sender, Options(port=0), answers=(None,))
    assert failed(login.trace.records[-1]) == "authorization.timeout"
    record = login.trace.latest(Stage.AUTHORIZATION)
    assert sender.count(f"POST {ISSUER}/par") == 3
    assert record is not None
    assert [c.seen.rpartition(" after ")[2] for c in record.checks if c.subject == "new_client"] == [
        "1 s",
        "2 s",
    ]


async def test_a_client_that_is_never_known_is_tried_four_times() -> None:
    """Bounded: three pauses, seven seconds together."""
    document = server_document(pushed_authorization_request_endpoint=f"{ISSUER}/par")
    script = honest(server=reply(200, document))
    script[f"POST {ISSUER}/par"] = UNKNOWN
    sender = ScriptedSender(script)
    login = await closed_login(sender)
    assert not login.finished
    assert sender.count(f"POST {ISSUER}/par") == 4
