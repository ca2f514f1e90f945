"""Verbs of authlens as processes: a machine with a keyring, an emulator, a person at the browser."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from support.server_process import ended
from support.waiting import PATIENCE

AUTHLENS = (sys.executable, "-m", "authlens_tui")
TESTS = Path(__file__).parents[1]
PERSON = """#!{python}
import asyncio, sys
from authlens_lab.emulator import play_person
asyncio.run(play_person(sys.argv[1]))
"""
ANY_FORM = """#!{python}
import asyncio, sys
from support.person import Person
async def sign_in():
    async with Person() as person:
        await person.authorize(sys.argv[1])
asyncio.run(sign_in())
"""
"""A person at the pages of servers that are not the emulator."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left: its exit code, its answer and its words."""

    code: int
    answer: str
    words: str


@dataclass(frozen=True, slots=True)
class Verb:
    """A command that runs until it is stopped.

    Attributes:
        process: the process.
        first: the first line of its stdout.
        rest: what it wrote there after that, once it has ended.
    """

    process: asyncio.subprocess.Process
    first: str
    rest: bytearray


def file_keyring(directory: Path, home: str = "home") -> dict[str, str]:
    """Return an environment with a keyring that is a file in `directory`, and a home beside it."""
    return {
        **os.environ,
        # What is set already leads to the program under test, if that is a copy (scripts/mutations.py).
        "PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHON_KEYRING_BACKEND": "support.keyring_backends.FileKeyring",
        "FAKE_KEYRING": str(directory / "keyring.json"),
        "AUTHLENS_HOME": str(directory / home),
    }


def machine_in(directory: Path) -> dict[str, str]:
    """Return the environment of a machine: a keyring that works, and a browser at which somebody sits."""
    person = directory / "person"
    person.write_text(PERSON.format(python=sys.executable))
    person.chmod(0o700)
    return {**file_keyring(directory, "authlens"), "BROWSER": str(person)}


def play_any_form(machine: Mapping[str, str]) -> None:
    Path(machine["BROWSER"]).write_text(ANY_FORM.format(python=sys.executable))


async def authlens(
    machine: Mapping[str, str], *arguments: str, typed: str = "", cwd: Path | None = None
) -> Done:
    """Run one command to its end, with `typed` on its standard input."""
    process = await asyncio.create_subprocess_exec(
        *(*AUTHLENS, *arguments),
        env=dict(machine),
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    answer, words = await ended(process, typed.encode())
    done = Done(process.returncode or 0, answer.decode(), words.decode())
    assert "Traceback" not in done.words, done.words
    return done


@asynccontextmanager
async def running(machine: Mapping[str, str], *arguments: str) -> AsyncIterator[Verb]:
    """Run a command until the block ends; yield when it has written its first line on stdout."""
    process = await asyncio.create_subprocess_exec(
        *(*AUTHLENS, *arguments),
        env=dict(machine),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    rest = bytearray()
    try:
        first = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode().strip()
        yield Verb(process, first, rest)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        rest += (await ended(process))[0]


@asynccontextmanager
async def emulated(*arguments: str) -> AsyncIterator[str]:
    """Run `authlens emulator`; yield the URL of its resource: the one line of its answer."""
    async with running(os.environ, "emulator", *arguments) as emulator:
        yield emulator.first
    assert (emulator.process.returncode, bytes(emulator.rest)) == (143, b"")


@contextmanager
def lasting_emulator(*arguments: str) -> Iterator[str]:
    """Do the same for many tests, which have no event loop in common."""
    command = (*AUTHLENS, "emulator", *arguments)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


async def log_in(machine: Mapping[str, str], resource: str, *more: str) -> Done:
    done = await authlens(machine, "login", resource, "--port", "0", *more)
    assert done.code == 0, done.words
    return done


def secrets_in(machine: Mapping[str, str]) -> list[str]:
    keyring = Path(machine["FAKE_KEYRING"]).read_text()
    return re.findall(r'_token\\": \\"([^"\\]{20,})\\"', keyring)


def _numbers() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdecimal()]


@asynccontextmanager
async def process_table() -> AsyncIterator[set[bytes]]:
    """Yield a set that fills with arguments and environment of every process that starts meanwhile."""
    seen: set[bytes] = set()
    # A process that runs already got its arguments before, and there are hundreds of them.
    before = set(_numbers())

    async def watch() -> None:
        while True:
            for number in _numbers():
                for part in ("cmdline", "environ") if number not in before else ():
                    with suppress(OSError):
                        seen.add(Path("/proc", number, part).read_bytes())
            await asyncio.sleep(0.01)

    task = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        task.cancel()
