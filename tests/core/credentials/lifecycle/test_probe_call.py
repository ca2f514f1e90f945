"""Calling the resource with the token: a script gets one, and an answer has the words of its diagnosis."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.probe_call import call_resource
from authlens_core.credentials.lifecycle.refresh import usable_token
from authlens_core.credentials.records.grant import GrantState, utc_now
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.errors import LoginNeeded, NetworkFailure, Refused
from authlens_core.values.secret import Secret
from support.grants import Site, Stored
from support.made_checks import present
from support.rotating_server import Scripted


async def test_a_server_that_takes_no_get_is_called_as_an_mcp_server(stored: Stored) -> None:
    """A refused method says nothing of the token."""
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "Method not found"}}
    stored.server.answers("/mcp", Scripted(405), Scripted(404, error))
    assert (await stored.probe()).result.accepted is True
    assert [seen.method for seen in stored.server.seen] == ["GET", "POST", "POST"]


@pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
async def test_an_answer_about_something_else_proves_nothing(stored: Stored, status: int) -> None:
    """Trouble behind the login is not the token's fault, nor its proof."""
    stored.server.answers("/mcp", Scripted(status))
    assert (await stored.probe()).result.accepted is None


async def test_a_redirect_is_not_followed_with_the_token(stored: Stored) -> None:
    """BR-2, H117: the header goes to no other place."""
    stored.server.answers("/mcp", Scripted(307, None, (("Location", f"{stored.server.base}/elsewhere"),)))
    assert (await stored.probe()).result.accepted is None
    assert [seen.path for seen in stored.server.seen] == ["/mcp"]


@pytest.mark.parametrize("path", ["/other", "/mcpx", "/mcp/../other", "/mcp/%2e%2e/other"])
async def test_a_token_goes_nowhere_outside_its_resource(stored: Stored, path: str) -> None:
    """TK-10, H121: not attached, not even sent."""
    with pytest.raises(LoginNeeded, match="no login"):
        await usable_token(
            stored.credentials, stored.wire, stored.credentials.covering(f"{stored.server.base}{path}")
        )
    assert stored.server.seen == []


async def test_an_expired_token_is_refreshed_for_a_script(stored: Stored) -> None:
    """`authlens token`: valid, or made valid; one request, and none for the next caller."""
    url = f"{stored.server.base}/mcp/tool"
    assert (
        await usable_token(stored.credentials, stored.wire, stored.credentials.covering(url))
    ).token == Secret("access-canary-1")
    assert (
        await usable_token(stored.credentials, stored.wire, stored.credentials.covering(url))
    ).token == Secret("access-canary-1")
    assert len(stored.server.posts("/token")) == 1


async def test_a_token_that_would_not_last_is_refreshed(stored: Stored) -> None:
    stored.credentials.update(replace(stored.grant, expires_at=utc_now() + timedelta(seconds=300)))
    url = f"{stored.server.base}/mcp"
    assert (
        await usable_token(stored.credentials, stored.wire, stored.credentials.covering(url))
    ).token == Secret("access-canary-0")
    longer = timedelta(seconds=600)
    assert (
        await usable_token(stored.credentials, stored.wire, stored.credentials.covering(url), min_ttl=longer)
    ).token == Secret("access-canary-1")


async def test_a_valid_token_is_given_though_the_server_is_away(stored: Stored) -> None:
    """H126: what is still good is good."""
    stored.credentials.update(replace(stored.grant, expires_at=utc_now() + timedelta(seconds=30)))
    stored.server.answers("/token", Scripted(503))
    assert (
        await usable_token(
            stored.credentials, stored.wire, stored.credentials.covering(f"{stored.server.base}/mcp")
        )
    ).token == Secret("access-canary-0")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Scripted(503), NetworkFailure),
        (Scripted(400, {"error": "invalid_grant"}), LoginNeeded),
        (Scripted(401, {"error": "invalid_client"}), LoginNeeded),
        (Scripted(400, {"error": "unauthorized_client"}), Refused),
        (Scripted(drop=True), LoginNeeded),
    ],
)
async def test_without_a_token_the_exit_code_says_why(
    stored: Stored, answer: Scripted, error: type[Exception]
) -> None:
    """Scripts tell a login that is needed from a server that is away."""
    stored.server.answers("/token", answer)
    with pytest.raises(error):
        await usable_token(
            stored.credentials, stored.wire, stored.credentials.covering(f"{stored.server.base}/mcp")
        )


async def test_a_grant_that_was_to_be_revoked_gives_no_token(stored: Stored) -> None:
    """RV-6: not used again."""
    ends = utc_now() + timedelta(seconds=600)
    stored.credentials.update(replace(stored.grant, state=GrantState.REVOCATION_FAILED, expires_at=ends))
    with pytest.raises(LoginNeeded, match="revoked"):
        await usable_token(
            stored.credentials, stored.wire, stored.credentials.covering(f"{stored.server.base}/mcp")
        )
    assert stored.server.seen == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_accepted_token_moves_last_proven(stored: Stored, method: str) -> None:
    """BR-1, BR-3: in the Authorization field, and nowhere else."""
    stored.credentials.update(replace(stored.grant, method=method))
    stored.server.answers("/mcp", Scripted(200, {}))
    result = (await stored.probe()).result
    assert result.trace is not None
    assert result.accepted is True
    assert stored.credentials.get(stored.grant.grant_id).last_proven_at is not None
    (seen,) = stored.server.seen
    assert (seen.method, seen.authorization) == (method, "Bearer access-canary-0")
    assert "canary" not in seen.path + str(seen.form)
    assert (result.trace.records[0].stage, result.trace.records[0].outcome) == (Stage.PROBE, Outcome.PASSED)
    assert "canary" not in repr(result)


async def test_a_refused_token_says_so(stored: Stored) -> None:
    stored.server.access_tokens = set()
    result = (await stored.probe()).result
    assert result.trace is not None
    assert result.accepted is False
    assert stored.credentials.get(stored.grant.grant_id).last_proven_at is None
    assert result.trace.records[0].outcome is Outcome.FAILED


AUD = "a" * 64
ACCESS = (("cf-access-aud", AUD), ("cf-access-domain", "wiki.example.com"))
LOGIN = "https://team.cloudflareaccess.com/cdn-cgi/access/login/wiki.example.com"
BEARER = ("WWW-Authenticate", 'Bearer error="invalid_token"')
SCOPE = ("WWW-Authenticate", 'Bearer error="insufficient_scope", scope="write"')

TABLE = [
    (Scripted(401, None, (BEARER,)), False, "token_refused", "The stored access token is refused"),
    (Scripted(401), False, "token_refused", "The stored access token is refused"),
    (Scripted(403, None, ACCESS), False, "policy_refuses_token", "Access knows the token and refuses it"),
    (Scripted(403), False, "not_allowed_with_token", "you may not use this address"),
    (Scripted(403, None, (SCOPE,)), False, "token_not_enough", "its scope is too narrow"),
    (Scripted(302, None, (("Location", LOGIN),)), False, "oauth_turned_off", "although a token was sent"),
    (Scripted(307, None, (("Location", "https://x.example/"),)), None, "redirect_elsewhere", "It redirects"),
    (Scripted(404), None, "not_found", "Nothing was found at this address"),
    (Scripted(405), None, "method_not_allowed", "this request method"),
    (Scripted(429), None, "too_many_requests", "limits requests"),
    (Scripted(500), None, "server_failed", "The server failed with an internal error"),
    (Scripted(530, headers=(("cf-ray", "1-EMU"),)), None, "origin_down", "cannot reach the server behind it"),
    (Scripted(418), None, "unknown", "authlens does not recognise this response: HTTP/1.0 418"),
]


@pytest.mark.parametrize(("answer", "accepted", "name", "words"), TABLE)
async def test_the_answer_to_a_token_is_told_as_that_and_not_as_the_answer_to_nobody(
    stored: Stored, answer: Scripted, accepted: bool | None, name: str, words: str
) -> None:
    """A probe says what stage 8 says of the same answer, cause and cure, and the record says it too."""
    stored.server.answers("/mcp", answer, answer)  # a refused GET is followed by the call of an MCP client
    proven = (await stored.probe()).result
    assert (proven.accepted, present(proven.diagnosis).name) == (accepted, name)
    assert words in proven.summary
    assert proven.cure
    (check,) = present(proven.trace).records[0].checks
    assert (check.cure, proven.summary in check.seen) == (proven.cure, True)


@pytest.mark.parametrize(("answer", "accepted", "name", "words"), TABLE[7:])
async def test_an_answer_about_something_else_has_the_same_words_for_every_kind_of_credential(
    site: Site, answer: Scripted, accepted: bool | None, name: str, words: str
) -> None:
    """One place judges; what was sent makes a difference only where the answer is about it."""
    site.server.answers("/mcp", answer)
    fields = (("X-Key", "key-canary"),)
    said = await call_resource(site.wire, f"{site.server.base}/mcp", fields, secret=Secret("key-canary"))
    assert (said.accepted, present(said.diagnosis).name) == (accepted, name)
    assert words in said.summary
