"""A session: what a login earns is kept, what it registers is used again, and a bad store costs no login."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import RefreshOutcome
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh
from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.store.secret_store import MemoryStore
from authlens_core.credentials.vault.credentials import Credentials, refresh_lock
from authlens_core.credentials.vault.save_login import remove_replaced
from authlens_core.desk.cloudflared_login import log_in_with_cloudflared
from authlens_core.desk.log_in import grant_of, start_login, store_tokens
from authlens_core.desk.session import Session
from authlens_core.login.login import Login
from authlens_core.login.registered_clients import RegisteredClients
from authlens_core.state.locks import LockBusy, Locks
from authlens_core.trace.record import Stage
from authlens_core.values.check import Check, Severity
from authlens_core.values.errors import NoSecretStore, StateUnusable, TimedOut
from authlens_core.values.exchange import Exchange
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator
from support.cloudflared_stub import stub_in
from support.driven_login import played, until
from support.grants import grant
from support.made_checks import present
from support.needs import free_port
from support.open_databases import owned
from support.scripted_login import ISSUER, METADATA, RESOURCE, ScriptedSender, come_back, facts, honest, reply

NOWHERE = NoSecretStore("The keyring does not answer.", "Unlock it.")


@asynccontextmanager
async def _sitting(**settings: Any) -> AsyncIterator[tuple[Emulator, Session]]:
    async with Emulator(**settings) as emulator, Session(Wire(), Credentials.memory()) as session:
        yield emulator, session


async def _log_in(session: Session, url: str, options: Options) -> Login:
    login = start_login(session, url, options)
    await played(login)
    return login


def _kept(login: Login) -> Check:
    record = present(login.trace.latest(Stage.EXCHANGE))
    return next(c for c in record.checks if c.name == "exchange.kept")


async def test_a_login_leaves_a_grant_with_its_secrets() -> None:
    """TK-12: stored, read back and compared before success is claimed."""
    async with _sitting() as (emulator, session):
        login = await _log_in(session, emulator.resource_url, Options(port=0, wait=60))
        assert login.finished
        assert _kept(login).severity is Severity.PASS
        [grant] = session.credentials.list()
        assert (grant.issuer, grant.resource_url) == (emulator.issuer, emulator.resource_url)
        _, secrets = await session.credentials.load(grant.grant_id)
        assert secrets.access_token == present(login.facts.tokens).access_token
        assert secrets.refresh_token == present(login.facts.tokens).refresh_token
        assert grant.last_proven_at is not None


@pytest.mark.parametrize("fault", ["policy-refuses-token", "access-token-refused"])
async def test_a_login_whose_token_the_resource_refuses_is_not_called_live(fault: str) -> None:
    """Stage 8 failed: the tokens are kept, and the dashboard says what the resource said."""
    async with _sitting(faults=(fault,)) as (emulator, session):
        login = await _log_in(session, emulator.resource_url, Options(port=0, wait=60))
        assert not login.finished
        [grant] = session.credentials.list()
        status = grant.status()
        assert status.word == "resource refuses it"
        assert status.note
        assert grant.last_proven_at is None


async def test_two_logins_register_once() -> None:
    """RG-12: one registration for one issuer and redirect URI."""
    options = Options(port=free_port(), wait=60)
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
            await _log_in(session, emulator.resource_url, Options(port=free_port(), wait=60))
        assert sum(1 for r in emulator.requests if r.path.endswith("/registration")) == 2


async def test_a_confidential_client_logs_in_with_its_secret() -> None:
    """TK-2: a client that was registered beforehand, at a real token endpoint."""
    port = free_port()
    async with _sitting() as (emulator, session):
        client_id, secret = emulator.register_client(f"http://localhost:{port}/callback", confidential=True)
        options = Options(port=port, wait=60, client_id=client_id, client_secret=Secret(secret))
        login = await _log_in(session, emulator.resource_url, options)
        assert login.finished
        assert not [r for r in emulator.requests if r.path.endswith("/registration")]


async def test_a_store_that_fails_is_said_and_costs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The login goes on, with a warning that names the cure; no file is written instead."""

    async def refuse(*_: object, **__: object) -> None:
        raise NOWHERE

    async with _sitting() as (emulator, session):
        monkeypatch.setattr(session.credentials, "save", refuse)
        for name in ("find", "remember", "forget"):
            monkeypatch.setattr(session.credentials.clients, name, refuse)
        login = await _log_in(session, emulator.resource_url, Options(port=0, wait=60))
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
        monkeypatch.setattr(session.credentials.clients, "forget", refuse)
        assert await RegisteredClients(session.credentials.clients).forget(facts(upto="pkce"))


@pytest.mark.parametrize("broken", ["record", "update"])
async def test_a_history_that_cannot_be_written_costs_no_login(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StateUnusable("The disk is full.")

    async with _sitting() as (emulator, session):
        monkeypatch.setattr(session.credentials, broken, refuse)
        login = await _log_in(session, emulator.resource_url, Options(port=0, wait=60))
        assert login.finished
        assert len(session.credentials.list()) == 1


@pytest.mark.parametrize("refreshes", [True, False])
async def test_a_login_replaces_the_one_whose_client_its_server_has_lost(refreshes: bool) -> None:
    """Issue 23: the dead login stayed in the list, beside the new one of another client."""
    credentials, port = owned(Credentials.memory()), free_port()
    lost = reply(401, {"error": "invalid_client"})
    script = honest(register=[reply(201, {"client_id": name}) for name in ("old", "new")])
    tokens = reply(200, EARNED)
    script[f"POST {ISSUER}/token"] = [tokens, lost, tokens]
    challenge = ("WWW-Authenticate", f'Bearer resource_metadata="{METADATA}"')
    script[f"GET {RESOURCE}"] = reply(401, None, challenge)
    session = Session(_Held(script), credentials)  # type: ignore[arg-type]
    for client in ("old", "new"):
        login = start_login(session, RESOURCE, Options(port=port))
        login.watch(come_back(login))
        await login.run_all()
        if client == "new" and not refreshes:
            assert not login.finished
            await login.retry()
            await login.run_all()
        await login.aclose()
        assert [grant.client_id for grant in credentials.list()] == [client]
        if client == "old" and refreshes:
            [grant] = credentials.list()
            refreshed = await refresh(credentials, session.wire, grant.grant_id, RefreshOptions(force=True))
            assert refreshed.outcome is RefreshOutcome.LOGIN_NEEDED
    assert "replaced by a new login" in " ".join(event.detail for event in credentials.index.events())


async def test_a_dead_login_that_another_program_is_storing_anew_is_not_removed() -> None:
    credentials = owned(Credentials.memory())
    secrets = GrantSecrets(Secret("access-canary"), Secret("refresh-canary"))
    dead = await credentials.save(grant(state=GrantState.LOGIN_NEEDED), secrets)
    new = await credentials.save(replace(grant(), grant_id="id-new", client_id="new"), secrets)
    async with credentials.locks.hold(*refresh_lock(dead), purpose="storing a login"):
        with pytest.raises(LockBusy):
            await remove_replaced(credentials, new)
    assert dead in credentials.list()
    await remove_replaced(credentials, new)
    assert credentials.list() == (new,)


async def test_a_login_leaves_a_working_one_of_another_client() -> None:
    credentials = owned(Credentials.memory())
    for client in ("one", "two"):
        session = Session(_Held(honest()), credentials)  # type: ignore[arg-type]
        login = start_login(session, RESOURCE, Options(port=_PORT, client_id=client))
        login.watch(come_back(login))
        await login.run_all()
        await login.aclose()
    assert {grant.client_id for grant in credentials.list()} == {"one", "two"}


def test_there_is_no_grant_before_the_exchange() -> None:
    assert grant_of(facts(), datetime.now(UTC)) is None


EARNED = {
    "access_token": "access-canary-1",
    "token_type": "Bearer",
    "expires_in": 900,
    "refresh_token": "refresh-canary-1",
}


class _Shared(MemoryStore):
    """A store that several credentials share, as a keyring would be."""

    persistent = True


def _opened(state: Path, store: _Shared) -> Credentials:
    state.mkdir(mode=0o700, exist_ok=True)
    return owned(Credentials(Index(state / "index.sqlite3"), store, Locks(state)))


class _Held(ScriptedSender):
    """Answers the token endpoint of a refresh when it is told to."""

    def hold(self) -> None:
        self.may_answer = asyncio.Event()
        self.before = lambda _: self.may_answer.wait()

    async def send(self, request: Any, **settings: Any) -> Exchange:
        """Answer as the script says; a refresh leaves the settings of a login out."""
        return await super().send(
            request,
            limits=settings["limits"],
            loopback_http=settings["loopback_http"],
            addresses=settings.get("addresses"),  # type: ignore[arg-type]
            purpose=settings["purpose"],
        )


async def _logged_in(credentials: Credentials, sender: ScriptedSender) -> Login:
    """Log in with a fixed client, up to the end, and return the login."""
    session = Session(sender, credentials)  # type: ignore[arg-type]
    login = start_login(session, RESOURCE, Options(port=_PORT, wait=60, client_id="given"))
    login.watch(come_back(login))
    await login.run_all()
    await login.aclose()
    return login


_PORT = free_port()


async def _begun(state: Path, store: _Shared) -> tuple[Grant, _Held, Credentials, asyncio.Task[Any]]:
    """Log in once, then begin a refresh in a second program and hold the server's answer to it."""
    first = _opened(state, store)
    await _logged_in(first, ScriptedSender(honest()))
    [grant] = first.list()
    first.index.close()
    second = _opened(state, store)
    stale = {**EARNED, "access_token": "access-canary-stale", "refresh_token": "refresh-canary-stale"}
    sender = _Held(honest(token=reply(200, stale)))
    sender.hold()
    refreshing = asyncio.create_task(refresh(second, sender, grant.grant_id, RefreshOptions(force=True)))  # type: ignore[arg-type]
    await until(lambda: sender.count(f"POST {ISSUER}/token") == 1)
    return grant, sender, second, refreshing


async def test_a_refresh_in_flight_does_not_put_its_tokens_over_those_of_a_new_login(tmp_path: Path) -> None:
    """RF-6, TK-12: the login waits for the lock of the refresh, and its tokens are the ones that stay."""
    store = _Shared()
    grant, sender, second, refreshing = await _begun(tmp_path / "state", store)
    third = _opened(tmp_path / "state", store)
    newest = {**EARNED, "access_token": "access-canary-new", "refresh_token": "refresh-canary-new"}
    again = ScriptedSender(honest(token=reply(200, newest)))
    logging_in = asyncio.create_task(_logged_in(third, again))
    await until(lambda: again.count(f"POST {ISSUER}/token") == 1)
    await until(lambda: len(third.unfinished.writes) == 1)
    assert not logging_in.done(), "the login did not wait for the refresh"
    sender.may_answer.set()
    assert (await refreshing).outcome is RefreshOutcome.REFRESHED
    login = await logging_in
    assert login.finished
    assert _kept(login).severity is Severity.PASS
    kept, secrets = await third.load(grant.grant_id)
    assert secrets == GrantSecrets(Secret("access-canary-new"), Secret("refresh-canary-new"))
    assert kept.generation > grant.generation + 1
    for credentials in (second, third):
        await credentials.aclose()


async def test_leaving_while_a_login_waits_for_a_refresh_keeps_the_tokens_of_the_login(
    tmp_path: Path,
) -> None:
    """TK-12: the session is closed under the login, in the middle of its wait for the lock."""
    store = _Shared()
    grant, sender, second, refreshing = await _begun(tmp_path / "state", store)
    third = _opened(tmp_path / "state", store)
    newest = {**EARNED, "access_token": "access-canary-new", "refresh_token": "refresh-canary-new"}
    again = ScriptedSender(honest(token=reply(200, newest)))
    logging_in = asyncio.create_task(_logged_in(third, again))
    await until(lambda: len(third.unfinished.writes) == 1)
    closing = asyncio.create_task(third.aclose())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not closing.done()
    sender.may_answer.set()
    await refreshing
    await asyncio.wait_for(closing, 30)
    await logging_in
    fresh = _opened(tmp_path / "state", store)
    assert (await fresh.load(grant.grant_id))[1].access_token == Secret("access-canary-new")
    for credentials in (second, fresh):
        await credentials.aclose()


async def test_a_lock_that_is_never_free_costs_no_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TK-12: the wait is bounded, and after it the tokens are kept all the same."""
    store = _Shared()
    credentials = _opened(tmp_path / "state", store)
    login = await _logged_in(credentials, ScriptedSender(honest()))
    [grant] = credentials.list()
    hold = credentials.locks.hold

    def impatient(*parts: str, **settings: Any) -> Any:
        return hold(*parts, **{**settings, "bound": 0.05})

    async with _opened(tmp_path / "state", store).locks.hold(*refresh_lock(grant), purpose="refreshing"):
        monkeypatch.setattr(credentials.locks, "hold", impatient)
        stored = await store_tokens(credentials, login.facts)
    assert stored.checks[0].severity is Severity.PASS
    assert stored.grant_id == grant.grant_id
    assert credentials.get(grant.grant_id).generation > grant.generation
    await credentials.aclose()


async def test_a_login_is_stored_under_the_account_that_it_is_for(tmp_path: Path) -> None:
    credentials = _opened(tmp_path / "state", _Shared())
    login = await _logged_in(credentials, ScriptedSender(honest()))
    await store_tokens(credentials, login.facts, account="work")
    assert {grant.account for grant in credentials.list()} == {"", "work"}
    await credentials.aclose()


@pytest.mark.parametrize("secret", ["access-canary-1", "refresh-canary-1", "code-canary-1"])
async def test_a_scope_that_repeats_a_secret_is_in_no_byte_of_the_state_directory(
    tmp_path: Path, secret: str
) -> None:
    """V-9: neither in the grant nor in the index nor in the record of the login."""
    credentials = _opened(tmp_path / "state", _Shared())
    token = reply(200, {**EARNED, "scope": f"read {secret}"})
    login = await _logged_in(credentials, ScriptedSender(honest(token=token)))
    assert login.finished
    [grant] = credentials.list()
    assert grant.scope is None
    record = present(login.trace.latest(Stage.EXCHANGE))
    assert "canary" not in repr((record, login.facts, grant))
    await credentials.aclose()
    written = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert any(path.name == "index.sqlite3" for path in written)
    assert written
    assert all(b"canary" not in path.read_bytes() for path in written)


async def test_a_scope_of_a_refresh_that_repeats_the_token_that_was_sent_is_in_no_byte_either(
    tmp_path: Path,
) -> None:
    """RF-2, V-9: without rotation the token that was sent stays good, and is no scope."""
    credentials = _opened(tmp_path / "state", _Shared())
    await _logged_in(credentials, ScriptedSender(honest()))
    [grant] = credentials.list()
    answer = {"access_token": "access-canary-2", "token_type": "Bearer", "scope": "refresh-canary-1"}
    sender = _Held(honest(token=reply(200, answer)))
    result = await refresh(credentials, sender, grant.grant_id, RefreshOptions(force=True))  # type: ignore[arg-type]
    assert result.outcome is RefreshOutcome.REFRESHED
    assert "canary" not in repr(result)
    await credentials.aclose()
    written = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert written
    assert all(b"canary" not in path.read_bytes() for path in written)


async def test_a_login_is_kept_although_its_history_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TK-12: not by a `record` that is taken away, but by an index that refuses the line."""
    credentials = _opened(tmp_path / "state", _Shared())

    def refuse(*_: object, **__: object) -> None:
        raise StateUnusable("The disk is full.")

    monkeypatch.setattr(credentials.index, "add_event", refuse)
    login = await _logged_in(credentials, ScriptedSender(honest()))
    assert login.finished
    assert _kept(login).severity is Severity.PASS
    [grant] = credentials.list()
    assert grant.last_proven_at is not None
    assert credentials.index.events() == ()
    await credentials.aclose()


async def test_a_login_does_not_make_a_grant_live_that_was_not_revoked_meanwhile(tmp_path: Path) -> None:
    """RV-6: between keeping and proving another program tried to revoke it; its word stays."""
    credentials = _opened(tmp_path / "state", _Shared())
    session = Session(ScriptedSender(honest()), credentials)  # type: ignore[arg-type]
    login = start_login(session, RESOURCE, Options(port=0, wait=60, client_id="given"))
    login.watch(come_back(login))
    while login.position is not Stage.ACCESS:
        await login.step()
    [grant] = credentials.list()
    other = _opened(tmp_path / "state", _Shared())
    other.update(replace(grant, state=GrantState.REVOCATION_FAILED, note="no answer"))
    await login.step()
    after = credentials.get(grant.grant_id)
    assert (after.state, after.note) == (GrantState.REVOCATION_FAILED, "no answer")
    assert after.last_proven_at is not None
    await login.aclose()
    for opened in (credentials, other):
        await opened.aclose()


async def test_the_time_of_a_login_by_cloudflared_bounds_the_first_use_of_its_token_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 23: the request with the token had 20 seconds of its own."""
    passed, real = [0.0], time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + sum(passed))
    sender = _Held(honest())

    async def hang(_request: object) -> None:
        passed.append(400)
        await asyncio.Event().wait()

    sender.before = hang
    session = Session(sender, owned(Credentials.memory()))  # type: ignore[arg-type]
    environ = stub_in(tmp_path, "cached").environ
    with pytest.raises(TimedOut, match="did not answer within the 300 seconds") as raised:
        await log_in_with_cloudflared(session, "https://wiki.example.com/", wait=300, environ=environ)
    assert "authlens probe" in str(raised.value.cure)
