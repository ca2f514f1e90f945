"""Grants stay fresh while a program is open: with clocks that a test moves, and a real server."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import ActionResult, Refreshed, RefreshOutcome
from authlens_core.credentials.lifecycle.background_refresh import (
    AT_ONCE,
    LONGEST_SLEEP,
    BackgroundRefresh,
)
from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState, utc_now
from authlens_core.credentials.vault.credentials import Credentials, refresh_lock
from authlens_core.desk.settings import SettingsFile
from authlens_core.values.errors import SecretStoreDenied
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from support.driven_login import until
from support.grants import Site, Stored
from support.rotating_server import RotatingServer, Scripted


class Clocks:
    """Two clocks that go on together, unless one of them is set."""

    def __init__(self) -> None:
        self.wall = utc_now()
        self.ticks = 1_000.0

    def pass_by(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.ticks += seconds


class Kept:
    """A background refresh, its clocks, and what it told."""

    def __init__(self, credentials: Credentials, wire: Wire, clocks: Clocks, **options: Any) -> None:
        self.results: list[ActionResult] = []
        self.clocks = clocks
        self.background = BackgroundRefresh(
            credentials,
            wire,
            on_result=lambda _grant, result: self.results.append(result),
            now=lambda: clocks.wall,
            monotonic=lambda: clocks.ticks,
            **options,
        )

    async def turn(self) -> float:
        """Look at every grant once and let what was begun end."""
        wait = self.background.tick()
        while self.background.running:
            await asyncio.sleep(0.005)
        return wait

    def outcomes(self) -> list[RefreshOutcome]:
        return [result.outcome for result in self.results if isinstance(result, Refreshed)]


@pytest.fixture
async def kept(credentials: Credentials, wire: Wire, saved: Grant) -> AsyncIterator[Kept]:
    """One grant with fifteen minutes left, looked at for the first time."""
    clocks = Clocks()
    credentials.update(
        replace(saved, refreshed_at=clocks.wall, expires_at=clocks.wall + timedelta(seconds=900))
    )
    kept = Kept(credentials, wire, clocks)
    await kept.turn()
    yield kept
    await kept.background.stop()


Open = Callable[..., Credentials]


async def test_a_grant_is_refreshed_at_80_percent_of_its_life_again_and_again(
    kept: Kept, server: RotatingServer
) -> None:
    for number in (1, 2, 3):
        kept.clocks.pass_by(719)
        assert await kept.turn() == pytest.approx(1, abs=0.1)
        assert len(server.posts("/token")) == number - 1
        kept.clocks.pass_by(2)
        await kept.turn()
        assert len(server.posts("/token")) == number
        await kept.turn()
    assert kept.outcomes() == [RefreshOutcome.REFRESHED] * 3


async def test_nothing_is_looked_at_less_often_than_every_few_seconds(kept: Kept) -> None:
    """Other programs write, too, and clocks are set."""
    assert await kept.turn() == LONGEST_SLEEP


@pytest.mark.parametrize("step", [timedelta(hours=-20), timedelta(minutes=-10), timedelta(days=3)])
async def test_a_wall_clock_that_is_set_does_not_let_a_token_end_unseen(
    kept: Kept, server: RotatingServer, step: timedelta
) -> None:
    """H182: put back, the other clock still says when it is due; after suspend it is due at once."""
    kept.clocks.pass_by(300)
    await kept.turn()
    kept.clocks.wall += step
    kept.clocks.pass_by(425)
    await kept.turn()
    assert len(server.posts("/token")) == 1


async def test_a_server_in_trouble_is_left_alone_for_as_long_as_was_noted(site: Site, kept: Kept) -> None:
    """RF-5: Retry-After, then again."""
    site.server.answers("/token", Scripted(503, None, (("Retry-After", "100"),)))
    kept.clocks.pass_by(721)
    for _ in range(9):
        await kept.turn()
        kept.clocks.pass_by(11)
    assert len(site.server.posts("/token")) == 1
    kept.clocks.pass_by(40)
    await kept.turn()
    assert kept.outcomes() == [RefreshOutcome.TRANSIENT, RefreshOutcome.REFRESHED]


@pytest.mark.parametrize("end", ["invalid_grant", "lost"])
async def test_what_only_a_person_can_decide_is_asked_once_and_left(site: Site, kept: Kept, end: str) -> None:
    """RF-5: the end of a grant, and an answer that was lost."""
    lost = Scripted(drop=True, spend=True)
    site.server.answers(
        "/token", Scripted(400, {"error": "invalid_grant"}) if end == "invalid_grant" else lost
    )
    for _ in range(5):
        kept.clocks.pass_by(800)
        await kept.turn()
    assert len(site.server.posts("/token")) == 1
    (grant,) = site.credentials.list()
    assert grant.state is (GrantState.LOGIN_NEEDED if end == "invalid_grant" else GrantState.UNKNOWN)


async def test_tokens_that_the_store_did_not_take_are_stored_once_it_does(
    site: Site, kept: Kept, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H130, P5: they are not taken for those of a program that is gone, and the grant stays fresh."""

    async def denied(_entry: str, _value: Secret) -> None:
        raise SecretStoreDenied("The keyring is locked.", "Unlock it.")

    with monkeypatch.context() as patch:
        patch.setattr(store, "set", denied)
        for seconds in (800, 11):
            kept.clocks.pass_by(seconds)
            await kept.turn()
    kept.clocks.pass_by(11)
    await kept.turn()

    failed = RefreshOutcome.STORE_FAILED
    assert kept.outcomes() == [failed, failed, RefreshOutcome.REFRESHED]
    assert len(site.server.posts("/token")) == 1
    assert not site.credentials.held
    (grant,) = site.credentials.list()
    assert (grant.state, site.credentials.index.pending()) == (GrantState.LIVE, ())
    assert (await site.credentials.load(grant.grant_id))[1].refresh_token == Secret("refresh-canary-1")


async def test_it_can_be_turned_off_and_on_and_told_when(site: Site, kept: Kept) -> None:
    """RF-7: the settings are asked at each turn."""
    settings = SettingsFile()
    settings.change(background_refresh=False)
    mine = Kept(site.credentials, site.wire, kept.clocks, settings=lambda: settings.present)
    mine.clocks.pass_by(500)
    await mine.turn()
    assert site.server.seen == []
    settings.change(background_refresh=True)
    await mine.turn()
    assert site.server.seen == []
    settings.change(refresh_at=0.5)
    await mine.turn()
    assert len(site.server.posts("/token")) == 1


async def test_another_program_that_was_faster_is_noticed(
    stored: Stored, kept: Kept, open_credentials: Open
) -> None:
    """RF-6: two dashboards are open."""
    clocks = Clocks()
    other = Kept(open_credentials(), stored.wire, clocks)
    kept.clocks.pass_by(721)
    clocks.pass_by(721)
    await asyncio.gather(kept.turn(), other.turn())
    await asyncio.gather(kept.turn(), other.turn())
    assert len(stored.server.posts("/token")) == 1


async def test_only_some_are_refreshed_at_the_same_time(stored: Stored) -> None:
    """Bounded: a hundred grants after a night are not a hundred requests at once."""
    for number in range(10):
        await stored.credentials.save(
            replace(stored.grant, grant_id=f"g{number}", client_id=f"c{number}"),
            GrantSecrets(Secret("a"), Secret(f"r{number}")),
        )
    kept = Kept(stored.credentials, stored.wire, Clocks())
    kept.background.tick()
    kept.background.tick()
    assert len(kept.background.running) == AT_ONCE
    await kept.background.stop()


async def test_what_was_sent_is_waited_for_when_the_credentials_are_closed(
    site: Site, kept: Kept, open_credentials: Open
) -> None:
    """The answer may hold the only copy of a token."""
    site.server.hold = threading.Event()
    kept.clocks.pass_by(721)
    kept.background.tick()
    await until(lambda: len(site.server.posts("/token")) == 1)
    await asyncio.wait_for(kept.background.stop(), 10)
    closing = asyncio.create_task(site.credentials.aclose())
    await asyncio.sleep(0.05)
    assert not closing.done()
    site.server.hold.set()
    await asyncio.wait_for(closing, 30)
    (grant,) = open_credentials().list()
    assert (grant.state, grant.generation) == (GrantState.LIVE, 2)


async def test_stopping_gives_up_a_wait_for_another_program(
    stored: Stored, kept: Kept, open_credentials: Open
) -> None:
    """Nothing was sent: nothing is lost."""
    async with open_credentials().locks.hold(*refresh_lock(stored.grant), purpose="refreshing"):
        kept.clocks.pass_by(721)
        kept.background.tick()
        await asyncio.sleep(0.05)
        await asyncio.wait_for(kept.background.stop(), 10)
    assert stored.server.seen == []


async def test_it_runs_until_it_is_stopped(stored: Stored) -> None:
    """The loop itself: an expired grant is renewed at once, by the real clocks."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0.01)

    background = BackgroundRefresh(stored.credentials, stored.wire, sleep=sleep)
    running = asyncio.create_task(background.run())
    await until(lambda: stored.credentials.list()[0].generation == 2)
    await background.stop()
    await asyncio.wait_for(running, 30)
    assert len(stored.server.posts("/token")) == 1
    assert slept
    assert all(0 < seconds <= LONGEST_SLEEP for seconds in slept)
    assert isinstance(stored.credentials.list()[0].expires_at, datetime)
