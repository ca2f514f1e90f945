"""authlens against servers that others wrote: login, call, refresh, revoke, on each of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from authlens_core.credentials.lifecycle.action_result import RefreshOutcome, RevokeOutcome
from authlens_core.credentials.lifecycle.probe_call import probe_grant
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh
from authlens_core.credentials.lifecycle.revoke import revoke
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.oauth.revocation import RevocationOutcome
from authlens_core.trace.record import Outcome, Stage, Trace
from authlens_core.values.login_options import Options
from authlens_core.values.stage import LOGIN_STAGES
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator
from e2e.real_login import log_in, say_no, story
from support.keyring_session import keyring_session
from support.server_process import ServerProcess
from support.waiting import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("servers")]
ANY_PORT = Options(port=0, wait=PATIENCE)


@dataclass(frozen=True, slots=True)
class Target:
    """A protected resource and the authorization server that lets into it."""

    resource: str
    issuer: str


@pytest.fixture(params=["emulator", "oidc_provider", "oidc_provider_jwt", "mcp_server"])
async def target(request: pytest.FixtureRequest) -> AsyncIterator[Target]:
    """Each server in turn, our emulator first."""
    if request.param == "emulator":
        async with Emulator(access_token_lifetime=900) as emulator:
            yield Target(emulator.resource_url, emulator.issuer)
    else:
        server: ServerProcess = request.getfixturevalue(request.param)
        yield Target(server.resource, server.issuer)


async def grant_at(session: Session, target: Target) -> tuple[Grant, Trace]:
    """Log in and return what it left, and the record."""
    trace, _ = await log_in(start_login(session, target.resource, ANY_PORT))
    grant = session.credentials.find(target.resource)
    assert grant is not None, story(trace)
    return grant, trace


async def test_all_eight_stages_pass(session: Session, target: Target) -> None:
    """Detection to access, with nothing but the URL of the resource to begin with."""
    grant, trace = await grant_at(session, target)

    assert [(record.stage, record.outcome) for record in trace.records] == [
        (stage, Outcome.PASSED) for stage in LOGIN_STAGES
    ], story(trace)
    assert grant.issuer == target.issuer
    assert grant.has_refresh_token
    assert grant.expires_at is not None


async def test_no_secret_is_in_what_the_record_shows(session: Session, target: Target) -> None:
    """Codes, verifiers and tokens stay masked, whatever the server called them."""
    grant, trace = await grant_at(session, target)
    _, secrets = await session.credentials.load(grant.grant_id)

    shown = repr(trace)
    assert secrets.access_token.reveal() not in shown
    assert secrets.refresh_token is not None
    assert secrets.refresh_token.reveal() not in shown


async def test_the_browser_ends_on_the_page_that_says_it_worked(session: Session, target: Target) -> None:
    """The person at the browser learns how it ended, too."""
    _, page = await log_in(start_login(session, target.resource, ANY_PORT))

    assert page is not None
    assert page.status == 200
    assert "close this tab" in page.text


async def test_a_person_who_denies_ends_the_login_at_authorization(session: Session, target: Target) -> None:
    """RFC 6749 §4.1.2.1: `access_denied` is the server's word, said as such, and nothing is kept."""
    trace, page = await log_in(start_login(session, target.resource, ANY_PORT), say_no)

    last = trace.records[-1]
    assert (last.stage, last.outcome) == (Stage.AUTHORIZATION, Outcome.FAILED), story(trace)
    assert "access_denied" in story(trace)
    assert page is not None
    assert session.credentials.find(target.resource) is None


async def test_the_token_opens_the_resource(session: Session, target: Target) -> None:
    """A later call proves it and notes when."""
    grant, _ = await grant_at(session, target)

    proven = await probe_grant(session.credentials, session.wire, grant.grant_id)

    assert proven.result.accepted is True, proven.result.summary
    assert proven.grant.last_proven_at is not None


async def test_a_refresh_replaces_both_tokens_and_the_new_one_works(session: Session, target: Target) -> None:
    """RFC 6749 §6, with rotation; a second refresh shows that the new refresh token was kept."""
    grant, _ = await grant_at(session, target)
    _, before = await session.credentials.load(grant.grant_id)

    for generation in (1, 2):
        done = await refresh(session.credentials, session.wire, grant.grant_id, RefreshOptions(force=True))
        assert done.outcome is RefreshOutcome.REFRESHED, (generation, done.summary)
    _, after = await session.credentials.load(grant.grant_id)
    proven = await probe_grant(session.credentials, session.wire, grant.grant_id)

    assert after.access_token != before.access_token
    assert proven.result.accepted is True, proven.result.summary


REVOCABLE = ["emulator", "oidc_provider", "mcp_server"]


"""The servers that end an access token when they are asked to: all but the one whose tokens are JWTs."""


@pytest.mark.parametrize("target", REVOCABLE, indirect=True)
async def test_a_revocation_is_confirmed_and_proven(session: Session, target: Target) -> None:
    """RFC 7009: the server says so, the resource refuses the token, and nothing is left here."""
    grant, _ = await grant_at(session, target)

    ended = await revoke(session.credentials, session.wire, grant.grant_id)

    assert ended.outcome is RevokeOutcome.REVOKED, ended.summary
    assert ended.still_accepted is False
    assert ended.removed
    assert session.credentials.find(target.resource) is None


async def test_a_token_that_cannot_be_revoked_is_not_called_revoked(
    session: Session, oidc_provider_jwt: ServerProcess
) -> None:
    """RFC 7009 §2.2.1: the refresh token ends, the JWT does not, and how long it still lasts is said."""
    grant, _ = await grant_at(session, Target(oidc_provider_jwt.resource, oidc_provider_jwt.issuer))

    ended = await revoke(session.credentials, session.wire, grant.grant_id)

    assert [(result.token, result.outcome) for result in ended.tokens] == [
        ("refresh_token", RevocationOutcome.REVOKED),
        ("access_token", RevocationOutcome.UNSUPPORTED),
    ]
    assert ended.outcome is RevokeOutcome.RENEWAL_ENDED
    assert ended.still_accepted is True
    left = ended.grant.status().remaining_seconds
    assert left is not None
    assert left > 800


async def test_a_second_login_registers_nothing_new(session: Session, target: Target) -> None:
    """The client of the first login is used again when the redirect URI is the same."""
    first, page = await log_in(start_login(session, target.resource, ANY_PORT))
    assert page is not None
    grant = session.credentials.find(target.resource)
    assert grant is not None, story(first)
    port = int(grant.redirect_uri.rpartition(":")[2].partition("/")[0])

    again, _ = await log_in(start_login(session, target.resource, Options(port=port, wait=PATIENCE)))

    registration = again.latest(Stage.REGISTRATION)
    assert registration is not None
    assert registration.exchanges == ()
    assert again.records[-1].outcome is Outcome.PASSED, story(again)


async def test_tokens_live_in_a_real_keyring(oidc_provider: ServerProcess) -> None:
    """A login kept by gnome-keyring is found, refreshed and revoked by the next run of the program."""
    with keyring_session() as environment:
        store = KeyringStore(environ=environment, limit=PATIENCE)
        await store.open()
        async with Session(Wire(), Credentials.open(store)) as first:
            trace, _ = await log_in(start_login(first, oidc_provider.resource, ANY_PORT))
            assert trace.records[-1].outcome is Outcome.PASSED, story(trace)

        store = KeyringStore(environ=environment, limit=PATIENCE)
        await store.open()
        async with Session(Wire(), Credentials.open(store)) as second:
            grant = second.credentials.find(oidc_provider.resource)
            assert grant is not None
            done = await refresh(second.credentials, second.wire, grant.grant_id, RefreshOptions(force=True))
            assert done.outcome is RefreshOutcome.REFRESHED, done.summary
            ended = await revoke(second.credentials, second.wire, grant.grant_id)
            assert ended.outcome is RevokeOutcome.REVOKED, ended.summary
