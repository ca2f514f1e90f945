"""`authlens login --json`: what a program that watches is told, to the last line."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]
import pytest

from authlens_lab.emulator import play_person
from support.terminal import callback_port
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e
AUTHLENS = str(Path(sys.executable).with_name("authlens"))


class Watched:
    """A login whose events are read one by one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def until(self, name: str) -> dict[str, Any]:
        """Return the next event of this name."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := await self.process.stdout.readline():
                event: dict[str, Any] = json.loads(line)
                if event["event"] == name:
                    return event
        raise AssertionError(name)

    async def rest(self) -> list[dict[str, Any]]:
        out, _ = await asyncio.wait_for(self.process.communicate(), PATIENCE)
        return [json.loads(line) for line in out.decode().splitlines()]


@asynccontextmanager
async def watched(machine: Mapping[str, str], resource: str, *options: str) -> AsyncIterator[Watched]:
    """Run a login that tells JSON."""
    process = await asyncio.create_subprocess_exec(
        *(AUTHLENS, "login", resource, "--no-browser", "--json", "--port", "0", *options),
        env=machine,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1_000_000,
    )
    try:
        yield Watched(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_test_of_the_way_back_is_an_event(machine: dict[str, str], resource: str) -> None:
    """Over which address family it was reached."""
    async with watched(machine, resource) as login:
        ready = await login.until("authorization_url")
        port = callback_port(ready["url"])
        async with httpx.AsyncClient(trust_env=False) as browser:
            await browser.get(f"http://127.0.0.1:{port}/test")
        assert (await login.until("tunnel_tested"))["family"] == "IPv4"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_closes_the_events_with_the_exit_code(
    number: signal.Signals, code: int, machine: dict[str, str], resource: str
) -> None:
    """Whoever reads them may outlive what ended the login."""
    async with watched(machine, resource) as login:
        await login.until("authorization_url")
        login.process.send_signal(number)
        events = await login.rest()
        assert login.process.returncode == code
        assert events[-1] == {"event": "stopped", "exit_code": code, "resource_url": resource}


async def test_a_reader_that_the_same_signal_ended_changes_no_exit_code(
    machine: dict[str, str], resource: str
) -> None:
    """Ctrl-C reaches a whole pipeline."""
    async with watched(machine, resource) as login:
        await login.until("authorization_url")
        transport: Any = login.process._transport  # type: ignore[attr-defined]
        transport.get_pipe_transport(1).close()
        login.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(login.process.wait(), PATIENCE) == 130


async def test_nobody_came_in_time(machine: dict[str, str], resource: str) -> None:
    """The cure speaks of nothing that was not shown: without SSH there is no ssh line."""
    async with watched(machine, resource, "--timeout", "5") as login:
        failed = await login.until("failed")
        assert failed["exit_code"] == 8
        assert "forward the port to this machine" in failed["cure"]
        assert "ssh line" not in failed["cure"]


SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "login-events.schema.json").read_text())


@pytest.mark.parametrize("options", [(), ("--full",)], ids=["short", "full"])
async def test_every_event_of_a_login_is_as_the_schema_says(
    options: tuple[str, ...], machine: dict[str, str], resource: str
) -> None:
    """docs/login-events.schema.json, from the first event to the last; no secret is in any."""
    async with watched(machine, resource, *options) as login:
        assert login.process.stdout is not None
        events = [json.loads(await login.process.stdout.readline())]
        assert (events[0]["event"], events[0]["version"]) == ("login", 2)
        ready = await login.until("authorization_url")
        await play_person(ready["url"])
        events += [ready, *await login.rest()]
    assert events[-1]["event"] == "authenticated"
    for event in events:
        jsonschema.validate(event, SCHEMA)
    # What an agent pays for: the link is most of it.
    assert (len(json.dumps(events)) < 4_000) is (options == ())
    keyring = Path(machine["FAKE_KEYRING"]).read_text()
    tokens = re.findall(r'_token\\": \\"([^"\\]{20,})\\"', keyring)
    assert tokens
    assert not [token for token in tokens if token in json.dumps(events)]


@pytest.mark.parametrize("ends", ["authenticated", "failed"])
async def test_a_second_login_joins_the_one_that_waits(
    ends: str, machine: dict[str, str], resource: str
) -> None:
    """H179: the same link, the same end; no second client is registered."""
    async with watched(machine, resource) as first:
        link = (await first.until("authorization_url"))["url"]
        async with watched(machine, resource) as second:
            assert (await second.until("authorization_url"))["url"] == link
            if ends == "authenticated":
                await play_person(link)
                assert (await first.rest())[-1]["event"] == ends
            else:
                first.process.send_signal(signal.SIGKILL)
            last = (await second.rest())[-1]
            assert last["event"] == ends
            assert last["exit_code"] == second.process.returncode == {"authenticated": 0, "failed": 4}[ends]
            jsonschema.validate(last, SCHEMA)
