"""Stopping a login at the moment at which something has just been earned."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest

from authlens_core.explain.overview import overview
from authlens_core.login.facts import Facts
from authlens_core.login.login import Login
from authlens_core.login.stage_work import Stored
from authlens_core.oauth.client_authentication import Client
from authlens_core.trace.record import Outcome, Stage, Trace
from authlens_core.values.check import Severity
from authlens_core.values.exchange import Purpose, Request
from authlens_core.values.login_options import Options
from support.driven_login import at, login_to, until
from support.made_checks import passed
from support.scripted_login import ISSUER, RESOURCE, ScriptedSender, come_back, honest, reply, server_document

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

    async def find(self, issuer: str, redirect_uri: str) -> Client | None:
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


def _id_token(link: str) -> str:
    """Return an ID token for the login of `link`, with a signature that only the keys could refuse."""
    nonce = parse_qs(urlsplit(link).query)["nonce"][0]
    claims = {"iss": ISSUER, "aud": "client-1", "exp": 4_102_444_800, "nonce": nonce}
    parts = (base64.urlsafe_b64encode(json.dumps(one).encode()) for one in ({"alg": "ES256"}, claims))
    return ".".join((*(part.decode().rstrip("=") for part in parts), "c2lnbmF0dXJl"))


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


@pytest.mark.parametrize("stop", [*WITHIN, *OUTSIDE])
async def test_nothing_comes_after_what_was_stopped(stop: Stop) -> None:
    """Who presses Esc does not see the next request go out; who goes on finds the next stage."""
    async with _stopped(Stage.EXCHANGE, stop) as (login, _, sender, _trace):
        assert at(login) is Stage.ACCESS
        assert sender.count(f"GET {RESOURCE}") == 1
        assert (await login.step()).outcome is Outcome.PASSED
        assert login.finished


@pytest.mark.parametrize("stop", [*WITHIN, *OUTSIDE])
async def test_a_client_that_was_registered_is_remembered_although_somebody_stops(stop: Stop) -> None:
    """RG-12: the server knows it now, and would keep it for ever without anybody who uses it."""
    async with _stopped(Stage.REGISTRATION, stop) as (login, store, sender, trace):
        assert store.clients == ["client-1"]
        record = trace.records[-1]
        assert (record.stage, record.outcome) == (Stage.REGISTRATION, Outcome.PASSED)
        assert at(login) is Stage.PKCE
        assert sender.count(REGISTER) == 1


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


@pytest.mark.parametrize("stop", [*WITHIN, *OUTSIDE])
async def test_tokens_are_kept_although_the_fetch_of_the_keys_is_stopped(stop: Stop) -> None:
    """H423: the keys only verify what has come; the fetch ends, and is recorded as stopped."""
    store, fetching = SlowStore(Stage.REGISTRATION), asyncio.Event()
    store.may_end.set()
    script = honest(server=reply(200, server_document(jwks_uri=f"{ISSUER}/keys")))
    sender = ScriptedSender(script)

    async def hold(request: Request) -> None:
        if request.url.endswith("/token"):
            id_token = _id_token(login.facts.authorization_url or "")
            tokens = {"access_token": "access-canary-1", "token_type": "Bearer", "id_token": id_token}
            script[TOKEN] = reply(200, tokens)
        if request.url.endswith("/keys"):
            fetching.set()
            await asyncio.Event().wait()

    sender.before = hold
    async with login_to(sender, Options(port=0, scope="openid"), keeper=store.keep) as login:
        login.watch(come_back(login))
        running = asyncio.create_task(login.run_all())
        await asyncio.wait_for(fetching.wait(), 30)
        await asyncio.wait_for(stop(login, running), 30)
        await asyncio.wait({running}, timeout=30)
        record = login.trace.records[-1]
        assert (record.stage, record.outcome) == (Stage.EXCHANGE, Outcome.PASSED)
        assert (record.exchanges[-1].purpose, record.exchanges[-1].response) == (Purpose.SIGNING_KEYS, None)
        assert login.running is None
    assert store.kept == ["access-canary-1"]
    assert sender.count(f"GET {RESOURCE}") == 1


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
