"""`cloudflared access login`, driven: a real process with the streams of the real one, and with its bugs."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from authlens_core.login.cloudflared.access_login import CloudflaredLogin, run_login
from authlens_core.login.cloudflared.binary import Cloudflared, CloudflaredMissing, find_cloudflared, start
from authlens_core.trace.events import (
    CloudflaredEvent,
    LinkShown,
    OtherProcessWaiting,
    PrintedLine,
    ProcessStarted,
)
from authlens_core.values.errors import (
    AuthlensError,
    LoginNeeded,
    Refused,
    ServerMisconfigured,
    TimedOut,
    UsageError,
)
from support.cloudflared_stub import CloudflaredStub, jwt, stub_in
from support.waiting import PATIENCE, cancelled, runs

URL = "https://wiki.example.com/"


async def _log_in(
    stub: CloudflaredStub, *, seconds: float = PATIENCE, heard: list[CloudflaredEvent] | None = None
) -> CloudflaredLogin:
    events: list[CloudflaredEvent] = [] if heard is None else heard
    return await run_login(URL, timeout=seconds, events=events.append, environ=stub.environ)


async def test_the_token_comes_from_stdout_and_is_found_on_disk(tmp_path: Path) -> None:
    """A clean stdout, the link shown, the token kept by cloudflared itself."""
    stub = stub_in(tmp_path)
    heard: list[CloudflaredEvent] = []
    result = await _log_in(stub, heard=heard)
    assert result.token.reveal() == stub.token
    assert result.link == stub.link
    assert result.kept_at == stub.tokens / f"wiki.example.com-{'a' * 64}-token"
    assert [type(event) for event in heard if not isinstance(event, PrintedLine)] == [
        ProcessStarted,
        LinkShown,
    ]
    assert stub.calls()[-1]["args"] == ["access", "login", "--no-verbose", "--auto-close", URL]
    assert stub.token not in repr(result) + repr(heard)


async def test_a_token_that_is_not_on_disk_is_said_to_be_kept_nowhere(tmp_path: Path) -> None:
    assert (await _log_in(stub_in(tmp_path, "unkept"))).kept_at is None


@pytest.mark.parametrize(
    ("version", "flags"),
    [((2026, 7, 3), ["--no-verbose", "--auto-close"]), ((2025, 1, 0), ["--no-verbose"]), ((2024, 1, 0), [])],
)
async def test_an_older_version_gets_the_flags_that_it_knows(
    tmp_path: Path, version: tuple[int, int, int], flags: list[str]
) -> None:
    """An unknown flag ends it with 255; without the flag the token stands among chatter, and is found."""
    stub = stub_in(tmp_path, version=version)
    result = await _log_in(stub)
    assert result.token.reveal() == stub.token
    assert stub.calls()[-1]["args"] == ["access", "login", *flags, URL]
    assert result.cloudflared.notes


async def test_the_link_is_found_where_no_browser_was_opened(tmp_path: Path) -> None:
    """Over SSH the words are others; the link works on any machine."""
    stub = stub_in(tmp_path, "no browser")
    assert (await _log_in(stub)).link == stub.link


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        ("empty", LoginNeeded, "#1429"),
        ("nonsense", LoginNeeded, "no token"),
        ("not found", ServerMisconfigured, "no Access application"),
        ("denied", Refused, "policy"),
        ("usage", ServerMisconfigured, "options"),
    ],
)
async def test_each_way_to_fail_is_named(
    tmp_path: Path, mode: str, kind: type[AuthlensError], words: str
) -> None:
    """Its known bugs and its refusals in words, with a cure; exit code 0 without a token is one."""
    with pytest.raises(kind) as raised:
        await _log_in(stub_in(tmp_path, mode))
    assert words in raised.value.cause
    assert raised.value.cure


async def test_one_that_waits_for_itself_is_ended_at_once(tmp_path: Path) -> None:
    """cloudflared#1692: it would wait for ever for its own lock."""
    with pytest.raises(ServerMisconfigured, match="waits for itself") as raised:
        await _log_in(stub_in(tmp_path, "deadlock"), seconds=60)
    assert "Binding Cookie" in str(raised.value.cure)


async def test_one_that_waits_for_another_goes_on(tmp_path: Path) -> None:
    """Only its own number means that it waits for itself."""
    heard: list[CloudflaredEvent] = []
    assert (await _log_in(stub_in(tmp_path, "other waits"), heard=heard)).link
    assert OtherProcessWaiting(1) in heard


@pytest.mark.slow
async def test_nobody_who_logs_in_is_waited_for_no_longer_than_the_limit(tmp_path: Path) -> None:
    with pytest.raises(TimedOut, match="not finished within 1 seconds"):
        await _log_in(stub_in(tmp_path, "slow"), seconds=1)


async def _until_gone(pid: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while runs(pid):
            await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("mode", ["slow", "deaf"])
async def test_cancelling_ends_it_and_what_it_started(tmp_path: Path, mode: str) -> None:
    """Killed on cancel with its process group, even where it does not listen."""
    stub = stub_in(tmp_path, mode)
    task = asyncio.create_task(_log_in(stub, seconds=60))
    async with asyncio.timeout(PATIENCE):
        while stub.grandchild() is None:
            await asyncio.sleep(0.02)
    grandchild = stub.grandchild()
    assert grandchild is not None
    assert runs(grandchild)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _until_gone(grandchild)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes in /proc")
async def test_one_that_does_not_listen_is_killed_when_its_end_is_not_waited_for(tmp_path: Path) -> None:
    """A screen that closes cancels the login, and the app that ends then cancels it again."""
    stub = stub_in(tmp_path, "deaf")
    heard: list[CloudflaredEvent] = []
    task = asyncio.create_task(_log_in(stub, seconds=60, heard=heard))
    async with asyncio.timeout(PATIENCE):
        while LinkShown(stub.link) not in heard:
            await asyncio.sleep(0.02)
    await cancelled(task, times=2)
    (started,) = (event for event in heard if isinstance(event, ProcessStarted))
    assert not runs(started.pid)


async def test_cancelling_while_it_starts_ends_what_it_started(tmp_path: Path) -> None:
    """Its pipes are held by another process before this one has taken them."""
    body = f"sleep 60 & echo $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; wait"
    task = asyncio.create_task(start(_script(tmp_path, body).path))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    while not (tmp_path / "pid").exists():
        time.sleep(0.01)  # the loop stands still, as on a machine with a load
    task.cancel()
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait((task,))
    assert task.cancelled()
    await _until_gone(int((tmp_path / "pid").read_text()))


@pytest.mark.slow
async def test_a_flood_of_words_is_read_and_not_kept(tmp_path: Path) -> None:
    """Every wait and every buffer is bounded: 80 MB on stderr do no harm."""
    stub = stub_in(tmp_path, "flood")
    heard: list[CloudflaredEvent] = []
    assert (await _log_in(stub, heard=heard)).token.reveal() == stub.token
    assert len(heard) < 1_000


async def test_it_gets_no_secret_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTHLENS_CLIENT_SECRET", "CF_ACCESS_CLIENT_SECRET", "TUNNEL_SERVICE_TOKEN_SECRET"):
        monkeypatch.setenv(name, "canary")
    stub = stub_in(tmp_path)
    await _log_in(stub)
    names = {name for call in stub.calls() for name in call["env"]}
    assert not {name for name in names if name.startswith(("AUTHLENS_", "CF_ACCESS_", "TUNNEL_"))}


async def test_an_address_that_it_cannot_use_runs_nothing(tmp_path: Path) -> None:
    """An argument that looks like a flag never reaches it."""
    stub = stub_in(tmp_path)
    for url in ("--help", "http://wiki.example.com/", "file:///etc/passwd"):
        with pytest.raises(UsageError):
            await run_login(url, environ=stub.environ)
    assert stub.calls() == []


async def test_a_machine_without_it_is_told_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(CloudflaredMissing) as raised:
        await find_cloudflared(environ={"PATH": str(tmp_path)})
    assert "downloads" in str(raised.value.cure)


async def test_one_that_never_says_its_version_is_not_waited_for(tmp_path: Path) -> None:
    stub = stub_in(tmp_path, "mute")
    with pytest.raises(CloudflaredMissing, match="did not report its version"):
        await find_cloudflared(environ=stub.environ, limit=0.5)


async def test_a_hostile_line_is_made_safe_to_show(tmp_path: Path) -> None:
    stub = stub_in(tmp_path)
    script = stub.bin / "cloudflared"
    script.write_text(script.read_text().replace("Waiting for login...", "\\x1b]0;owned\\x07"))
    heard: list[CloudflaredEvent] = []
    await _log_in(stub, heard=heard)
    lines = [event.line for event in heard if isinstance(event, PrintedLine)]
    assert any("owned" in line for line in lines)
    assert lines
    assert all(line.isprintable() for line in lines)


def _script(tmp_path: Path, body: str) -> Cloudflared:
    """Return a cloudflared that is a few lines of shell."""
    path = tmp_path / "cloudflared"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return Cloudflared(str(path), (2026, 8, 0))


async def test_what_it_left_running_does_not_hold_up_the_token(tmp_path: Path) -> None:
    """A browser that it started may hold its pipes open for hours; and nothing is said at the exit."""
    token = jwt()
    body = f"sleep 60 & echo $! > {tmp_path}/pid; echo {token}"
    try:
        result = await run_login(URL, timeout=60, cloudflared=_script(tmp_path, body))
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert result.token.reveal() == token


async def test_a_flood_of_words_is_not_told_line_by_line(tmp_path: Path) -> None:
    """Each line is painted or printed somewhere; the link is found among them all the same."""
    heard: list[CloudflaredEvent] = []
    link = "https://wiki.example.com/cdn-cgi/access/cli?token=1"
    body = f"yes nonsense | head -20000 >&2; echo {link} >&2; exit 1"
    with pytest.raises(AuthlensError):
        await run_login(URL, timeout=60, events=heard.append, cloudflared=_script(tmp_path, body))
    assert sum(isinstance(event, PrintedLine) for event in heard) <= 1_000
    assert LinkShown(link) in heard


@pytest.mark.parametrize("host", ["evil.example", "wiki.example.com.evil.example", "x.wiki.example.com"])
async def test_a_link_on_another_host_is_not_handed_out(tmp_path: Path, host: str) -> None:
    """H430: it prints what servers say, too, and theirs may look like the link to sign in with."""
    heard: list[CloudflaredEvent] = []
    own = "https://wiki.example.com/cdn-cgi/access/cli?token=1"
    lines = [f"ERR server said https://{host}/cdn-cgi/access/cli?token=2", own]
    body = "".join(f"echo '{line}' >&2; " for line in lines) + "exit 1"
    with pytest.raises(AuthlensError):
        await run_login(URL, timeout=60, events=heard.append, cloudflared=_script(tmp_path, body))
    assert [event.url for event in heard if isinstance(event, LinkShown)] == [own]


async def test_no_planted_key_is_found_where_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-9041: it reads a key from where it is started, and writes one there, so that is a new place."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cloudflared_priv.pem").write_text("planted")
    body = f"ls -A > {tmp_path}/there; pwd > {tmp_path}/where; touch left.pem; echo {jwt()}"
    await run_login(URL, timeout=60, cloudflared=_script(tmp_path, body))
    assert (tmp_path / "there").read_text() == ""
    assert not Path((tmp_path / "where").read_text().strip()).exists()


@pytest.mark.parametrize("over_ssh", [True, False])
async def test_it_opens_no_browser_over_ssh(tmp_path: Path, over_ssh: bool) -> None:
    """It has no option for that, so it finds nothing that opens one."""
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f"#!/bin/sh\ntouch {tmp_path}/opened\n")
    opener.chmod(0o700)
    environ = {**os.environ, "PATH": f"{opener.parent}{os.pathsep}{os.environ['PATH']}", "DISPLAY": ":10"}
    if over_ssh:
        environ["SSH_CONNECTION"] = "192.0.2.1 50000 192.0.2.2 22"
    body = f'xdg-open https://x.example/; echo "$DISPLAY" > {tmp_path}/display; echo {jwt()}'
    await run_login(URL, timeout=60, cloudflared=_script(tmp_path, body), environ=environ)
    assert (tmp_path / "opened").exists() is not over_ssh
    assert (tmp_path / "display").read_text().strip() == ("" if over_ssh else ":10")
