"""Driving a login in a test: making one, running it to a stage, and looking at what it holds."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.login.callback.listener import Listener
from authlens_core.login.facts import Facts
from authlens_core.login.login import Login
from authlens_core.oauth.client_authentication import Client
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady, Event
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator, PlayResult, play_person
from support.scripted_login import RESOURCE, ScriptedSender, come_back
from support.waiting import PATIENCE


@asynccontextmanager
async def login_to(
    sender: ScriptedSender, options: Options | None = None, **settings: Any
) -> AsyncIterator[Login]:
    """Yield a login to the scripted resource, and close it."""
    login = Login(RESOURCE, sender, options=options or Options(port=0, wait=60), **settings)
    try:
        yield login
    finally:
        await login.aclose()


@asynccontextmanager
async def stopped_login(
    sender: ScriptedSender,
    options: Options | None = None,
    *,
    answers: Sequence[str | None] = (),
    watch: Callable[[Event], None] = lambda _: None,
    **settings: Any,
) -> AsyncIterator[Login]:
    """Yield a login that ran until it was over or needs a decision, and close it.

    Args:
        answers: what the user comes back with, as for `come_back`.
    """
    async with login_to(sender, options, **settings) as login:
        login.watch(watch)
        login.watch(come_back(login, *answers))
        await login.run_all()
        yield login


async def closed_login(sender: ScriptedSender, options: Options | None = None, **settings: Any) -> Login:
    """Return a login that ran as `stopped_login` runs it; it is closed."""
    async with stopped_login(sender, options, **settings) as login:
        return login


async def run_to(login: Login, stage: Stage) -> None:
    while login.position is not stage:
        record = await login.step()
        assert record.outcome is Outcome.PASSED, record.failures


async def until(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for a condition; time out when it does not come true."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


def at(login: Login) -> Stage | None:
    """Return the position; a call, so that a type checker does not think it stays."""
    return login.position


def failed(record: StageRecord | None) -> str:
    assert record is not None
    assert record.outcome is Outcome.FAILED
    return record.failures[0].name


def is_free(port: int) -> bool:
    """Whether a port of this machine can be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def cure_of(login: Login) -> str:
    """Return the fix of the diagnosis with which a login stopped."""
    reason = login.trace.records[-1].reason
    assert reason is not None
    return str(reason.cure)


def client_of(facts: Facts) -> Client:
    assert facts.client is not None
    return facts.client


def record_of(trace: Trace, stage: Stage) -> StageRecord:
    record = trace.latest(stage)
    assert record is not None
    return record


def port_of(login: Login) -> int:
    listener = login.wait.listener
    assert listener is not None
    return listener.port


def ignored_by(listener: Listener) -> list[str]:
    reasons: list[str] = []
    listener.on_ignored = reasons.append
    return reasons


async def played(
    login: Login, go_on: Callable[[Login], Awaitable[object]] | None = None
) -> tuple[Trace, list[PlayResult]]:
    """Run a login with the user played, and close it; return the record, and what the user met.

    Args:
        go_on: what to do when the login has stopped.
    """
    playing: list[asyncio.Task[PlayResult]] = []

    def watch(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            playing.append(asyncio.ensure_future(play_person(event.url)))
        elif isinstance(event, DeviceCodeReady) and event.verification_uri_complete is not None:
            page = event.verification_uri_complete.text
            playing.append(asyncio.ensure_future(play_person(page, deliver=False)))

    login.watch(watch)
    try:
        await login.run_all()
        if go_on is not None:
            await go_on(login)
        return login.trace, await asyncio.gather(*playing)
    finally:
        await login.aclose()


async def log_in(
    emulator: Emulator,
    options: Options | None = None,
    *,
    session: Session | None = None,
    go_on: Callable[[Login], Awaitable[object]] | None = None,
) -> Trace:
    """Log in to a profile of the emulator with the user played; `session` stores what the login gets."""
    options = options or Options(port=0, wait=60)
    async with Wire() as wire:
        if session is None:
            login = Login(emulator.resource_url, wire, options=options)
        else:
            login = start_login(session, emulator.resource_url, options)
        return (await played(login, go_on))[0]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A trace and the secrets that the login met."""

    trace: Trace
    secrets: tuple[str, ...]


async def record_login(*faults: str, options: Options | None = None) -> Recorded:
    async with Emulator(faults=faults) as emulator:
        return await record_login_at(emulator, options)


async def record_login_at(emulator: Emulator, options: Options | None = None) -> Recorded:
    """Log in to `emulator` as Ada."""
    async with Wire() as wire:
        login = Login(emulator.resource_url, wire, options=options or Options(port=0, wait=60))
        trace, results = await played(login)
    found = {f.value.reveal() for r in trace.records for f in r.facts if isinstance(f.value, Secret)}
    for play in results:
        query = parse_qs(urlsplit(play.callback_url or "").query)
        found |= {value for name in ("code", "state") for value in query.get(name, [])}
    if login.facts.tokens is not None:
        found.add(login.facts.tokens.access_token.reveal())
    return Recorded(trace, tuple(sorted(found)))


def leaks(text: str, secret: str) -> list[str]:
    """Return the encodings in which `secret` stands in `text`."""
    raw = secret.encode()
    encodings = {
        "raw": secret,
        "percent-encoded": quote(secret, safe=""),
        "form-encoded": quote_plus(secret),
        "base64": base64.b64encode(raw).decode().rstrip("="),
        "base64url": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "JSON-escaped": json.dumps(secret)[1:-1],
        "JSON-escaped, not ASCII": json.dumps(secret, ensure_ascii=False)[1:-1],
        "JSON-escaped twice": json.dumps(json.dumps(secret)[1:-1])[1:-1],
        "without its end": secret[: max(16, len(secret) - 8)],
    }
    return [name for name, form in encodings.items() if form in text]
