"""Many credentials at once: bounded, stopped by a word, each with a result of its own; and forgetting one."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.cloudflare.cloudflared_token import CloudflaredKind, CloudflaredToken
from authlens_core.credentials.lifecycle.inventory import InventoryEntry, inventory_of
from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.forget import ForgottenCredentials, forget
from authlens_core.desk.lifecycle import ProbeResult, for_each, probe, refresh, revoke
from authlens_core.desk.session import Session
from authlens_core.values.check import Layer
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import CredentialKind
from authlens_core.wire.client import Wire
from support.grants import NOW, Site, Stored, grant, put
from support.needs import free_port
from support.rotating_server import Scripted


async def test_no_more_than_so_many_are_under_way() -> None:
    """A list of two thousand is no flood."""
    under_way, most = 0, 0

    async def work(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return number * 2

    assert await for_each(range(50), work, at_once=6) == tuple(range(0, 100, 2))
    assert most == 6


async def test_stopping_begins_nothing_more_and_waits_for_what_was_begun() -> None:
    """What was sent may have arrived: its result is worth having."""
    stop, begun = asyncio.Event(), []

    async def work(number: int) -> int:
        begun.append(number)
        await asyncio.sleep(0.01)
        return number

    def on_result(_item: int, _result: int) -> None:
        stop.set()

    assert await for_each(range(50), work, at_once=3, on_result=on_result, stop=stop) == (0, 1, 2)
    assert begun == [0, 1, 2]


@pytest.fixture
def session(credentials: Credentials, wire: Wire) -> Session:
    return Session(wire, credentials)


@pytest.fixture
async def three(credentials: Credentials, saved: Grant) -> list[Grant]:
    """A login that works, one whose token the server does not know, one whose secrets are gone."""
    unknown = GrantSecrets(Secret("access-canary-x"), Secret("refresh-canary-x"))
    refused = await credentials.save(replace(saved, grant_id="refused", client_id="other"), unknown)
    gone = replace(saved, grant_id="gone", client_id="third", generation=7)
    put(credentials.index, gone, 0)
    return [saved, refused, gone]


async def _probe_all(session: Session, entries: Iterable[InventoryEntry]) -> tuple[ProbeResult, ...]:
    return await for_each(entries, lambda entry: probe(session, entry))


async def test_each_resource_is_asked_and_one_that_fails_keeps_no_other_from_it(
    site: Site, session: Session, three: list[Grant]
) -> None:
    results = await _probe_all(session, inventory_of(three))
    assert [probed.accepted for probed in results] == [True, False, None]
    assert [probed.layer for probed in results] == ["origin", "origin", Layer.THIS_MACHINE]
    assert [probed.exit_code for probed in results] == [0, 4, 4]
    assert len(site.server.posts("/mcp")) == 2
    assert "canary" not in repr(results)


async def test_a_token_that_is_refused_as_invalid_is_refreshed_once_and_asked_with_again(
    stored: Stored, session: Session
) -> None:
    """RFC 6750 §3.1, whatever the clock says: the login works, and the words say what it took."""
    stored.server.access_tokens.clear()
    (probed,) = await _probe_all(session, inventory_of([stored.grant]))
    assert (probed.accepted, probed.exit_code) == (True, 0)
    assert probed.summary.startswith("The resource refused the old access token, so authlens got a new one.")
    assert len(stored.server.posts("/token")) == 1
    stored.server.answers(
        "/mcp", *[Scripted(401, None, (("WWW-Authenticate", 'Bearer error="invalid_token"'),))] * 2
    )
    (again,) = await _probe_all(session, inventory_of(stored.credentials.list()))
    assert (again.accepted, again.exit_code) == (False, 5)
    assert len(stored.server.posts("/token")) == 2


async def test_a_refusal_that_is_not_about_the_token_refreshes_nothing(
    stored: Stored, session: Session
) -> None:
    """403, or 401 by somebody else: the refresh token is not spent for that."""
    stored.server.answers("/mcp", Scripted(403), Scripted(401))
    for _ in range(2):
        (probed,) = await _probe_all(session, inventory_of([stored.grant]))
        assert probed.accepted is not True
    assert stored.server.posts("/token") == []


async def test_a_network_that_does_not_answer_is_told_from_a_refusal(
    stored: Stored, session: Session
) -> None:
    """Pain 12: the token is not at fault."""
    nowhere = f"http://127.0.0.1:{free_port()}/mcp"
    alone = await stored.credentials.save(
        replace(stored.grant, resource_url=nowhere, resource=nowhere), stored.secrets
    )
    (probed,) = await _probe_all(session, inventory_of([alone]))
    assert (probed.accepted, probed.layer, probed.exit_code) == (None, "network", 6)


async def test_an_organisation_token_is_not_sent_anywhere(session: Session) -> None:
    """It opens no application."""
    token = CloudflaredToken("c", CloudflaredKind.ORGANISATION, "team.cloudflareaccess.com", Path("x"))
    probed = await probe(session, inventory_of((), (token,))[0])
    assert (probed.accepted, probed.layer, probed.exit_code) == (None, Layer.THIS_MACHINE, 2)


async def test_revoking_all_keeps_and_marks_what_was_not_confirmed(
    site: Site, session: Session, three: list[Grant]
) -> None:
    """Per-credential results; the words tell each token's, the answer of the resource and the time."""
    site.server.answers("/revoke", Scripted(503), Scripted(503))
    first, *_ = three
    results = [await revoke(session, one) for one in (first, *three[1:])]
    assert [ended.good for ended in results] == [False, True, False]
    assert {one.grant_id: one.state for one in site.credentials.list()} == {
        first.grant_id: GrantState.REVOCATION_FAILED,
        "gone": GrantState.LIVE,
    }
    words = " ".join(results[1].details)
    assert "Refresh token: revoked" in words
    assert "Access token: revoked" in words
    assert "The resource answered the token with 401, " in words
    assert " ms later." in words


async def test_refreshing_all_gives_each_its_turn(
    credentials: Credentials, session: Session, three: list[Grant]
) -> None:
    results = [await refresh(session, one) for one in (three[0], three[2])]
    assert [ended.good for ended in results] == [True, False]


SECRETS = GrantSecrets(Secret("access-canary"), Secret("refresh-canary"))
TOKEN = ServiceToken("service-1", "https://ci.example.com/", f"{'0' * 32}.access", NOW)


async def test_a_grant_is_removed_and_called_one() -> None:
    credentials = Credentials.memory()
    saved = await credentials.save(grant(), SECRETS)
    assert (await forget(Session(None, credentials), saved.grant_id)).kind is CredentialKind.OAUTH
    assert credentials.list() == ()
    await credentials.aclose()


async def test_a_service_token_is_removed_and_called_one() -> None:
    credentials = Credentials.memory()
    await credentials.service_tokens.save(TOKEN, Secret("a" * 64))
    assert (await forget(Session(None, credentials), TOKEN.token_id)).kind is CredentialKind.SERVICE_TOKEN
    assert credentials.service_tokens.list() == ()
    await credentials.aclose()


async def test_both_kinds_can_be_restored_where_an_undo_is_given() -> None:
    credentials, undo = Credentials.memory(), ForgottenCredentials()
    saved = await credentials.save(grant(), SECRETS)
    await credentials.service_tokens.save(TOKEN, Secret("a" * 64))
    for record_id in (saved.grant_id, TOKEN.token_id):
        await forget(Session(None, credentials), record_id, undo)
        assert undo.last == record_id
        await undo.restore(Session(None, credentials))
    assert [found.grant_id for found in credentials.list()] == [saved.grant_id]
    assert [found.token_id for found in credentials.service_tokens.list()] == [TOKEN.token_id]
    await credentials.aclose()
