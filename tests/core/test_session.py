"""A session: what a login earns is kept, what it registers is used again, and a bad store costs no login."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from authlens_core.credentials.grants import Credentials
from authlens_core.credentials.paths import StateUnusable
from authlens_core.emulator.emulator import Emulator
from authlens_core.emulator.person import PlayResult, play_person
from authlens_core.errors import NoSecretStore
from authlens_core.login.events import AuthorizationReady, Event
from authlens_core.login.facts import Options
from authlens_core.login.login import Login
from authlens_core.oauth.check import Check, Severity
from authlens_core.secret import Secret
from authlens_core.session import Session, grant_of
from authlens_core.trace.record import Stage
from authlens_core.wire.client import Wire
from support.scripted_login import facts

NOWHERE = NoSecretStore("The keyring does not answer.", "Unlock it.")


@asynccontextmanager
async def _sitting(**settings: Any) -> AsyncIterator[tuple[Emulator, Session]]:
    async with Emulator(**settings) as emulator, Session(Wire(), Credentials.memory()) as session:
        yield emulator, session


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def _log_in(session: Session, url: str, options: Options) -> Login:
    playing: list[asyncio.Task[PlayResult]] = []

    def watch(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            playing.append(asyncio.ensure_future(play_person(event.url)))

    login = session.login(url, options)
    login.watch(watch)
    try:
        await login.run_all()
        await asyncio.gather(*playing)
    finally:
        await login.aclose()
    return login


def _kept(login: Login) -> Check:
    record = login.trace.latest(Stage.EXCHANGE)
    assert record is not None
    return next(c for c in record.checks if c.name == "exchange.kept")


async def test_a_login_leaves_a_grant_with_its_secrets() -> None:
    """TK-12: stored, read back and compared before success is claimed."""
    async with _sitting() as (emulator, session):
        login = await _log_in(session, emulator.resource_url, Options(port=0, wait=10))
        assert login.finished
        assert _kept(login).severity is Severity.PASS
        [grant] = session.credentials.list()
        assert (grant.issuer, grant.resource_url) == (emulator.issuer, emulator.resource_url)
        _, secrets = await session.credentials.load(grant.grant_id)
        assert login.facts.tokens is not None
        assert secrets.access_token == login.facts.tokens.access_token
        assert secrets.refresh_token == login.facts.tokens.refresh_token
        assert grant.last_proven_at is not None


async def test_two_logins_register_once() -> None:
    """RG-12: one registration for one issuer and redirect URI."""
    options = Options(port=_free_port(), wait=10)
    async with _sitting() as (emulator, session):
        first = await _log_in(session, emulator.resource_url, options)
        second = await _log_in(session, emulator.resource_url, options)
        assert first.finished
        assert second.finished
        assert first.facts.client == second.facts.client
        assert sum(1 for r in emulator.requests if r.path.endswith("/registration")) == 1
        assert len(session.credentials.list()) == 1


async def test_another_port_is_another_client() -> None:
    """RG-11, RG-12: the redirect URI is a part of the registration."""
    async with _sitting() as (emulator, session):
        for _ in range(2):
            await _log_in(session, emulator.resource_url, Options(port=_free_port(), wait=10))
        assert sum(1 for r in emulator.requests if r.path.endswith("/registration")) == 2


async def test_a_confidential_client_logs_in_with_its_secret() -> None:
    """TK-2: a client that was registered beforehand, at a real token endpoint."""
    port = _free_port()
    async with _sitting() as (emulator, session):
        client_id, secret = emulator.register_client(f"http://localhost:{port}/callback", confidential=True)
        options = Options(port=port, wait=10, client_id=client_id, client_secret=Secret(secret))
        login = await _log_in(session, emulator.resource_url, options)
        assert login.finished
        assert not [r for r in emulator.requests if r.path.endswith("/registration")]


async def test_a_store_that_fails_is_said_and_costs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """D9: the login goes on, with a warning that names the cure; no file is written instead."""

    async def refuse(*_: object, **__: object) -> None:
        raise NOWHERE

    async with _sitting() as (emulator, session):
        for name in ("save", "known_client", "remember_client", "forget_client"):
            monkeypatch.setattr(session.credentials, name, refuse)
        login = await _log_in(session, emulator.resource_url, Options(port=0, wait=10))
        assert login.finished
        kept = _kept(login)
        assert (kept.severity, kept.seen, kept.cure) == (Severity.WARNING, NOWHERE.cause, NOWHERE.cure)
        assert session.credentials.list() == ()


async def test_a_client_that_cannot_be_forgotten_does_not_end_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RG-12: a retry after invalid_client goes on to registration, store or no store."""

    async def refuse(*_: object, **__: object) -> None:
        raise NOWHERE

    async with _sitting() as (_, session):
        monkeypatch.setattr(session.credentials, "forget_client", refuse)
        registry = session.login("https://app.example/")._registry
        await registry.forget_client("https://as.example", "http://localhost:8400/callback")


@pytest.mark.parametrize("broken", ["record", "update"])
async def test_a_history_that_cannot_be_written_costs_no_login(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tokens are kept; a full disk may cost a line about them and no more."""

    def refuse(*_: object, **__: object) -> None:
        raise StateUnusable("The disk is full.")

    async with _sitting() as (emulator, session):
        monkeypatch.setattr(session.credentials, broken, refuse)
        login = await _log_in(session, emulator.resource_url, Options(port=0, wait=10))
        assert login.finished
        assert len(session.credentials.list()) == 1


def test_there_is_no_grant_before_the_exchange() -> None:
    """Nothing half is stored."""
    assert grant_of(facts(), datetime.now(UTC)) is None
