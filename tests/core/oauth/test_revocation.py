"""Revocation: a token is said to be revoked only when the server said so."""

import json
from datetime import UTC, datetime

import pytest

from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.revocation import RevocationOutcome, TokenHint, read_revocation, revocation_request
from authlens_core.values.check import Severity
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.formats.error_response import meaning
from authlens_core.values.formats.form import decode_form
from authlens_core.values.secret import Body, Secret
from authlens_core.values.url import parse_url

ENDPOINT = parse_url("https://as.example/revoke")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def _answer(status: int, body: bytes = b"", **headers: str) -> Response:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Response(status, headers=Headers.of(fields), body=Body(body))


@pytest.mark.parametrize("hint", ["access_token", "refresh_token"])
def test_a_revocation_is_a_form_post_with_token_hint_and_client(hint: TokenHint) -> None:
    """RV-1."""
    request = revocation_request(ENDPOINT, Client("me", "x"), token=Secret("t0ken"), hint=hint)
    assert (request.method, request.url) == ("POST", "https://as.example/revoke")
    assert request.headers.get("content-type") == "application/x-www-form-urlencoded"
    assert request.headers.get("authorization") is None
    form = decode_form(request.body.reveal().decode())
    assert form == (("token", "t0ken"), ("token_type_hint", hint), ("client_id", "me"))
    assert "t0ken" not in repr(request)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"error": "invalid_client"}', b"\xff"])
def test_200_is_revoked_whatever_the_body_says(body: bytes) -> None:
    """RV-2, H138: also for a token that the server never knew."""
    revocation = read_revocation(_answer(200, body))
    assert revocation.outcome is RevocationOutcome.REVOKED
    assert revocation.checks[0].severity is Severity.PASS


def test_204_is_revoked_with_a_note() -> None:
    """H138."""
    revocation = read_revocation(_answer(204))
    assert revocation.outcome is RevocationOutcome.REVOKED
    assert revocation.checks[0].severity is Severity.NOTICE


@pytest.mark.parametrize("status", [201, 202, 302, 307, 400, 401, 403, 404, 405, 500, 502])
def test_any_other_status_claims_nothing(status: int) -> None:
    """RV-4, H138: the credential is kept."""
    revocation = read_revocation(_answer(status, b"<html>"))
    assert revocation.outcome is RevocationOutcome.NOT_REVOKED
    assert revocation.checks[0].severity is Severity.FAILURE
    assert "still valid" in str(revocation.checks[0].cure)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("unsupported_token_type", RevocationOutcome.UNSUPPORTED),
        ("invalid_client", RevocationOutcome.NOT_REVOKED),
        ("invalid_request", RevocationOutcome.NOT_REVOKED),
    ],
)
@pytest.mark.parametrize("status", [400, 401])
def test_an_error_is_reported_with_its_meaning(code: str, outcome: RevocationOutcome, status: int) -> None:
    """RV-4: and an echo of the token is masked."""
    body = json.dumps({"error": code, "error_description": "not t0ken"}).encode()
    revocation = read_revocation(_answer(status, body), sent=(Secret("t0ken"),))
    assert revocation.outcome is outcome
    check = revocation.checks[0]
    assert f"{status} {code}" in check.seen
    assert "t0ken" not in repr(revocation)
    assert (check.why, check.cure) == meaning(code)[:2]


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", 120),
        ("0", 0),
        ("99999999999999999999", 86_400),
        ("Tue, 24 Nov 2026 12:01:00 GMT", 60),
        ("Tue, 24 Nov 2020 12:01:00 GMT", 0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("²", None),
    ],
)
@pytest.mark.parametrize("status", [503, 429])
def test_a_busy_server_keeps_the_token_and_may_name_a_time(status: int, value: str, wait: int | None) -> None:
    """RV-3: the token still exists; Retry-After is honoured, at most a day."""
    revocation = read_revocation(_answer(status, retry_after=value), now=NOW)
    assert revocation.outcome is RevocationOutcome.TRY_LATER
    assert revocation.retry_after == wait
    assert revocation.checks[0].severity is Severity.FAILURE
    assert "still exists" in str(revocation.checks[0].cure)


def test_a_token_that_the_server_calls_invalid_had_ended_already() -> None:
    """Google answers a token that is dead with 400 where RFC 7009 §2.2 has 200; a 401 is about the client."""
    body = json.dumps({"error": "invalid_token", "error_description": "Token expired or revoked"}).encode()
    revocation = read_revocation(_answer(400, body))
    assert revocation.outcome is RevocationOutcome.REVOKED
    assert [check.severity for check in revocation.checks] == [Severity.NOTICE]
    assert "ended already" in revocation.checks[0].seen
    assert read_revocation(_answer(401, body)).outcome is RevocationOutcome.NOT_REVOKED
