"""Stopping a login at the moment at which something has just been earned."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from authlens_core.explain.overview import overview
from authlens_core.login.facts import Facts
from authlens_core.login.login import Login
from authlens_core.login.stage_work import Stored
from authlens_core.oauth.client_authentication import Client
from authlens_core.trace.record import Outcome, Stage, Trace
from authlens_core.values.check import Severity
from support.driven_login import login_to, until
from support.made_checks import passed
from support.scripted_login import (
    ISSUER,
    ScriptedSender,
    come_back,
    honest,
)

TOKEN = f"POST {ISSUER}/token"
REGISTER = f"POST {ISSUER}/register"
KEPT = passed("exchange.kept", "kept", "in the slow store")


class SlowStore:
    """A registry and a keeper in one, that take until they are told to end."""

    def __init__(self, slow: Stage) -> None:
        self.slow = slow
        self.begun = False
        self.may_end = asyncio.Event()
        self.kept: list[str] = []
        self.clients: list[str] = []

    async def _take(self, stage: Stage) -> None:
        if stage is self.slow:
            self.begun = True
            await self.may_end.wait()

    async def keep(self, facts: Facts) -> Stored:
        """Keep the tokens."""
        await self._take(Stage.EXCHANGE)
        assert facts.tokens is not None
        self.kept.append(facts.tokens.access_token.reveal())
        return Stored("grant-1", (KEPT,))

    async def known(self, issuer: str, redirect_uri: str) -> Client | None:
        return None

    async def remember(self, issuer: str, client: Client) -> None:
        await self._take(Stage.REGISTRATION)
        self.clients.append(client.client_id)

    async def forget(self, issuer: str, redirect_uri: str) -> None:
        raise AssertionError


Stop = Callable[[Login, "asyncio.Task[Trace]"], Awaitable[None]]


async def _by_key(login: Login, running: asyncio.Task[Trace]) -> None:
    await login.cancel()


async def _by_closing(login: Login, running: asyncio.Task[Trace]) -> None:
    await login.aclose()


async def _by_key_twice(login: Login, running: asyncio.Task[Trace]) -> None:
    await asyncio.gather(login.cancel(), login.cancel())


async def _from_outside(login: Login, running: asyncio.Task[Trace]) -> None:
    running.cancel()
    await asyncio.wait({running})


async def _from_outside_twice(login: Login, running: asyncio.Task[Trace]) -> None:
    running.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait({running})


WITHIN = (_by_key, _by_key_twice, _by_closing)
OUTSIDE = (_from_outside, _from_outside_twice)


@asynccontextmanager
async def _stopped(stage: Stage, stop: Stop) -> AsyncIterator[tuple[Login, SlowStore, ScriptedSender, Trace]]:
    """Run a login, stop it while the slow store takes what `stage` earned, and yield what came of it."""
    store, sender = SlowStore(stage), ScriptedSender(honest())
    async with login_to(sender, registry=store, keeper=store.keep) as login:
        login.watch(come_back(login))
        running = asyncio.create_task(login.run_all())
        await until(lambda: store.begun)
        stopping = asyncio.create_task(_await(stop(login, running)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not running.done(), "the work that earned something was left"
        store.may_end.set()
        await asyncio.wait_for(stopping, 30)
        await asyncio.wait({running}, timeout=30)
        assert running.cancelled() is (stop in OUTSIDE)
        yield login, store, sender, login.trace


async def _await(work: Awaitable[None]) -> None:
    await work


@pytest.mark.parametrize("stop", [*WITHIN, *OUTSIDE])
async def test_tokens_that_were_earned_are_kept_although_somebody_stops(stop: Stop) -> None:
    """TK-12: the code is spent; without this the grant would be known to the server alone."""
    async with _stopped(Stage.EXCHANGE, stop) as (login, store, sender, trace):
        assert store.kept == ["access-canary-1"]
        record = trace.records[-1]
        assert (record.stage, record.outcome) == (Stage.EXCHANGE, Outcome.PASSED)
        assert KEPT in record.checks
        assert sender.count(TOKEN) == 1
        assert login.running is None


@pytest.mark.parametrize("stop", [_by_key, _from_outside])
async def test_who_goes_on_after_stopping_registers_no_second_client(stop: Stop) -> None:
    """RG-12: one client for one issuer and redirect URI."""
    async with _stopped(Stage.REGISTRATION, stop) as (login, store, sender, _):
        await login.run_all()
        assert login.finished
        assert store.clients == ["client-1"]
        assert sender.count(REGISTER) == 1
        [sent] = [s for s in sender.sent if s.line == TOKEN]
        assert sent.form["client_id"] == "client-1"


@pytest.mark.parametrize("stop", [_by_key, _from_outside])
async def test_a_keeper_that_fails_after_the_stop_leaves_a_record_that_says_so(stop: Stop) -> None:
    """A failure in the middle of a cancellation is a cancellation; nothing is claimed to be kept."""
    store, sender = SlowStore(Stage.EXCHANGE), ScriptedSender(honest())

    async def keep(facts: Facts) -> Stored:
        await store.keep(facts)
        raise OSError("the disk is full")

    async with login_to(sender, registry=store, keeper=keep) as login:
        login.watch(come_back(login))
        running = asyncio.create_task(login.run_all())
        await until(lambda: store.begun)
        stopping = asyncio.create_task(_await(stop(login, running)))
        await asyncio.sleep(0)
        store.may_end.set()
        await asyncio.wait_for(stopping, 30)
        await asyncio.wait({running}, timeout=30)
        assert login.trace.records[-1].outcome is Outcome.CANCELLED
        assert login.running is None


async def test_a_wait_that_was_stopped_keeps_what_came_and_what_a_silence_may_mean() -> None:
    """A person who gives up learns what the browser may have shown, and how many answers were ignored."""
    async with login_to(ScriptedSender(honest())) as login:
        running = asyncio.create_task(login.run_all())
        await until(lambda: login.wait.waiting)
        login.wait.ignored = 2
        await login.cancel()
        await asyncio.wait({running}, timeout=30)
        record = login.trace.records[-1]
        assert (record.stage, record.outcome) == (Stage.AUTHORIZATION, Outcome.CANCELLED)
        [notice] = [one for one in record.checks if one.name == "authorization.stopped"]
        assert notice.severity is Severity.NOTICE
        assert "2 other requests ignored" in notice.seen
        assert "shown only in the browser" in notice.why
        assert "redirect URI" in str(notice.cure)
        assert "shown only in the browser" in overview(record).cause
