"""A login that asks for `openid`: its nonce goes out, and the ID token that comes back is checked."""

import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.check import Severity
from authlens_core.values.exchange import Purpose, Request, Response
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_tui.cli.login.login_events import record_as_json
from support.driven_login import login_to, record_of
from support.scripted_login import ISSUER, ScriptedSender, come_back, honest, reply, server_document

KEYS = f"GET {ISSUER}/keys"


@cache
def _key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"})


async def _logged_in(
    *,
    scope: str = "openid",
    nonce: str | None = None,
    jwks_uri: str | None = f"{ISSUER}/keys",
    keys: Response | None = None,
    signer: Mapping[str, str] = {"alg": "ES256", "kid": "k1"},
) -> tuple[ScriptedSender, StageRecord]:
    """Return what was sent and the record of the exchange; its token holds `nonce`, or that of the link."""
    script = honest(server=reply(200, server_document(jwks_uri=jwks_uri)))
    script[KEYS] = keys or reply(200, {"keys": [_key().as_dict(private=False)]})
    sender = ScriptedSender(script)
    asked: dict[str, list[str]] = {}

    async def issue(request: Request) -> None:
        if not request.url.endswith("/token"):
            return
        claims: dict[str, object] = {"iss": ISSUER, "aud": "client-1", "exp": int(time.time()) + 300}
        claims["nonce"] = nonce or asked.get("nonce", [""])[0]
        key = _key() if signer["alg"] == "ES256" else OctKey.generate_key()
        token = jws.serialize_compact(dict(signer), json.dumps(claims), key)
        answer = {"access_token": "access-canary-1", "token_type": "Bearer", "id_token": token}
        script[f"POST {ISSUER}/token"] = reply(200, answer)

    def watch(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            asked.update(parse_qs(urlsplit(event.url).query))

    sender.before = issue
    async with login_to(sender, options=Options(port=0, scope=scope)) as login:
        login.watch(watch)
        login.watch(come_back(login))
        trace = await login.run_all()
    record = record_of(trace, Stage.EXCHANGE)
    assert ("nonce" in asked) is ("openid" in scope.split())
    return sender, record


async def test_the_nonce_of_the_link_is_found_in_the_id_token() -> None:
    sender, record = await _logged_in()
    assert record.outcome is Outcome.PASSED
    assert {"id_token.signature", "id_token.nonce"} <= {check.name for check in record.checks}
    assert isinstance(next(fact.value for fact in record.facts if fact.name == "id_token"), Secret)
    assert sender.count(KEYS) == 1


async def test_an_id_token_of_another_login_ends_this_one() -> None:
    _, record = await _logged_in(nonce="of-another-login")
    assert record.outcome is Outcome.FAILED
    assert [check.name for check in record.failures] == ["id_token.nonce"]


@pytest.mark.parametrize(
    ("place", "seen"),
    [
        ("https://keys.example/jwks", "on another site, keys.example"),
        ("http://as.example/keys", "no usable jwks_uri"),
        (None, "no usable jwks_uri"),
    ],
)
async def test_keys_elsewhere_are_not_fetched(place: str | None, seen: str) -> None:
    """H425, AZ-11: the token came over TLS from the token endpoint, which may stand for its signature."""
    sender, record = await _logged_in(jwks_uri=place)
    assert record.outcome is Outcome.PASSED
    assert [sent for sent in sender.sent if sent.purpose is Purpose.SIGNING_KEYS] == []
    [check] = [check for check in record.checks if check.name == "id_token.signature"]
    assert check.severity is Severity.WARNING
    assert seen in check.seen


@pytest.mark.parametrize(
    "served",
    [
        {"keys": reply(503, {})},
        {"keys": reply(200, {"keys": "none"})},
        {"keys": reply(200, {"keys": [{"kty": "EC", "crv": "P-256", "kid": "k1", "x": "AA", "y": "AA"}]})},
        {"keys": reply(200, {"keys": []})},
        {"signer": {"alg": "HS256"}},
    ],
    ids=["unreachable", "no set", "of no use", "none", "HS256"],
)
async def test_the_events_report_a_signature_that_could_not_be_checked(served: dict[str, Any]) -> None:
    _, record = await _logged_in(**served)
    assert record.outcome is Outcome.PASSED
    assert ("id_token.signature", "warning") in _reported(record)


async def test_the_events_report_a_signature_that_does_not_verify() -> None:
    other = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"}).as_dict(private=False)
    _, record = await _logged_in(keys=reply(200, {"keys": [other]}))
    assert record.outcome is Outcome.FAILED
    assert ("id_token.signature", "failure") in _reported(record)


def _reported(record: StageRecord) -> list[tuple[object, object]]:
    checks: Any = record_as_json(record, full=False)["checks"]
    return [(check["name"], check["severity"]) for check in checks]


async def test_without_openid_no_nonce_is_sent() -> None:
    _, record = await _logged_in(scope="profile")
    assert "id_token.nonce" not in {check.name for check in record.checks}
