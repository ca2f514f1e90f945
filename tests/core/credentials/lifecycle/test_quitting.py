"""Leaving the program in the middle of a write: what the server has replaced already is not lost."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import RefreshOutcome
from authlens_core.credentials.lifecycle.refresh import refresh
from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState
from authlens_core.credentials.vault import credentials as grants
from authlens_core.credentials.vault.credentials import Credentials, refresh_lock
from authlens_core.credentials.vault.generations import SaveStep
from authlens_core.credentials.vault.save_login import save_login
from authlens_core.oauth.client_authentication import Client
from authlens_core.values.secret import Secret
from support.driven_login import until
from support.grants import Stored, make_grant

Open = Callable[..., Credentials]
ISSUER = "https://as.example"
REDIRECT = "http://localhost:8400/callback"
CLIENT = Client("id", REDIRECT, "client_secret_post", Secret("client-canary"))
NEW = GrantSecrets(Secret("access-canary-1"), Secret("refresh-canary-1"))
UNBEARABLE = 600.0
"""A bound in seconds that a test would fail by if anything waited for it."""


class Slow:
    """Makes a store take until it is told to go on, and says when something waits in it."""

    def __init__(self, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waiting = 0
        self.may_go_on = asyncio.Event()
        for name in ("set", "delete"):
            monkeypatch.setattr(store, name, self._slowly(getattr(store, name)))

    def _slowly(self, quick: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def call(*arguments: object) -> None:
            self.waiting += 1
            await self.may_go_on.wait()
            await quick(*arguments)

        return call


async def _quit_during(work: asyncio.Task[Any], credentials: Credentials, slow: Slow) -> None:
    """Close the credentials while the store is slow, let the store end, and wait for both."""
    await until(lambda: slow.waiting > 0)
    closing = asyncio.create_task(credentials.aclose())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not closing.done(), "the index was closed under a write"
    slow.may_go_on.set()
    await asyncio.wait_for(closing, 30)
    await asyncio.wait({work}, timeout=30)


@pytest.mark.parametrize("cancelled", [False, True])
async def test_quitting_in_the_middle_of_a_save_keeps_the_tokens_that_replaced_the_old_ones(
    stored: Stored, open_credentials: Open, store: Any, monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    """TK-12: the old refresh token is dead at the server; the new one is nowhere else."""
    credentials, slow = open_credentials(), Slow(store, monkeypatch)
    work = asyncio.create_task(refresh(credentials, stored.wire, stored.grant.grant_id))
    if cancelled:
        await until(lambda: slow.waiting > 0)
        work.cancel()
    await _quit_during(work, credentials, slow)
    assert stored.server.spent == {"refresh-canary-0"}
    if cancelled:
        assert work.cancelled()
    else:
        assert (await work).outcome is RefreshOutcome.REFRESHED
    grant, secrets = await open_credentials().load(stored.grant.grant_id)
    assert secrets == NEW
    assert grant.state is GrantState.LIVE
    assert open_credentials().index.pending() == ()


async def test_leaving_while_a_refresh_is_answered_keeps_what_the_server_gives(
    stored: Stored, open_credentials: Open
) -> None:
    """RF-8: Ctrl-C, or quitting, after the refresh token was sent; the lock is held until it is stored."""
    credentials, stored.server.hold = open_credentials(), threading.Event()
    work = asyncio.create_task(refresh(credentials, stored.wire, stored.grant.grant_id))
    await until(lambda: len(stored.server.posts("/token")) == 1)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert credentials.unfinished
    assert credentials.locks.owner(*refresh_lock(stored.grant)) != ""
    closing = asyncio.create_task(credentials.aclose())
    await asyncio.sleep(0.05)
    assert not closing.done()
    stored.server.hold.set()
    await asyncio.wait_for(closing, 30)
    grant, secrets = await open_credentials().load(stored.grant.grant_id)
    assert (grant.state, secrets) == (GrantState.LIVE, NEW)


async def test_an_answer_that_does_not_come_in_time_leaves_an_outcome_that_is_said(
    stored: Stored, open_credentials: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait is bounded, and what is not known is noted before the program ends."""
    monkeypatch.setattr(grants, "EXIT_BOUND", 0.05)
    credentials, stored.server.hold = open_credentials(), threading.Event()
    work = asyncio.create_task(refresh(credentials, stored.wire, stored.grant.grant_id))
    await until(lambda: len(stored.server.posts("/token")) == 1)
    work.cancel()
    await asyncio.wait({work})
    await asyncio.wait_for(credentials.aclose(), 30)
    stored.server.hold.set()
    assert open_credentials().get(stored.grant.grant_id).state is GrantState.UNKNOWN


async def test_leaving_before_anything_was_sent_ends_it_at_once(
    stored: Stored, open_credentials: Open, store: Any, monkeypatch: Any
) -> None:
    """A keyring that hangs holds nobody up; the grant is as it was."""
    reading = asyncio.Event()

    async def hangs(_entry: str) -> None:
        reading.set()
        await asyncio.sleep(60)

    credentials = open_credentials()
    monkeypatch.setattr(store, "get", hangs)
    work = asyncio.create_task(refresh(credentials, stored.wire, stored.grant.grant_id))
    await reading.wait()
    work.cancel()
    await asyncio.wait({work}, timeout=30)
    assert work.cancelled()
    assert not credentials.unfinished
    assert (stored.server.seen, credentials.get(stored.grant.grant_id).state) == ([], GrantState.LIVE)


async def test_quitting_while_a_client_is_stored_keeps_the_client(
    open_credentials: Open, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RG-12: it is registered at the server already."""
    credentials, slow = open_credentials(), Slow(store, monkeypatch)
    work = asyncio.create_task(credentials.clients.remember(ISSUER, CLIENT))
    await _quit_during(work, credentials, slow)
    assert work.exception() is None
    known = await open_credentials().clients.find(ISSUER, REDIRECT)
    assert known is not None
    assert known.client_secret == Secret("client-canary")


@pytest.mark.parametrize("remove", ["forget", "discard", "forget_client"])
async def test_quitting_while_something_is_removed_removes_it(
    open_credentials: Open, saved: Grant, store: Any, monkeypatch: pytest.MonkeyPatch, remove: str
) -> None:
    credentials = open_credentials()
    await credentials.clients.remember(ISSUER, CLIENT)
    before, slow = len(store.entries), Slow(store, monkeypatch)
    work: asyncio.Task[Any]
    if remove == "forget":
        work = asyncio.create_task(credentials.forget(saved.grant_id))
    elif remove == "discard":
        work = asyncio.create_task(credentials.discard(saved.grant_id, "revoked", "by the person"))
    else:
        work = asyncio.create_task(credentials.clients.forget(ISSUER, REDIRECT))
    await _quit_during(work, credentials, slow)
    assert work.exception() is None
    assert len(store.entries) < before
    assert open_credentials().index.leftovers() == ()


async def test_a_store_that_never_answers_does_not_hold_the_program(
    open_credentials: Open, saved: Grant, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every wait is bounded; and what was stored before stands."""
    monkeypatch.setattr(grants, "EXIT_BOUND", 0.05)
    credentials, slow = open_credentials(), Slow(store, monkeypatch)
    work = asyncio.create_task(credentials.save(saved, NEW))
    await until(lambda: slow.waiting > 0)
    await asyncio.wait_for(credentials.aclose(), 30)
    slow.may_go_on.set()
    with pytest.raises(Exception, match="cannot be used"):
        await work
    _, secrets = await open_credentials().load(saved.grant_id)
    assert secrets.access_token == Secret("access-canary-0")


async def test_closing_that_is_cancelled_still_stores_what_only_this_program_has(
    open_credentials: Open, saved: Grant, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first Ctrl-C can come while a verb that has ended closes; only a second one does not wait."""
    credentials, slow = open_credentials(), Slow(store, monkeypatch)
    credentials.held[saved.grant_id] = saved, NEW
    closing = asyncio.create_task(credentials.aclose())
    await until(lambda: slow.waiting > 0)
    closing.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not closing.done()
    slow.may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert (await open_credentials().load(saved.grant_id))[1] == NEW


async def test_closing_without_anything_under_way_waits_for_nothing(
    credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "EXIT_BOUND", UNBEARABLE)
    await asyncio.wait_for(credentials.aclose(), 30)


async def test_a_write_that_has_ended_is_not_waited_for(
    credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "EXIT_BOUND", UNBEARABLE)
    await credentials.save(make_grant(), NEW)

    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await credentials.written(fail())
    await asyncio.wait_for(credentials.aclose(), 30)


@pytest.mark.parametrize(
    "step", [SaveStep.BEGUN, SaveStep.ALL_WRITTEN, SaveStep.READ_BACK, SaveStep.SWITCHED]
)
async def test_quitting_at_any_step_of_a_save_ends_the_save(
    open_credentials: Open, saved: Grant, step: SaveStep
) -> None:
    closing: list[asyncio.Task[None]] = []

    def close(reached: SaveStep) -> None:
        if reached is step:
            closing.append(asyncio.create_task(credentials.aclose()))

    credentials = open_credentials(on_step=close)
    await credentials.save(replace(saved, note="new"), NEW)
    await closing[0]
    grant, secrets = await open_credentials().load(saved.grant_id)
    assert (grant.note, secrets) == ("new", NEW)


async def test_a_login_that_waits_for_a_refresh_elsewhere_is_kept_at_once_when_the_program_is_left(
    open_credentials: Open, saved: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only writing is waited for; the lock is held by another program for as long as that likes."""
    monkeypatch.setattr(grants, "EXIT_BOUND", UNBEARABLE)
    credentials = open_credentials()
    async with open_credentials().locks.hold(*refresh_lock(saved), purpose="refreshing"):
        work = asyncio.create_task(credentials.written(save_login(credentials, saved, NEW)))
        await asyncio.sleep(0.12)
        assert not work.done()
        await asyncio.wait_for(credentials.aclose(), 30)
        await work
    assert (await open_credentials().load(saved.grant_id))[1] == NEW


async def test_a_login_waits_for_a_refresh_of_the_same_grant(open_credentials: Open, saved: Grant) -> None:
    """What the refresh stores is older: it must not come last."""
    credentials = open_credentials()
    async with open_credentials().locks.hold(*refresh_lock(saved), purpose="refreshing"):
        work = asyncio.create_task(save_login(credentials, saved, NEW))
        await asyncio.sleep(0.12)
        assert not work.done()
    await asyncio.wait_for(work, 30)
    assert (await open_credentials().load(saved.grant_id))[1] == NEW
