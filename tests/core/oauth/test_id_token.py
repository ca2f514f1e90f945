"""The checks of an ID token, each on a token that a key of the server signed."""

import base64
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from authlens_core.oauth.id_token import id_token_checks
from authlens_core.values.check import Check, Severity
from authlens_core.values.secret import Body, Secret

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ISSUER, CLIENT, NONCE = "https://op.example", "client-1", Secret("nonce-canary-1")

CLAIMS = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "ada",
    "exp": int(NOW.timestamp()) + 300,
    "nonce": NONCE.reveal(),
}


@cache
def _key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"})


def _keys() -> Body:
    return Body(json.dumps({"keys": [_key().as_dict(private=False)]}).encode())


def _token(**changes: object) -> Secret:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    return Secret(jws.serialize_compact({"alg": "ES256", "kid": "k1"}, json.dumps(claims), _key()))


def _checks(token: Secret, **changes: Any) -> dict[str, Check]:
    settings: dict[str, Any] = {"issuer": ISSUER, "client_id": CLIENT, "nonce": NONCE, "keys": _keys()}
    found = id_token_checks(token, **{**settings, **changes}, now=NOW)
    return {check.subject: check for check in found}


def test_a_good_token_passes_each_check() -> None:
    checks = _checks(_token())
    assert list(checks) == ["signature", "iss", "aud", "exp", "nonce"]
    assert {check.severity for check in checks.values()} == {Severity.PASS}


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": f"{ISSUER}/"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": [CLIENT], "azp": "another"}, "aud"),
        ({"exp": int(NOW.timestamp()) - 61}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
    ],
    ids=str,
)
def test_a_claim_that_does_not_fit_fails_its_check_alone(changes: dict[str, object], subject: str) -> None:
    """AZ-11."""
    checks = _checks(_token(**changes))
    assert [name for name, check in checks.items() if check.severity is Severity.FAILURE] == [subject]


def test_a_token_for_several_clients_is_a_warning() -> None:
    assert _checks(_token(aud=[CLIENT, "another"]))["aud"].severity is Severity.WARNING


def test_a_wrong_nonce_cannot_be_overridden() -> None:
    assert not _checks(_token(nonce="another"))["nonce"].overridable


def test_without_a_nonce_in_the_request_none_is_checked() -> None:
    assert "nonce" not in _checks(_token(), nonce=None)


def test_a_changed_token_fails_its_signature() -> None:
    head, _, signature = _token().reveal().split(".")
    _, body, _ = _token(sub="mallory").reveal().split(".")
    found = _checks(Secret(f"{head}.{body}.{signature}"))["signature"]
    assert found.severity is Severity.FAILURE


@pytest.mark.parametrize("keys", [None, Body(b""), Body(b"no JSON"), _keys()])
def test_a_token_that_no_one_signed_fails_with_any_keys_and_without(keys: Body | None) -> None:
    """H422, AZ-11."""
    _, body, _ = _token().reveal().split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    found = _checks(Secret(f"{head}.{body}."), keys=keys)["signature"]
    assert (found.severity, found.overridable) == (Severity.FAILURE, True)


def test_without_keys_the_signature_is_said_to_be_unchecked() -> None:
    assert _checks(_token(), keys=None)["signature"].severity is Severity.WARNING


@pytest.mark.parametrize("text", ["", "opaque", "a.b.c", "x" * 100_000])
def test_what_is_no_jwt_is_one_failed_check(text: str) -> None:
    [check] = _checks(Secret(text)).values()
    assert (check.severity, check.overridable) == (Severity.FAILURE, True)


def test_no_check_shows_the_nonce() -> None:
    assert "canary" not in repr(_checks(_token()))
