"""The last traces of each credential are kept, a few of them, without a secret, and go when it goes."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import RevokeOutcome
from authlens_core.credentials.lifecycle.probe_call import probe_grant
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh
from authlens_core.credentials.lifecycle.revoke import revoke
from authlens_core.credentials.records import traces as traces_module
from authlens_core.credentials.records.traces import TraceGone, Traces
from authlens_core.credentials.store.secret_store import MemoryStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.export.redaction import redacted_trace
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.errors import StateUnusable
from authlens_core.values.exchange import FORM_TYPE, Exchange, Headers, Request, Response
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Body
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator, PlayResult, play_person
from support.driven_login import leaks, played
from support.grants import grant, keep
from support.hostile_trace import CANARY, hostile_trace
from support.scripted_login import RESOURCE, ScriptedSender, come_back, honest, reply

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class Persistent(MemoryStore):
    """A store in memory whose index is a file, as that of a keyring is."""

    persistent = True


@pytest.fixture
def traces(tmp_path: Path) -> Iterator[Traces]:
    made = Traces(tmp_path / "traces.sqlite3", lambda: {"a", "b"})
    yield made
    made.close()


def trace(name: str, kind: TraceKind = TraceKind.PROBE, *, body: bytes = b"hello") -> Trace:
    """Return a trace of one exchange."""
    answer = Response(200, body=Body(body))
    exchange = Exchange(Request("GET", "https://a.example/"), answer, None, BEGAN, 0.1)
    record = StageRecord(Stage.PROBE, Outcome.PASSED, BEGAN, 0.1, (exchange,))
    return Trace(name, kind, "https://a.example/", BEGAN, (record,))


def ids(traces: Traces, grant_id: str = "a") -> list[str]:
    return [one.trace_id for one in traces.of(grant_id)]


def _note_link(event: Event, waiting: asyncio.Event) -> None:
    if isinstance(event, AuthorizationReady):
        waiting.set()


def test_a_trace_is_kept_and_opened_again(traces: Traces) -> None:
    assert traces.keep("a", trace("t1"))
    [kept] = traces.of("a")
    assert (kept.trace_id, kept.kind, kept.at, kept.outcome) == ("t1", TraceKind.PROBE, BEGAN, Outcome.PASSED)
    assert traces.open("t1") == redacted_trace(trace("t1"))
    assert ids(traces, "b") == []


def test_the_newest_login_and_nine_others_are_kept(traces: Traces) -> None:
    for number in range(3):
        traces.keep("a", trace(f"login{number}", TraceKind.LOGIN))
    for number in range(30):
        traces.keep("a", trace(f"probe{number}"))
    traces.keep("b", trace("other"))
    assert ids(traces) == [*(f"probe{number}" for number in range(29, 20, -1)), "login2"]
    assert ids(traces, "b") == ["other"]


def test_a_later_state_of_a_trace_takes_its_place(traces: Traces) -> None:
    """A login is kept when it earned tokens, and once more with the page that they opened."""
    first = trace("login", TraceKind.LOGIN)
    traces.keep("a", first)
    whole = first.with_record(replace(first.records[0], outcome=Outcome.FAILED))
    traces.keep("a", whole)
    assert traces.open("login") == whole
    assert [one.outcome for one in traces.of("a")] == [Outcome.FAILED]


@pytest.mark.parametrize(
    ("grant_id", "refused"),
    [
        ("a", replace(trace("x"), records=(replace(trace("x").records[0], tampering=("the state",)),))),
        ("a", replace(trace("x"), records=(replace(trace("x").records[0], exchanges=()),))),
        ("gone", trace("x")),
    ],
    ids=["changed on purpose", "nothing sent", "no such credential"],
)
def test_what_is_not_kept(traces: Traces, grant_id: str, refused: Trace) -> None:
    """Neither what was tampered with, nor what never left, nor what belongs to nobody."""
    assert not traces.keep(grant_id, refused)
    assert ids(traces, grant_id) == []


def test_a_large_body_is_left_out(traces: Traces, monkeypatch: pytest.MonkeyPatch) -> None:
    assert traces.keep("a", trace("large", body=b"x" * 900_000))
    assert b"bytes not stored" in _body(traces.open("large"))
    monkeypatch.setattr(traces_module, "MAX_TRACE", 100_000)
    assert traces.keep("a", trace("escaped", body=b"\x01" * 50_000))  # six characters for each byte
    assert b"left out" in _body(traces.open("escaped"))


@pytest.mark.parametrize(("requests", "field"), [(30, 3_000), (30, 90_000)])
def test_a_trace_that_is_too_long_is_cut_and_says_so(
    traces: Traces, requests: int, field: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 23, 11: each failed login is kept; a server can make one as long as it likes."""
    monkeypatch.setattr(traces_module, "MAX_TRACE", 50_000)
    [record] = trace("long", TraceKind.LOGIN).records
    answer = Response(500, headers=Headers.of([("X-Long", f"{CANARY} " * (field // len(CANARY)))]))
    sent = tuple(replace(record.exchanges[0], response=answer, elapsed=n) for n in range(requests))
    form = Request("POST", "https://a.example/", body=Body(f"client_secret={CANARY}".encode()))
    first = replace(sent[0], request=replace(form, headers=Headers.of([("Content-Type", FORM_TYPE)])))
    long = replace(record, outcome=Outcome.FAILED, exchanges=(first, *sent[1:]))
    assert traces.keep("a", replace(trace("long", TraceKind.LOGIN), records=(long,)))
    [opened] = traces.open("long").records
    assert opened.outcome is Outcome.FAILED
    assert opened.exchanges[-1].elapsed == requests - 1
    assert f"of {requests} requests" in opened.checks[-1].seen
    # The request that shows it to be a secret is cut away; what repeats it was masked before.
    assert CANARY not in repr(opened.exchanges[-1].response.headers.fields)  # type: ignore[union-attr]


def _body(opened: Trace) -> bytes:
    response = opened.records[0].exchanges[0].response
    assert response is not None
    return response.body.reveal()


def test_all_traces_together_are_bounded(traces: Traces, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first, whosever they are."""
    traces.keep("a", trace("old"))
    monkeypatch.setattr(traces_module, "MAX_ALL", 1_200)
    traces.keep("b", trace("new"))
    assert (ids(traces), ids(traces, "b")) == ([], ["new"])


def test_what_was_dropped_is_not_in_the_file_any_more(traces: Traces, tmp_path: Path) -> None:
    """Deleted is overwritten, not only unlinked."""
    traces.keep("a", trace("t", body=b"a-word-that-is-looked-for"))
    assert b"a-word-that-is-looked-for" in _bytes(tmp_path)
    assert traces.drop("a")
    assert ids(traces) == []
    assert b"a-word-that-is-looked-for" not in _bytes(tmp_path)
    with pytest.raises(TraceGone):
        traces.open("t")


def test_traces_of_a_credential_that_is_gone_go_with_the_next(tmp_path: Path) -> None:
    """Where a file was in use when its credential was forgotten."""
    known = {"a", "b"}
    traces = Traces(tmp_path / "t", lambda: known)
    traces.keep("a", trace("t1"))
    known.remove("a")
    traces.keep("b", trace("t2"))
    assert (ids(traces), ids(traces, "b")) == ([], ["t2"])
    traces.close()


def test_a_file_that_cannot_be_used_costs_nothing_else(tmp_path: Path) -> None:
    """Keeping and dropping never fail; who wants to look is told."""
    (tmp_path / "t").write_bytes(b"no database, but long enough to be looked at" * 100)
    broken = Traces(tmp_path / "t", lambda: {"a"})
    assert not broken.keep("a", trace("t1"))
    assert not broken.drop("a")
    with pytest.raises(StateUnusable, match="Move the file away"):
        broken.of("a")


def test_a_row_that_cannot_be_read_is_passed_over_or_said(traces: Traces, tmp_path: Path) -> None:
    """A newer authlens may know more kinds; a damaged text is not a crash."""
    for name in ("t1", "t2"):
        traces.keep("a", trace(name))
    other = sqlite3.connect(tmp_path / "traces.sqlite3")
    with other:
        other.execute("UPDATE traces SET kind = 'dance' WHERE trace_id = 't1'")
        other.execute("UPDATE traces SET text = 'damaged' WHERE trace_id = 't2'")
    other.close()
    assert ids(traces) == ["t2"]
    with pytest.raises(TraceGone):
        traces.open("t2")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_the_file_is_private(traces: Traces, tmp_path: Path) -> None:
    traces.keep("a", trace("t"))
    assert stat.S_IMODE((tmp_path / "traces.sqlite3").stat().st_mode) == 0o600


def test_no_secret_of_a_hostile_trace_is_in_the_file(traces: Traces, tmp_path: Path) -> None:
    """V-7: raw, percent-encoded, base64, JSON-escaped, in the bytes of the file and what lies beside it."""
    assert traces.keep("a", hostile_trace())
    assert leaks(_bytes(tmp_path).decode("utf-8", "replace"), CANARY) == []


def _bytes(directory: Path) -> bytes:
    return b"\0".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


async def _log_in(session: Session, url: str) -> None:
    login = start_login(session, url, Options(port=0, wait=60))
    await played(login)
    assert login.finished


async def test_a_login_that_stops_after_its_exchange_is_kept_when_the_program_ends(tmp_path: Path) -> None:
    """The record waits for the request that follows the exchange, though not longer than the program runs."""
    async with Emulator() as emulator:
        session = Session(Wire(), Credentials.open(Persistent(), tmp_path))
        login = start_login(session, emulator.resource_url, Options(port=0, wait=60))
        playing: list[asyncio.Task[PlayResult]] = []

        def watch(event: Event) -> None:
            if isinstance(event, AuthorizationReady):
                playing.append(asyncio.ensure_future(play_person(event.url)))

        login.watch(watch)
        while login.position is not Stage.ACCESS:
            await login.step()
        await asyncio.gather(*playing)
        [kept] = session.credentials.list()
        await session.aclose()
        await login.aclose()
    credentials = Credentials.open(Persistent(), tmp_path)
    [trace] = credentials.traces.of(kept.grant_id)
    assert credentials.traces.open(trace.trace_id).records[-1].stage is Stage.EXCHANGE
    await credentials.aclose()


async def test_login_refresh_and_probe_are_kept_and_a_revocation_ends_them(tmp_path: Path) -> None:
    """In core, so that the command line and the screen do alike; no secret of theirs is on the disk."""
    secrets: set[str] = set()
    async with (
        Emulator() as emulator,
        Session(Wire(), Credentials.open(Persistent(), tmp_path)) as session,
    ):
        credentials = session.credentials
        await _log_in(session, emulator.resource_url)
        [kept] = credentials.list()
        for _ in range(2):
            _, found = await credentials.load(kept.grant_id)
            secrets |= {one.reveal() for one in (found.access_token, found.refresh_token) if one}
            await refresh(credentials, session.wire, kept.grant_id, RefreshOptions(force=True))
        await probe_grant(credentials, session.wire, kept.grant_id)
        kinds = [(one.kind, one.outcome) for one in credentials.traces.of(kept.grant_id)]
        assert [kind.value for kind, _ in kinds] == ["probe", "refresh", "refresh", "login"]
        assert {outcome for _, outcome in kinds} == {Outcome.PASSED}
        login = credentials.traces.open(credentials.traces.of(kept.grant_id)[-1].trace_id)
        assert [record.stage for record in login.records][-2:] == [Stage.EXCHANGE, Stage.ACCESS]
        assert len(secrets) >= 4
        on_disk = _bytes(tmp_path).decode("utf-8", "replace")
        assert [leak for secret in secrets for leak in leaks(on_disk, secret)] == []

        done = await revoke(credentials, session.wire, kept.grant_id)
        assert done.outcome is RevokeOutcome.REVOKED
        assert credentials.traces.of(kept.grant_id) == ()


async def test_a_revocation_that_was_not_confirmed_is_kept(tmp_path: Path) -> None:
    """It is what a person wants to look at."""
    async with Session(Wire(), Credentials.open(Persistent(), tmp_path)) as session:
        nowhere = "http://127.0.0.1:9/"
        one = replace(
            grant(), resource_url=nowhere, issuer=nowhere, token_endpoint=nowhere, revocation_endpoint=nowhere
        )
        await keep(session.credentials, one)
        done = await revoke(session.credentials, session.wire, one.grant_id)
        assert done.outcome is RevokeOutcome.FAILED
        _, secrets = await session.credentials.load(one.grant_id)
        [kept] = session.credentials.traces.of(one.grant_id)
        assert kept.kind is TraceKind.REVOKE
        text = repr(session.credentials.traces.open(kept.trace_id))
        tokens = (secrets.access_token, secrets.refresh_token)
        assert not [leak for token in tokens if token for leak in leaks(text, token.reveal())]


async def test_forgetting_a_credential_forgets_its_traces(tmp_path: Path) -> None:
    credentials = Credentials.open(Persistent(), tmp_path)
    await keep(credentials, grant())
    assert credentials.traces.keep("id-wiki", trace("t"))
    await credentials.forget("id-wiki")
    assert credentials.traces.of("id-wiki") == ()
    await credentials.aclose()


FAILED_URL = "https://app.example/mcp"


def _of_login(name: str, url: str = FAILED_URL, *, days: int = 0) -> Trace:
    began = datetime.now(UTC) - timedelta(days=days)
    return replace(trace(name, TraceKind.LOGIN), resource_url=url, started_at=began)


def test_a_login_without_a_credential_is_kept_for_its_url(traces: Traces) -> None:
    """It is the one to show somebody; the query of the URL may hold a secret, and is no part of its name."""
    assert traces.keep("", _of_login("failed", f"{FAILED_URL}?key=canary"))
    assert [kept.trace_id for kept in traces.of("a", FAILED_URL)] == ["failed"]
    assert traces.of("a", "https://app.example/other") == ()
    assert [kept.trace_id for kept in traces.without_credential()] == ["failed"]


def test_a_login_that_succeeds_after_all_is_kept_once(traces: Traces) -> None:
    assert traces.keep("", _of_login("t"))
    assert traces.keep("a", _of_login("t"))
    assert [kept.trace_id for kept in traces.of("a", FAILED_URL)] == ["t"]
    assert traces.without_credential() == ()


def test_what_belongs_to_no_credential_is_bounded_in_number_and_in_age(
    traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces_module, "KEPT_OF_ALL_URLS", 7)
    assert traces.keep("", _of_login("old", "https://old.example/", days=31))
    for number in range(9):
        assert traces.keep("", _of_login(f"first {number}"))
    assert [kept.trace_id for kept in traces.of("", FAILED_URL)] == [f"first {n}" for n in (8, 7, 6, 5, 4)]
    assert traces.of("", "https://old.example/") == ()
    for number in range(4):
        assert traces.keep("", _of_login(f"other {number}", "https://other.example/"))
    assert len(traces.without_credential()) == 7


def test_dropping_a_credential_drops_the_failed_logins_to_its_url(traces: Traces) -> None:
    traces.keep("a", trace("login", TraceKind.LOGIN))
    traces.keep("", _of_login("failed"))
    assert traces.drop("a", FAILED_URL)
    assert traces.of("a", FAILED_URL) == ()


@pytest.mark.parametrize("kind", [TraceKind.PROBE, TraceKind.REFRESH])
def test_a_probe_or_refresh_without_a_credential_is_not_kept(traces: Traces, kind: TraceKind) -> None:
    assert not traces.keep("gone", trace("t", kind))


@pytest.mark.parametrize("stop", [False, True])
async def test_a_login_that_fails_or_is_stopped_is_kept_when_the_program_ends(
    stop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, at its end; the token endpoint's answer is in it, and its secrets are not."""
    error = reply(400, {"error": "invalid_grant", "error_description": "AADSTS50011 of code-canary-1"})
    waiting = asyncio.Event()
    credentials = Credentials.memory()
    sender = ScriptedSender(honest(token=error))
    async with Session(Wire(), credentials) as session:
        monkeypatch.setattr(session.wire, "send", sender.send)
        login = start_login(session, RESOURCE, Options(port=0, wait=60))
        login.watch(come_back(login) if not stop else lambda e: _note_link(e, waiting))
        run = asyncio.ensure_future(login.run_all())
        if stop:
            await waiting.wait()
            await login.cancel()
        await run
        await login.aclose()
        for work in tuple(credentials.before_close):
            work()
        [kept] = credentials.traces.of("", RESOURCE)
        assert kept.outcome is (Outcome.CANCELLED if stop else Outcome.FAILED)
        text = repr(credentials.traces.open(kept.trace_id))
        assert "canary" not in text
