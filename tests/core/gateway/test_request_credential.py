"""Fresh header fields at each request: one refresh however many callers, and never an endless one."""

from __future__ import annotations

import asyncio

import pytest

from authlens_core.credentials.lifecycle import request_credential
from authlens_core.credentials.lifecycle.request_credential import RequestCredential
from authlens_core.values.errors import LoginNeeded
from support.rotating_server import Scripted

from .conftest import LoggedIn

BEARER_0 = (("Authorization", "Bearer access-canary-0"),)
BEARER_1 = (("Authorization", "Bearer access-canary-1"),)


def credential(at: LoggedIn) -> RequestCredential:
    """Return the credential for the resource."""
    return RequestCredential(at.credentials, at.wire, at.url)


async def test_a_token_that_lasts_is_given_without_a_request(logged_in: LoggedIn) -> None:
    found = await credential(logged_in).fields()
    assert found.fields == BEARER_0
    assert logged_in.server.seen == []


async def test_concurrent_callers_share_one_refresh_of_an_expired_token(expired: LoggedIn) -> None:
    shared = credential(expired)
    found = await asyncio.gather(*(shared.fields() for _ in range(8)))
    assert {one.fields for one in found} == {BEARER_1}
    assert len(expired.server.posts("/token")) == 1


async def test_concurrent_callers_share_one_refresh_after_a_401(logged_in: LoggedIn) -> None:
    """Each of them brings the same refused token."""
    shared = credential(logged_in)
    refused = await shared.fields()
    found = await asyncio.gather(*(shared.renewed(refused) for _ in range(8)))
    assert {None if one is None else one.fields for one in found} == {BEARER_1}
    assert len(logged_in.server.posts("/token")) == 1
    assert shared.refreshes == 1


async def test_a_new_token_that_is_refused_too_is_not_refreshed_again(logged_in: LoggedIn) -> None:
    """A resource that refuses everything costs one refresh, not one a request."""
    shared = credential(logged_in)
    second = await shared.renewed(await shared.fields())
    assert second is not None
    assert await shared.renewed(second) is None
    shared.accepted(second)
    assert await shared.renewed(second) is not None
    assert len(logged_in.server.posts("/token")) == 2


async def test_a_login_that_was_forgotten_meanwhile_is_not_used_on(
    logged_in: LoggedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process removes it; held fields are checked against the index after a second."""
    shared = credential(logged_in)
    await shared.fields()
    await logged_in.credentials.forget("grant-1")
    monkeypatch.setattr(request_credential, "_RECHECK", 0.0)
    with pytest.raises(LoginNeeded):
        await shared.fields()


async def test_another_host_gets_nothing(logged_in: LoggedIn) -> None:
    elsewhere = RequestCredential(logged_in.credentials, logged_in.wire, "https://other.example/mcp")
    with pytest.raises(LoginNeeded, match=r"other\.example"):
        await elsewhere.fields()


async def test_a_program_that_cannot_renew_a_token_gets_one_that_was_tried(logged_in: LoggedIn) -> None:
    """Refused before its end: renewed once, and given whatever the resource says then."""
    assert (await credential(logged_in).tried()).fields == BEARER_0
    logged_in.server.access_tokens = set()
    assert (await credential(logged_in).tried()).fields == BEARER_1
    assert len(logged_in.server.posts("/token")) == 1


async def test_an_answer_about_something_else_keeps_the_token(logged_in: LoggedIn) -> None:
    logged_in.server.answers("/mcp", Scripted(503))
    assert (await credential(logged_in).tried()).fields == BEARER_0
    assert logged_in.server.posts("/token") == []
