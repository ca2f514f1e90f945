"""`authlens login --json`: what a program that watches is told, to the last line."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from authlens_core.emulator import play_person
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
