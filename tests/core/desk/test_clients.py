"""A client is deleted at its server, verified, and only then forgotten here (RFC 7592)."""

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import RefreshOutcome
from authlens_core.credentials.lifecycle.refresh import refresh
from authlens_core.credentials.lifecycle.revoke import revoke
from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.forget import forget, forget_client, registered_clients
from authlens_core.desk.lifecycle import ActionResult
from authlens_core.desk.session import Session
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.registration import Deletion, read_deletion
from authlens_core.values.errors import UsageError
from authlens_core.values.fix import commands_of
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator, Profile
from support.driven_login import log_in
from support.grants import Site, Stored
from support.rotating_server import RotatingServer, Scripted

REDIRECT = "http://localhost:8400/callback"


async def remembered(
    credentials: Credentials, server: RotatingServer, *, managed: bool = True, named: str = "client-1"
) -> Client:
    """Store a client of `server`."""
    client = Client(
        named,
        REDIRECT,
        registration_client_uri=f"{server.base}/register/1" if managed else None,
        registration_access_token=Secret("manage-canary") if managed else None,
    )
    await credentials.clients.remember(server.base, client)
    return client


async def forget_only_client(session: Session, *, only_here: bool = False) -> ActionResult:
    (client,) = registered_clients(session)
    return await forget_client(session, client, only_here=only_here)


async def test_a_registration_is_deleted_at_the_server_and_verified() -> None:
    """RG-7, RG-10: the whole way, from the registration of a login to its end."""
    async with (
        Emulator(Profile.GENERIC) as emulator,
        Session(Wire(), Credentials.memory()) as session,
    ):
        await log_in(emulator, session=session)
        credentials = session.credentials
        (client,) = registered_clients(session)
        with pytest.raises(UsageError, match="still uses this client") as refused:
            await forget_client(session, client)
        assert f": authlens revoke {emulator.resource_url}." in str(refused.value.cure)
        assert str(refused.value.cure).endswith(f": authlens forget {emulator.resource_url}")
        await revoke(credentials, session.wire, credentials.list()[0].grant_id, pauses=())
        done = await forget_only_client(session)
        assert done.good, done.summary
        assert "(204)" in done.summary
        assert "401" in done.summary
        assert credentials.clients.list() == ()


@pytest.mark.parametrize(
    ("answers", "good"),
    [
        ((Scripted(204), Scripted(404)), True),
        ((Scripted(401), Scripted(401)), True),
        ((Scripted(204), Scripted(200, {})), False),
        ((Scripted(405),), False),
        ((Scripted(500),), False),
    ],
)
async def test_a_client_that_is_not_gone_stays_here(
    site: Site, answers: tuple[Scripted, ...], good: bool
) -> None:
    """RG-10, H059: as the server answered it."""
    await remembered(site.credentials, site.server)
    site.server.answers("/register/1", *answers)
    done = await forget_only_client(Session(site.wire, site.credentials))
    assert done.good is good, done.summary
    assert len(site.credentials.clients.list()) == (0 if good else 1)
    assert "canary" not in f"{done.summary}{done.cure}"
    assert {seen.authorization for seen in site.server.seen} == {"Bearer manage-canary"}


@pytest.mark.parametrize(("named", "shown"), [("client-1", "client-1"), ("a&calc", "ID"), ("$(id)", "ID")])
async def test_an_id_that_a_shell_could_read_in_another_way_is_in_no_command(
    site: Site, named: str, shown: str
) -> None:
    """The server chose it."""
    await remembered(site.credentials, site.server, named=named)
    site.server.answers("/register/1", Scripted(405))
    done = await forget_only_client(Session(site.wire, site.credentials))
    assert commands_of(done.cure) == [f"authlens clients --forget={shown} --here"]


async def test_a_client_without_a_management_url_is_forgotten_here_and_that_is_said(site: Site) -> None:
    await remembered(site.credentials, site.server, managed=False)
    done = await forget_only_client(Session(site.wire, site.credentials))
    assert "it still has it" in done.summary
    assert (site.credentials.clients.list(), site.server.seen) == ((), [])


async def test_a_client_can_be_removed_from_this_machine_only(site: Site) -> None:
    await remembered(site.credentials, site.server)
    done = await forget_only_client(Session(site.wire, site.credentials), only_here=True)
    assert done.good
    assert (site.credentials.clients.list(), site.server.seen) == ((), [])


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(204, Deletion.DELETED), (401, Deletion.GONE), (403, Deletion.UNSUPPORTED), (500, Deletion.REFUSED)],
)
def test_the_status_of_a_deletion_is_its_meaning(status: int, meaning: Deletion) -> None:
    """RG-10, H059."""
    assert read_deletion(status) is meaning


async def _grant_of(
    credentials: Credentials, server: RotatingServer, saved: Grant, secrets: GrantSecrets
) -> Grant:
    await credentials.clients.remember(server.base, Client(saved.client_id, saved.redirect_uri))
    return await credentials.save(saved, secrets)


UNKNOWN = Scripted(401, {"error": "invalid_client"})


async def test_a_client_that_the_server_lost_is_noticed_at_a_refresh_and_registered_again(
    stored: Stored,
) -> None:
    """Issue 24, 2: a login is needed, now and at the next call; that one registers a new client."""
    grant = await _grant_of(stored.credentials, stored.server, stored.grant, stored.secrets)
    stored.server.answers("/token", UNKNOWN)
    for _ in range(2):
        result = await refresh(stored.credentials, stored.wire, grant.grant_id)
        assert result.outcome is RefreshOutcome.LOGIN_NEEDED
        assert "registers a new one" in result.summary
    assert len(stored.server.posts("/token")) == 1
    assert await stored.credentials.clients.find(stored.server.base, stored.grant.redirect_uri) is None


async def test_a_login_of_a_lost_client_is_not_revoked_and_removed_by_the_command_that_is_named(
    stored: Stored,
) -> None:
    """Issue 24, 2: the server says why, and the tokens stay until the user removes them."""
    grant = await _grant_of(stored.credentials, stored.server, stored.grant, stored.secrets)
    stored.server.answers("/revoke", UNKNOWN, UNKNOWN)
    result = await revoke(stored.credentials, stored.wire, grant.grant_id, pauses=())
    assert "does not know the client" in result.summary
    assert f": authlens forget {grant.grant_id}." in str(result.cure)
    await forget(Session(stored.wire, stored.credentials), grant.grant_id)
    assert (stored.credentials.list(), stored.credentials.clients.list()) == ((), ())


async def test_a_client_of_a_login_that_its_server_ended_can_be_forgotten(stored: Stored) -> None:
    """No refresh needs it any more."""
    grant = await _grant_of(stored.credentials, stored.server, stored.grant, stored.secrets)
    stored.credentials.update(replace(grant, state=GrantState.LOGIN_NEEDED))
    assert (await forget_only_client(Session(stored.wire, stored.credentials))).good
    assert stored.credentials.clients.list() == ()


async def test_a_client_that_cannot_be_read_is_named_and_can_be_removed(site: Site) -> None:
    """Issue 24, 2: it was left out without a word."""
    await remembered(site.credentials, site.server)
    with site.credentials.index.writing() as connection:
        connection.execute("UPDATE clients SET record = '{'")
    assert registered_clients(Session(site.wire, site.credentials)) == ()
    [key] = site.credentials.clients.unreadable()
    await site.credentials.clients.remove_unreadable(key)
    assert site.credentials.clients.unreadable() == ()
