"""Access: the proof that the token works, with plain values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from authlens_core.login.stages.access import AccessStage
from authlens_core.oauth.check import Severity, failures
from authlens_core.oauth.duration import Lifetime
from authlens_core.oauth.http_message import Response
from authlens_core.oauth.token import TokenResponse
from authlens_core.secret import Secret
from authlens_core.wire.exchange import FailureKind, WireFailure
from support.scripted_login import RESOURCE, exchange, facts, reply

STAGE = AccessStage()
TOKENS = TokenResponse(Secret("oauth:canary-1"), "bearer", Lifetime(900), None, None, None, None)
START = facts(tokens=TOKENS)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_token_goes_to_the_resource_in_the_header_and_nowhere_else(method: str) -> None:
    """BR-1, BR-3, TK-10: with the method that the resource answers to; the URL is the person's own."""
    planned = STAGE.request(replace(START, method=method), ())  # type: ignore[arg-type]
    assert planned is not None
    request = planned.request
    assert (request.method, request.url) == (method, RESOURCE)
    assert request.headers.get_all("authorization") == ("Bearer oauth:canary-1",)
    assert "canary" not in request.url
    assert b"canary" not in request.body.reveal()
    assert request.headers.get("cookie") is None


def test_it_is_asked_once_and_not_without_a_token() -> None:
    """CH-14: no retry in a circle."""
    refused = reply(401, None, ("WWW-Authenticate", 'Bearer error="invalid_token"'))
    assert STAGE.request(START, [exchange(refused)]) is None
    assert STAGE.request(replace(START, tokens=None), ()) is None
    assert failures(STAGE.learn(replace(START, tokens=None), ()).checks)


@pytest.mark.parametrize("status", [200, 204])
def test_a_success_is_the_proof(status: int) -> None:
    """RFC 6750."""
    learned = STAGE.learn(START, [exchange(reply(status))])
    assert [c.severity for c in learned.checks] == [Severity.PASS]


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (reply(401, None, ("WWW-Authenticate", 'Bearer error="invalid_token"')), "issued a moment ago"),
        (
            reply(403, None, ("WWW-Authenticate", 'Bearer error="insufficient_scope", scope="x"')),
            "not allow enough",
        ),
        (reply(403), "origin"),
        (
            reply(302, None, ("Location", "https://t.cloudflareaccess.com/cdn-cgi/access/login/x")),
            "Managed OAuth",
        ),
        (reply(307, None, ("Location", "https://evil.example/")), "redirect"),
    ],
)
def test_a_refusal_is_a_failure_with_its_cause(answer: Response, word: str) -> None:
    """CH-14, BR-2: a redirect is never followed with the token."""
    [failed] = failures(STAGE.learn(START, [exchange(answer)]).checks)
    assert failed.name == "access.accepted"
    assert word in f"{failed.seen} {failed.cure}"
    assert not failed.overridable


@pytest.mark.parametrize("status", [400, 404, 429, 500, 530])
def test_another_problem_is_not_the_token_s_fault(status: int) -> None:
    """CH-14: the login is done; a warning says what stands behind it."""
    learned = STAGE.learn(START, [exchange(reply(status))])
    assert [c.severity for c in learned.checks] == [Severity.WARNING]
    assert str(status) in learned.checks[0].seen


def test_no_answer_is_no_proof() -> None:
    """The cause is that of the network."""
    lost = WireFailure(FailureKind.CONNECT, "Nobody listens.", "Start it.")
    [failed] = failures(STAGE.learn(START, [exchange(lost)]).checks)
    assert (failed.seen, failed.cure) == ("Nobody listens.", "Start it.")
