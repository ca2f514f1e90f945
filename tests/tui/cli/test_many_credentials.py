"""`probe --all`, `probe --kept`, `refresh --all`, `revoke --all` and `events`, on logins of the emulator."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from authlens_core.credentials.records.grant import Grant, utc_now
from authlens_core.credentials.records.index import Pending
from authlens_core.credentials.store.secret_store import MemoryStore, NoKeyring
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk import lifecycle
from authlens_core.desk.credentials import Event as AccessEvent
from authlens_core.desk.lifecycle import ActionResult
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator, play_person
from authlens_tui.cli.parser import build_parser
from authlens_tui.cli.scripts import credential_verbs
from authlens_tui.cli.stored import credential_list, lifecycle_verbs, recorded
from authlens_tui.cli.stored.credential_list import list_credentials
from authlens_tui.cli.stored.lifecycle_verbs import revoke_credentials

Captured = pytest.CaptureFixture[str]


@pytest.fixture
async def two(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Session, list[str]]]:
    """Two logins, at two emulators, and verbs that use them."""
    async with Emulator() as one, Emulator() as other, Session(Wire(), Credentials.memory()) as session:
        urls = [one.resource_url, other.resource_url]
        for url in urls:
            await log_in(session, url)

        @asynccontextmanager
        async def open_session(**_options: object) -> AsyncIterator[Session]:
            yield session

        for module in (credential_list, credential_verbs, lifecycle_verbs, recorded):
            monkeypatch.setattr(module, "open_session", open_session)
        yield session, urls


async def log_in(session: Session, url: str) -> None:
    """Walk a login, the person played."""
    login = start_login(session, url, Options(port=0))
    ready: asyncio.Queue[str] = asyncio.Queue()

    def watch(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            ready.put_nowait(event.url)

    login.watch(watch)
    async with asyncio.timeout(30):
        running = asyncio.create_task(login.run_all())
        await play_person(await ready.get())
        await running


def answer(captured: Captured) -> Any:
    return json.loads(captured.readouterr().out)


async def test_all_are_probed_refreshed_and_revoked_each_with_a_result(
    two: tuple[Session, list[str]], capsys: Captured
) -> None:
    """One array of results each, in the order of the credentials; the exit code is the worst of them."""
    session, urls = two
    parse = build_parser().parse_args
    assert await lifecycle_verbs.probe_credentials(parse(["probe", "--all", "--json"])) == 0
    probed = answer(capsys)
    assert {one["url"] for one in probed} == set(urls)
    assert [(one["kind"], one["accepted"], one["layer"]) for one in probed] == [("oauth", True, "origin")] * 2
    assert await lifecycle_verbs.refresh_credentials(parse(["refresh", "--all", "--json"])) == 0
    assert [one["outcome"] for one in answer(capsys)] == ["refreshed"] * 2
    assert await revoke_credentials(parse(["revoke", "--all", "--json"])) == 0
    assert [(one["outcome"], one["removed"]) for one in answer(capsys)] == [("revoked", True)] * 2
    assert session.credentials.list() == ()


async def test_a_url_with_two_logins_means_both_and_an_id_means_one(
    two: tuple[Session, list[str]], capsys: Captured
) -> None:
    session, urls = two
    await log_in(session, urls[0])
    newest, other = (one for one in session.credentials.list() if one.resource_url == urls[0])
    parse = build_parser().parse_args

    assert await lifecycle_verbs.refresh_credentials(parse(["refresh", urls[0]])) == 0
    words = capsys.readouterr().err
    assert all(f"✔ {urls[0]} (login {one.grant_id}): " in words for one in (newest, other))
    assert await lifecycle_verbs.refresh_credentials(parse(["refresh", other.grant_id, "--json"])) == 0
    assert [one["id"] for one in answer(capsys)] == [other.grant_id]

    assert await credential_verbs.token(parse(["token", other.grant_id])) == 0
    token = (await session.credentials.load(other.grant_id))[1].access_token
    assert capsys.readouterr().out == f"{token.reveal()}\n"
    assert await credential_verbs.token(parse(["token", urls[0]])) == 0
    token = (await session.credentials.load(newest.grant_id))[1].access_token
    assert capsys.readouterr().out == f"{token.reveal()}\n"

    assert await revoke_credentials(parse(["revoke", other.grant_id, "--json"])) == 0
    assert [one["id"] for one in answer(capsys)] == [other.grant_id]
    assert newest.grant_id in [one.grant_id for one in session.credentials.list()]


async def test_forgetting_a_url_removes_every_login_for_it(
    two: tuple[Session, list[str]], capsys: Captured
) -> None:
    """`token` would hand out what was left."""
    session, urls = two
    await log_in(session, urls[0])
    assert await lifecycle_verbs.forget_credential(build_parser().parse_args(["forget", urls[0]])) == 0
    assert capsys.readouterr().err.count(f"✔ Removed from this machine: {urls[0]}") == 2
    assert [one.resource_url for one in session.credentials.list()] == [urls[1]]


class AbsentKeyring(MemoryStore):
    """What a machine without a keyring has."""

    async def get(self, entry: str) -> Secret | None:
        raise NoKeyring("no backend")


@pytest.mark.parametrize("verb", ["refresh", "revoke", "probe"])
async def test_no_keyring_is_reported_once_for_all(
    two: tuple[Session, list[str]], verb: str, capsys: Captured
) -> None:
    session, _ = two
    session.credentials.store = AbsentKeyring()
    run = {"refresh": lifecycle_verbs.refresh_credentials, "revoke": revoke_credentials}
    with pytest.raises(NoKeyring):
        await run.get(verb, lifecycle_verbs.probe_credentials)(build_parser().parse_args([verb, "--all"]))
    assert capsys.readouterr() == ("", "")


async def test_what_is_kept_for_one_url_is_asked_alone(
    two: tuple[Session, list[str]], capsys: Captured
) -> None:
    """In words on stderr where no JSON is wanted; nothing on stdout."""
    _, urls = two
    assert (
        await lifecycle_verbs.probe_credentials(build_parser().parse_args(["probe", "--kept", urls[0]])) == 0
    )
    said = capsys.readouterr()
    assert said.out == ""
    assert f"✔ {urls[0].rstrip('/')} (OAuth), origin: The resource accepts the token." in said.err
    assert urls[1] not in said.err


async def test_events_are_json_lines_oldest_first(two: tuple[Session, list[str]], capsys: Captured) -> None:
    """Of all, or of one URL; no secret among them."""
    _, urls = two
    parse = build_parser().parse_args
    assert await recorded.show_events(parse(["events", "--json"])) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["event"] for one in told if one["event"] in ("login", "verified")].count("login") == 2
    assert sorted(one["at"] for one in told) == [one["at"] for one in told]
    assert await recorded.show_events(parse(["events", urls[0], "--json", "--limit", "1"])) == 0
    (last,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert last["resource"] == urls[0]


async def test_events_are_followed_as_they_happen(
    two: tuple[Session, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = two
    printed: list[str] = []

    def print_events(events: Sequence[AccessEvent], *, as_json: bool) -> None:
        printed.extend(event.detail for event in events)

    monkeypatch.setattr(recorded, "_LOOK", 0)
    monkeypatch.setattr(recorded, "_print_events", print_events)
    following = asyncio.create_task(
        recorded.show_events(build_parser().parse_args(["events", "--follow", "--limit", "1"]))
    )
    async with asyncio.timeout(10):
        for number, detail in enumerate(("first", "second"), 1):
            while len(printed) < number:
                await asyncio.sleep(0)
            session.credentials.record("revealed", "", detail)
        while printed[1:] != ["first", "second"]:
            await asyncio.sleep(0)
    following.cancel()


async def test_a_signal_during_the_verification_still_prints_every_result(
    two: tuple[Session, list[str]], capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known is answered; what was stopped says so and how to go on."""
    _, urls = two
    reached, revoked = asyncio.Event(), asyncio.Event()

    async def stuck(session: Session, grant: Grant, **options: Any) -> ActionResult:
        if grant.resource_url == urls[0]:
            reached.set()
            await asyncio.Event().wait()
        result = await lifecycle.revoke(session, grant, **options)
        revoked.set()
        return result

    monkeypatch.setattr(lifecycle_verbs, "revoke", stuck)
    work = asyncio.create_task(
        revoke_credentials(build_parser().parse_args(["revoke", "--all", "--json", "--wait", "0"]))
    )
    await reached.wait()
    await revoked.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    outcomes = {one["resource_url"]: one["outcome"] for one in answer(capsys)}
    assert outcomes == {urls[0]: "unfinished", urls[1]: "revoked"}


async def test_list_marks_a_refresh_that_a_killed_process_started(
    two: tuple[Session, list[str]], capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without waiting for the next refresh: the token may be spent."""
    session, urls = two
    grant = next(one for one in session.credentials.list() if one.resource_url == urls[0])
    session.credentials.index.mark_pending(Pending(grant.grant_id, grant.generation, utc_now()))
    await list_credentials(build_parser().parse_args(["list", "--json"]))
    states = {one["resource_url"]: one["state"] for one in answer(capsys)}
    assert states[urls[0]] == "refresh interrupted"
    assert states[urls[1]] != "refresh interrupted"
