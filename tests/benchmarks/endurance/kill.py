"""Kill `authlens` at random moments of a login, a refresh, a revocation and a move, and look into the store.

`python tests/benchmarks/endurance/kill.py [ROUNDS] [SEED]`

Each round forks a process that has loaded the program, lets it run one command, and sends SIGKILL to it and
to its helpers. Afterwards every credential has to be readable, with two tokens of one answer of the server;
none is gone but by a revocation; and where the server has replaced the refresh token since, authlens has to
know that the outcome is unknown.
"""

import asyncio
import http.client
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from authlens_core.credentials.records.grant import Grant, GrantState
from authlens_core.credentials.records.table import damaged_records
from authlens_core.credentials.store import encrypted_file
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import remembered_place, store_at
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from authlens_tui.cli import main as program

RESOURCES: Final = tuple(f"/r{number}" for number in range(4))
PASSPHRASE: Final = Secret("correct horse battery")
LONGEST: Final = 60.0
KNOWN_TO_BE_UNKNOWN: Final = frozenset({GrantState.UNKNOWN, GrantState.INTERRUPTED, GrantState.LOGIN_NEEDED})


@dataclass
class Tally:
    """What the rounds came to.

    Attributes:
        killed: rounds that were cut short, by command.
        ended: rounds whose command was faster than the signal.
        quarters: how many signals came in each quarter of their command, as long as the last whole ones took.
        unknown: how often a refresh was left with an outcome that authlens knows to be unknown.
        faults: what must not be.
    """

    killed: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    quarters: Counter[int] = field(default_factory=Counter)
    unknown: int = 0
    faults: list[str] = field(default_factory=list)


class Rounds:
    """The rounds, against one server and in one home."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.port = port
        self.chance = chance
        self.tally = Tally()
        self.reach: dict[str, float] = {}
        self.took: dict[str, float] = {}
        self.before: set[str] = set()

    def arguments(self, command: str) -> list[str]:
        """Return the command line of one command."""
        url = f"{self.base}{self.chance.choice(RESOURCES)}"
        if command == "login":
            return ["login", url, "--port", "0", "--no-browser", "--json", "--timeout", "10"]
        if command == "move":
            here = remembered_place()
            there = StoreKind.FILE if here is StoreKind.ENCRYPTED_FILE else StoreKind.ENCRYPTED_FILE
            return ["store", "--move", there.value, *(["--yes"] if there is StoreKind.FILE else [])]
        return [command, url, *(["--wait", "0"] if command == "revoke" else [])]

    def run(self, command: str, after: float) -> bool:
        """Run one command in a process of its own, killed `after` some seconds; return whether it was."""
        output, writing = os.pipe()
        arguments = self.arguments(command)
        child = os.fork()
        if child == 0:
            _become(arguments, writing)
        os.close(writing)
        begun = time.monotonic()
        self._play_browser(output, begun + after)
        os.close(output)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed = os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        self._note_moment(command, after, time.monotonic() - begun, killed=killed)
        # About a quarter of the commands end before the signal, so that it comes at any moment of the others.
        self.reach[command] = self.reach.get(command, 1.0) * (1.07 if killed else 0.85)
        (self.tally.killed if killed else self.tally.ended)[command] += 1
        return killed

    def _note_moment(self, command: str, after: float, lasted: float, *, killed: bool) -> None:
        """Count the quarter of the command in which the signal came, or learn how long the command takes."""
        took = self.took.get(command, lasted)
        if killed:
            self.tally.quarters[min(4, 1 + int(4 * after / took))] += 1
        else:
            self.took[command] = (took + lasted) / 2

    def _play_browser(self, output: int, deadline: float) -> None:
        """Follow the link that a login shows, until the process ends or the time is over."""
        said = b""
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([output], [], [], left)[0]:
                return
            piece = os.read(output, 65_536)
            if not piece:
                return
            said += piece
            *lines, said = said.split(b"\n")
            for line in lines:
                with suppress(ValueError, OSError, http.client.HTTPException):
                    event = json.loads(line)
                    if event.get("event") == "authorization_url":
                        _get(_get(event["url"]) or "")

    async def look(self, round_: str, *, may_lose: bool) -> None:
        """Open the store as the next program does, and note what must not be."""
        place = remembered_place()
        credentials = Credentials.open(store_at(place, passphrase=PASSPHRASE, limit=LONGEST))
        try:
            await self._look(credentials, round_, may_lose=may_lose)
        except Exception as error:
            self.tally.faults.append(f"{round_}: {error!r}")
        finally:
            await credentials.aclose()

    async def _look(self, credentials: Credentials, round_: str, *, may_lose: bool) -> None:
        faults = self.tally.faults
        faults += [f"{round_}: damaged {one.record_id}" for one in damaged_records(credentials.index)]
        valid = set(json.loads(body(self.port, "/valid")))
        begun = {pending.grant_id for pending in credentials.index.pending()}
        found = set()
        for grant in credentials.list():
            found.add(grant.grant_id)
            pair = await _load(credentials, grant)
            name = urlsplit(grant.resource_url).path
            if len(pair) != 1 or not min(pair).startswith(f"{name}-"):
                faults.append(f"{round_}: mixed {pair} for {name}")
            if not pair <= valid:
                self.tally.unknown += 1
                reported = grant.state in KNOWN_TO_BE_UNKNOWN or not grant.state.is_wanted
                if not reported and grant.grant_id not in begun:
                    faults.append(f"{round_}: {pair} is spent, and {grant.state}")
        if not may_lose and not self.before <= found:
            faults.append(f"{round_}: lost {self.before - found}")
        self.before = found

    def all(self, rounds: int, progress: Callable[[int], None]) -> Tally:
        """Run the rounds."""
        commands = ("login", "refresh", "revoke", "move")
        for command in (*("login",) * 6, "refresh", "move", "revoke"):
            self.run(command, LONGEST)
        asyncio.run(self.look("start", may_lose=True))
        if not self.before:
            self.tally.faults.append("start: there is nothing to lose, because no login came to its end")
        for number in range(rounds):
            command = self.chance.choices(commands, (4, 4, 1, 2))[0]
            self.run(command, self.chance.uniform(0.0, self.reach.get(command, 1.0)))
            asyncio.run(self.look(f"{number} {command}", may_lose=command == "revoke"))
            progress(number + 1)
        return self.tally


async def _load(credentials: Credentials, grant: Grant) -> set[str]:
    """Return what the tokens of a grant end in, from wherever they are; of one answer, it is one thing."""
    store = store_at(grant.place, passphrase=PASSPHRASE, limit=LONGEST)
    there = credentials if grant.place is credentials.store.place else Credentials.open(store)
    try:
        _, secrets = await there.load(grant.grant_id)
    finally:
        if there is not credentials:
            await there.aclose()
    tokens = (secrets.access_token, secrets.refresh_token)
    return {token.reveal().partition("-")[2] for token in tokens if token is not None}


def _become(arguments: list[str], output: int) -> None:
    """Run the program in this process, which ends with it."""
    code = 1
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(output, 1)
        os.dup2(nowhere, 2)
        # A test's streams are files of the test runner, and the link has to come through the pipe.
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        code = program.run(arguments)
        sys.stdout.flush()
    finally:
        os._exit(code)


def _get(url: str) -> str | None:
    """Open an address as a browser does; return where it sends on."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    connection.request("GET", f"{parts.path}?{parts.query}", headers={"Host": parts.netloc})
    return connection.getresponse().headers.get("Location")


def body(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse().read()


@contextmanager
def serving(*arguments: str) -> Iterator[int]:
    """Run the server; yield its port."""
    command = [sys.executable, str(Path(__file__).with_name("server.py")), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def run(rounds: int, seed: int, progress: Callable[[int], None] = lambda _done: None) -> Tally:
    """Run the rounds in a new home, with an encrypted file that is cheap to open."""
    encrypted_file.COST = 2**14  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder, serving() as port:
        passphrase = Path(folder) / "passphrase"
        passphrase.write_text(PASSPHRASE.reveal())
        passphrase.chmod(0o600)
        before = dict(os.environ)
        os.environ |= {"AUTHLENS_HOME": f"{folder}/home", "AUTHLENS_PASSPHRASE_FILE": str(passphrase)}
        try:
            command = [sys.executable, "-m", "authlens_tui", "store", "--move", "file", "--yes"]
            subprocess.run(command, check=True, capture_output=True)
            return Rounds(port, random.Random(seed)).all(rounds, progress)
        finally:
            os.environ.clear()
            os.environ.update(before)


def main() -> int:
    """Run what the command line asks for; 1 if there is a fault."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    begun = time.monotonic()

    def progress(done: int) -> None:
        if done % 50 == 0:
            sys.stdout.write(f"{done} rounds, {time.monotonic() - begun:.0f} s\n")
            sys.stdout.flush()

    found = run(rounds, seed, progress)
    sys.stdout.write(f"seed {seed}; killed {dict(found.killed)}; ended {dict(found.ended)}\n")
    sys.stdout.write(f"signals by quarter of the command: {sorted(found.quarters.items())}\n")
    sys.stdout.write(f"outcomes known to be unknown: {found.unknown}; faults: {len(found.faults)}\n")
    sys.stdout.writelines(f"  {fault}\n" for fault in found.faults)
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
