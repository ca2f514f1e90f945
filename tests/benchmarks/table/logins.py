"""A login at the emulator, in one process and as a process, beside a bare httpx client that does the same."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

from authlens_lab.emulator import play_person
from support.person import Person

BARE: Final = str(Path(__file__).with_name("bare.py"))
OURS: Final = str(Path(__file__).with_name("ours.py"))


class Client(StrEnum):
    """A bare client of httpx, by the name that `bare.py` has for it."""

    ASYNCHRONOUS = "login"
    """`httpx.AsyncClient`, which can be watched and cancelled, as a login has to be."""
    SYNCHRONOUS = "synchronous-login"
    """`httpx.Client`, which does half as much for each request."""

    @property
    def words(self) -> str:
        return "an asynchronous client" if self is Client.ASYNCHRONOUS else "a synchronous client"


@contextmanager
def emulator_process(env: Mapping[str, str]) -> Iterator[str]:
    """Run an emulator in a process of its own; yield the URL of its resource."""
    command = [sys.executable, "-m", "authlens_tui", "emulator", "--token-lifetime", "3600"]
    with subprocess.Popen(
        command, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.terminate()


async def our_requests(url: str) -> float:
    return await _timed(OURS, url)


async def bare_requests(url: str, kind: Client) -> float:
    return await _timed(BARE, f"timed-{kind}", url)


async def _timed(*command: str) -> float:
    """Play the user of a script that prints its link, and return the seconds that it prints then."""
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    link = (await process.stdout.readline()).decode().strip()
    async with Person() as person:
        await person.authorize(link)
    seconds = float((await process.stdout.readline()).decode())
    await process.wait()
    return seconds


def our_process(url: str, env: Mapping[str, str]) -> float:
    """Return the seconds of `authlens login` from start to exit, the user played without delay."""
    command = [sys.executable, "-m", "authlens_tui", "login", "--no-browser", "--json", "--port", "0", url]

    def link(line: str) -> str | None:
        event = json.loads(line)
        return str(event["url"]) if event.get("event") == "authorization_url" else None

    return asyncio.run(_process(command, env, link))


def bare_process(url: str, env: Mapping[str, str], kind: Client) -> float:
    return asyncio.run(_process([sys.executable, BARE, kind, url], env, lambda line: line.strip()))


async def _process(command: list[str], env: Mapping[str, str], link: Callable[[str], str | None]) -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    browsing: list[Awaitable[object]] = []
    while line := await process.stdout.readline():
        if not browsing and (found := link(line.decode())):
            browsing.append(asyncio.ensure_future(play_person(found)))
    await asyncio.gather(*browsing)
    code = await process.wait()
    if code != 0:
        raise RuntimeError(f"{command[1:4]} ended with {code}")
    return time.perf_counter() - began
