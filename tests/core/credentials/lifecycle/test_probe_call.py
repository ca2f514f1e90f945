"""Calling the resource with the token, and giving one to a script."""

from __future__ import annotations

import pytest

from authlens_core.credentials.lifecycle.probe_call import probe_grant
from authlens_core.credentials.lifecycle.refresh import usable_token
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.errors import LoginNeeded, NetworkFailure, Refused
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
