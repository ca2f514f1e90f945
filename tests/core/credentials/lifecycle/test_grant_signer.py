"""A stored grant with bound tokens: every request of its life is signed (RFC 9449)."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import RefreshOutcome, RevokeOutcome
from authlens_core.credentials.lifecycle.probe_call import probe_grant
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh
from authlens_core.credentials.lifecycle.request_headers import headers_for, token_fields
from authlens_core.credentials.lifecycle.revoke import revoke
from authlens_core.credentials.records.grant import Grant, GrantState, utc_now
from authlens_core.credentials.records.service_token import ServiceToken, TokenForm
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.session import Session
from authlens_core.diagnosis.credential import Credential, credential_of, pair_problems
from authlens_core.oauth.dpop import make_dpop_key
from authlens_core.values.check import Severity
from authlens_core.values.errors import LoginNeeded, SecretStoreDenied, ServerMisconfigured
from authlens_core.values.exchange import Headers, Request
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator, Profile
from support.driven_login import log_in
from support.grants import Stored
from support.rotating_server import Scripted

FAULTS = ("dpop-required", "dpop-nonce")


@asynccontextmanager
async def bound_session(fault: str) -> AsyncIterator[tuple[Session, Grant, Emulator]]:
    """Lend a session that has logged in at a server of bound tokens."""
    session = Session(Wire(), Credentials.memory())
    async with Emulator(Profile.GENERIC, faults=[fault]) as emulator, session:
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


def _bearer(refresh_token: str | None) -> Scripted:
    answer = {"access_token": "unbound-canary", "token_type": "Bearer", "expires_in": 900}
    return Scripted(200, answer if refresh_token is None else {**answer, "refresh_token": refresh_token})


async def _bound(credentials: Credentials, saved: Grant) -> Grant:
    secrets = (await credentials.load(saved.grant_id))[1]
    key = make_dpop_key().private_jwk
    return await credentials.save(replace(saved, token_type="DPoP"), replace(secrets, dpop_key=key))


@pytest.mark.parametrize("new", ["refresh-canary-9", None], ids=["rotated", "not rotated"])
async def test_a_refresh_never_makes_a_bound_token_an_unbound_one(stored: Stored, new: str | None) -> None:
    """H429, RFC 9449 §5: the token is dropped, and what keeps the grant alive is stored."""
    bound = await _bound(stored.credentials, stored.grant)
    stored.server.answers("/token", _bearer(new))
    done = await refresh(stored.credentials, stored.wire, bound.grant_id, RefreshOptions(force=True))
    assert done.outcome is RefreshOutcome.DOWNGRADED
    assert done.error_type is ServerMisconfigured
    assert [check.name for check in done.trace.records[0].failures] == ["refresh.token_type"]
    grant, secrets = await stored.credentials.load(bound.grant_id)
    assert (grant.token_type, grant.state) == ("DPoP", GrantState.LIVE)
    assert secrets.access_token.reveal() == "access-canary-0"
    assert secrets.refresh_token == Secret(new or "refresh-canary-0")
    assert secrets.dpop_key is not None
    assert grant.retry_at is not None
    assert stored.credentials.index.pending() == ()


async def test_the_grant_lives_on_when_the_server_binds_again(stored: Stored) -> None:
    """H429: nothing was lost by the answer that was dropped."""
    bound = await _bound(stored.credentials, stored.grant)
    stored.server.answers("/token", _bearer("refresh-canary-9"))
    await refresh(stored.credentials, stored.wire, bound.grant_id, RefreshOptions(force=True))
    stored.server.answers("/token", Scripted(200, {"access_token": "bound-canary", "token_type": "DPoP"}))
    done = await refresh(stored.credentials, stored.wire, bound.grant_id, RefreshOptions(force=True))
    assert done.outcome is RefreshOutcome.REFRESHED
    assert stored.server.posts("/token")[-1].form["refresh_token"] == "refresh-canary-9"
    assert (await stored.credentials.load(bound.grant_id))[1].access_token == Secret("bound-canary")


async def test_a_refresh_token_that_cannot_be_stored_is_not_lost_with_the_dropped_one(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = await _bound(stored.credentials, stored.grant)
    stored.server.answers("/token", _bearer("refresh-canary-9"))

    async def denied(*_: object) -> Grant:
        raise SecretStoreDenied("the store is locked", "Unlock it.")

    monkeypatch.setattr(stored.credentials, "save", denied)
    done = await refresh(stored.credentials, stored.wire, bound.grant_id, RefreshOptions(force=True))
    assert done.outcome is RefreshOutcome.STORE_FAILED
    assert done.secrets.refresh_token == Secret("refresh-canary-9")
    assert done.secrets.access_token == Secret("access-canary-0")


async def test_a_grant_whose_unbound_token_was_approved_is_refreshed_as_it_is(stored: Stored) -> None:
    """It has a key, and its user said yes to a bearer token at the login."""
    bound = await _bound(stored.credentials, stored.grant)
    _, secrets = await stored.credentials.load(bound.grant_id)
    grant = await stored.credentials.save(replace(bound, token_type="Bearer"), secrets)
    stored.server.answers("/token", _bearer("refresh-canary-9"))
    done = await refresh(stored.credentials, stored.wire, grant.grant_id, RefreshOptions(force=True))
    assert done.outcome is RefreshOutcome.REFRESHED
    assert done.trace.records[0].count(Severity.WARNING) == 1


TOKEN = ServiceToken("t", "https://a.example/", f"{'0123456789abcdef' * 2}.access", utc_now())
SECRET = Secret("a" * 64)


@pytest.mark.parametrize("form", list(TokenForm))
def test_both_forms_are_known_for_what_they_are(form: TokenForm) -> None:
    """What is sent here is what the diagnosis reads back, and it finds nothing wrong with it."""
    fields = token_fields(replace(TOKEN, form=form, header="X-Service-Token"), SECRET)
    request = Request("GET", "https://a.example/", Headers.of(fields))
    assert credential_of(request) is Credential.SERVICE_TOKEN
    assert pair_problems(request) == ()


def test_the_single_header_is_json_in_the_field_that_the_application_names() -> None:
    """§2: `read_service_tokens_from_header`."""
    ((name, value),) = token_fields(replace(TOKEN, form=TokenForm.SINGLE_HEADER), SECRET)
    assert name == "Authorization"
    assert json.loads(value) == {
        "cf-access-client-id": TOKEN.client_id,
        "cf-access-client-secret": SECRET.reveal(),
    }
