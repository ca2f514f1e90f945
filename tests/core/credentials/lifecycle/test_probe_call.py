"""Calling the resource with the token, and giving one to a script."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.probe_call import probe_grant
from authlens_core.credentials.lifecycle.refresh import usable_token
from authlens_core.credentials.records.grant import Grant, GrantState, utc_now
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.errors import LoginNeeded, NetworkFailure, Refused
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from support.rotating_server import RotatingServer, Scripted


async def test_a_server_that_takes_no_get_is_called_as_an_mcp_server(
    credentials: Credentials, wire: Wire, saved: Grant, server: RotatingServer
) -> None:
    """A refused method says nothing of the token."""
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "Method not found"}}
    server.answers("/mcp", Scripted(405), Scripted(404, error))
    assert (await probe_grant(credentials, wire, saved.grant_id)).result.accepted is True
    assert [seen.method for seen in server.seen] == ["GET", "POST", "POST"]


@pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
async def test_an_answer_about_something_else_proves_nothing(
    credentials: Credentials, wire: Wire, saved: Grant, server: RotatingServer, status: int
) -> None:
    """Trouble behind the login is not the token's fault, nor its proof."""
    server.answers("/mcp", Scripted(status))
    assert (await probe_grant(credentials, wire, saved.grant_id)).result.accepted is None


async def test_a_redirect_is_not_followed_with_the_token(
    credentials: Credentials, wire: Wire, saved: Grant, server: RotatingServer
) -> None:
    """BR-2, H117: the header goes to no other place."""
    server.answers("/mcp", Scripted(307, None, (("Location", f"{server.base}/elsewhere"),)))
    assert (await probe_grant(credentials, wire, saved.grant_id)).result.accepted is None
    assert [seen.path for seen in server.seen] == ["/mcp"]


@pytest.mark.parametrize("path", ["/other", "/mcpx", "/mcp/../other", "/mcp/%2e%2e/other"])
async def test_a_token_goes_nowhere_outside_its_resource(
    credentials: Credentials, wire: Wire, saved: Grant, server: RotatingServer, path: str
) -> None:
    """TK-10, H121: not attached, not even sent."""
    with pytest.raises(LoginNeeded, match="no login"):
        await usable_token(credentials, wire, credentials.covering(f"{server.base}{path}"))
    assert server.seen == []


async def test_an_expired_token_is_refreshed_for_a_script(
    credentials: Credentials, wire: Wire, saved: Grant, server: RotatingServer
) -> None:
    """`authlens token`: valid, or made valid; one request, and none for the next caller."""
    url = f"{server.base}/mcp/tool"
    assert (await usable_token(credentials, wire, credentials.covering(url))).token == Secret(
        "access-canary-1"
    )
    assert (await usable_token(credentials, wire, credentials.covering(url))).token == Secret(
        "access-canary-1"
    )
    assert len(server.posts("/token")) == 1


async def test_a_token_that_would_not_last_is_refreshed(
    credentials: Credentials, wire: Wire, saved: Grant, server: RotatingServer
) -> None:
    credentials.update(replace(saved, expires_at=utc_now() + timedelta(seconds=300)))
    url = f"{server.base}/mcp"
    assert (await usable_token(credentials, wire, credentials.covering(url))).token == Secret(
        "access-canary-0"
    )
    longer = timedelta(seconds=600)
    assert (await usable_token(credentials, wire, credentials.covering(url), min_ttl=longer)).token == Secret(
        "access-canary-1"
    )


async def test_a_valid_token_is_given_though_the_server_is_away(
    credentials: Credentials, wire: Wire, saved: Grant, server: RotatingServer
) -> None:
    """H126: what is still good is good."""
    credentials.update(replace(saved, expires_at=utc_now() + timedelta(seconds=30)))
    server.answers("/token", Scripted(503))
    assert (
        await usable_token(credentials, wire, credentials.covering(f"{server.base}/mcp"))
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
    credentials: Credentials,
    wire: Wire,
    saved: Grant,
    server: RotatingServer,
    answer: Scripted,
    error: type[Exception],
) -> None:
    """Scripts tell a login that is needed from a server that is away."""
    server.answers("/token", answer)
    with pytest.raises(error):
        await usable_token(credentials, wire, credentials.covering(f"{server.base}/mcp"))


async def test_a_grant_that_was_to_be_revoked_gives_no_token(
    credentials: Credentials, wire: Wire, saved: Grant, server: RotatingServer
) -> None:
    """RV-6: not used again."""
    ends = utc_now() + timedelta(seconds=600)
    credentials.update(replace(saved, state=GrantState.REVOCATION_FAILED, expires_at=ends))
    with pytest.raises(LoginNeeded, match="revoked"):
        await usable_token(credentials, wire, credentials.covering(f"{server.base}/mcp"))
    assert server.seen == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_accepted_token_moves_last_proven(
    credentials: Credentials, wire: Wire, saved: Grant, server: RotatingServer, method: str
) -> None:
    """BR-1, BR-3: in the Authorization field, and nowhere else."""
    credentials.update(replace(saved, method=method))
    server.answers("/mcp", Scripted(200, {}))
    result = (await probe_grant(credentials, wire, saved.grant_id)).result
    assert result.trace is not None
    assert result.accepted is True
    assert credentials.get(saved.grant_id).last_proven_at is not None
    (seen,) = server.seen
    assert (seen.method, seen.authorization) == (method, "Bearer access-canary-0")
    assert "canary" not in seen.path + str(seen.form)
    assert (result.trace.records[0].stage, result.trace.records[0].outcome) == (Stage.PROBE, Outcome.PASSED)
    assert "canary" not in repr(result)


async def test_a_refused_token_says_so(
    credentials: Credentials, wire: Wire, saved: Grant, server: RotatingServer
) -> None:
    server.access_tokens = set()
    result = (await probe_grant(credentials, wire, saved.grant_id)).result
    assert result.trace is not None
    assert result.accepted is False
    assert credentials.get(saved.grant_id).last_proven_at is None
    assert result.trace.records[0].outcome is Outcome.FAILED
