"""A stored grant with bound tokens: every request of its life is signed (RFC 9449)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from authlens_core.credentials.inventory.request_headers import headers_for
from authlens_core.credentials.lifecycle.probe_grant import probe_grant
from authlens_core.credentials.lifecycle.refresh import refresh
from authlens_core.credentials.lifecycle.refresh_result import RefreshOptions, RefreshOutcome
from authlens_core.credentials.lifecycle.revoke import revoke
from authlens_core.credentials.lifecycle.revoke_result import RevokeOutcome
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.emulator.profile import Profile
from authlens_core.emulator.standard.emulator import StandardEmulator
from authlens_core.errors import LoginNeeded
from authlens_core.secret import Secret
from authlens_core.session import Session
from authlens_core.wire.client import Wire
from support.profile_login import log_in

FAULTS = ("dpop-required", "dpop-nonce")


@asynccontextmanager
async def bound_session(fault: str) -> AsyncIterator[tuple[Session, Grant, StandardEmulator]]:
    """Lend a session that has logged in at a server of bound tokens."""
    session = Session(Wire(), Credentials.memory())
    async with StandardEmulator(Profile.GENERIC, faults=[fault]) as emulator, session:
        trace = await log_in(emulator, session=session)
        assert trace.records[-1].failures == ()
        yield session, session.credentials.list()[0], emulator


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_refresh_keeps_the_key_and_the_new_token_works(fault: str) -> None:
    """DP-1: the refresh token of a public client is bound to the key too (§5)."""
    async with bound_session(fault) as (session, grant, _):
        key = (await session.credentials.load(grant.grant_id))[1].dpop_key
        done = await refresh(session.credentials, session.wire, grant.grant_id, RefreshOptions(force=True))
        assert (done.outcome, done.cure) == (RefreshOutcome.REFRESHED, "")
        assert (await session.credentials.load(grant.grant_id))[1].dpop_key == key
        probed = await probe_grant(session.credentials, session.wire, grant.grant_id)
        assert probed.result.accepted
        assert probed.grant.token_type == "DPoP"


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_revocation_is_verified_with_a_signed_request(fault: str) -> None:
    async with bound_session(fault) as (session, grant, _):
        done = await revoke(session.credentials, session.wire, grant.grant_id, pauses=())
    assert (done.outcome, done.still_accepted) == (RevokeOutcome.REVOKED, False)


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_fields_for_a_request_open_the_resource_once(fault: str) -> None:
    """DP-2, DP-4: the nonce of the login's last answer is used; the same proof is refused the second time."""
    async with bound_session(fault) as (session, _, emulator), httpx.AsyncClient(trust_env=False) as http:
        url = emulator.resource_url
        fields = await headers_for(session.credentials, session.wire, url)
        for status in (200, 200):
            answer = await http.get(url, headers=list(fields.for_request("GET", url)))
            assert answer.status_code == status
        again = list(fields.for_request("GET", url))
        assert [(await http.get(url, headers=again)).status_code for _ in range(2)] == [200, 401]


async def test_a_key_that_cannot_be_read_needs_a_login_and_nothing_is_sent() -> None:
    """DP-1."""
    async with bound_session("dpop-required") as (session, grant, emulator):
        saved, secrets = await session.credentials.load(grant.grant_id)
        await session.credentials.save(saved, replace(secrets, dpop_key=Secret("{}")))
        before = len(emulator.requests)
        with pytest.raises(LoginNeeded, match="cannot be read"):
            await refresh(session.credentials, session.wire, grant.grant_id, RefreshOptions(force=True))
        assert len(emulator.requests) == before
