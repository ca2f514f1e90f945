"""Twenty-four programs, one grant, a server that ends it when a refresh token comes twice, and SIGKILL.

What no client can survive is a kill between the server's replacing the refresh token and the client's storing
the new one: the only copy dies with the program. authlens notes on disk that a refresh is about to be sent,
so the next program knows that the outcome is unknown, says so and leaves it to the person. So there are
two tests. With a server that forgives nothing, kills come at any moment but that one: waiting for the lock,
entry it, reading, tidying. With a server that keeps the old token until the new one is used, as
Cloudflare's does, kills come at any moment at all, and one deliberate `refresh --again` brings it back.
"""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState, grant_id_for, utc_now
from authlens_core.credentials.store.encrypted_file import EncryptedFileKeyring
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials, refresh_lock
from authlens_core.credentials.vault.open_store import file_path, store_at
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind
from e2e import refresh_worker
from support.keyring_session import keyring_session
from support.rotating_server import RotatingServer, rotating_server
from support.waiting import PATIENCE

PROGRAMS = 24
ROUNDS = int(os.environ.get("AUTHLENS_ROUNDS", "10"))
"""How often the tokens expire; 200 each week, where nobody waits for the gate."""
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240 + 3 * ROUNDS)]
PASSPHRASE = "correct horse battery"
LIFETIME = timedelta(seconds=1_000)
"""More than a token of the server lasts: the clock moves on by this much in each round."""


@dataclass
class Crowd:
    """The programs, the server, and the clock that they all go by."""

    state: Path
    place: StoreKind
    environ: Mapping[str, str]
    server: RotatingServer
    credentials: Credentials
    grant: Grant
    at: datetime
    chance: random.Random
    programs: list[Process] = field(default_factory=list)
    begun: list[Process] = field(default_factory=list)
    killed: int = 0

    async def spawn(self) -> Process:
        """Start one program and tell it the passphrase; its first answer says that it is ready."""
        command = [refresh_worker.__file__, str(self.state), self.place, f"{self.server.base}/mcp"]
        path = os.pathsep.join([str(Path(refresh_worker.__file__).parents[1]), *sys.path])
        environ = {**self.environ, "PYTHONPATH": path}
        program = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdin=PIPE, stdout=PIPE, env=environ
        )
        tell(program, PASSPHRASE)
        return program

    async def fill(self) -> None:
        """Start programs in the places of those that are gone; they get ready while others work."""
        new = [await self.spawn() for _ in range(PROGRAMS - len(self.programs))]
        self.begun += new
        self.programs += new

    async def answers(self) -> list[dict[str, str]]:
        """Return what each program says, after a new one has said that it is ready."""
        for program in self.begun:
            assert await answer(program) == {}
        self.begun = []
        return [await answer(program) for program in self.programs]

    def in_flight(self, program: Process) -> bool:
        """Return whether a stopped program has, or may have, sent a refresh whose answer is not stored."""
        owner = self.credentials.locks.owner(*refresh_lock(self.grant))
        try:
            with closing(sqlite3.connect(self.state / "index.sqlite3", timeout=0)) as index:
                pending = index.execute("SELECT count(*) FROM pending_refresh").fetchone()[0]
        except sqlite3.OperationalError:
            return True  # it was stopped in the middle of writing just that
        return bool(pending) and f"process {program.pid} on " in owner

    async def kill(self, victim: Process, *, in_flight: bool) -> None:
        """Kill a program; without `in_flight` not in the one moment that nothing can survive."""
        os.kill(victim.pid, signal.SIGSTOP)
        if not in_flight and self.in_flight(victim):
            os.kill(victim.pid, signal.SIGCONT)
            return
        os.kill(victim.pid, signal.SIGKILL)
        await victim.wait()
        self.programs.remove(victim)
        if victim in self.begun:
            self.begun.remove(victim)
        self.killed += 1

    async def kill_sender(self) -> None:
        """Kill the program whose refresh has arrived at the server, before it is answered."""
        while not self.server.held:
            await asyncio.sleep(0.005)
        owner = self.credentials.locks.owner(*refresh_lock(self.grant))
        (victim,) = (program for program in self.programs if f"process {program.pid} on " in owner)
        await self.kill(victim, in_flight=True)
        assert self.server.hold is not None
        self.server.hold.set()

    async def round(self, *, kills: int, in_flight: bool, sender: bool = False) -> list[dict[str, str]]:
        """Let the token expire, let everybody ask for one at once, kill some, and return the answers."""
        self.server.held, self.server.hold = False, threading.Event() if sender else None
        self.at += LIFETIME
        for program in self.programs:
            tell(program, f"go {self.at.isoformat()}")
        if sender:
            await self.kill_sender()
        for victim in self.chance.sample(self.programs, kills):
            await asyncio.sleep(self.chance.random() * 0.1)
            await self.kill(victim, in_flight=in_flight)
        answers = await self.answers()
        await self.fill()
        return answers


def tell(program: Process, line: str) -> None:
    assert program.stdin is not None
    program.stdin.write(f"{line}\n".encode())


async def answer(program: Process) -> dict[str, str]:
    """Return the next answer of a program; none within the bound is a stuck lock."""
    assert program.stdout is not None
    line = await asyncio.wait_for(program.stdout.readline(), PATIENCE)
    assert line, "the program ended"
    found: dict[str, str] = json.loads(line)
    return found


@asynccontextmanager
async def _crowd(
    state: Path, place: StoreKind, environ: Mapping[str, str], seed: int
) -> AsyncIterator[Crowd]:
    if place is StoreKind.ENCRYPTED_FILE:
        # A cheap key, because many programs make it; nothing else about the file is different.
        EncryptedFileKeyring(file_path(place)).create(Secret(PASSPHRASE), 2**14)
    keyring = KeyringStore(environ=environ, limit=PATIENCE) if place is StoreKind.KEYRING else None
    store = keyring or store_at(place, passphrase=Secret(PASSPHRASE), limit=PATIENCE)
    credentials = Credentials.open(store, state)
    at = utc_now()
    with rotating_server() as server:
        grant = Grant(
            grant_id_for(server.base, f"{server.base}/mcp", "client", "http://localhost"),
            f"{server.base}/mcp",
            f"{server.base}/mcp",
            server.base,
            f"{server.base}/token",
            "client",
            "http://localhost:8400/callback",
            at,
            at,
            at + timedelta(seconds=900),
        )
        grant = await credentials.save(
            grant, GrantSecrets(Secret("access-canary-0"), Secret("refresh-canary-0"))
        )
        crowd = Crowd(state, place, environ, server, credentials, grant, at, random.Random(seed))
        try:
            await crowd.fill()
            yield crowd
        finally:
            for program in crowd.programs:
                if program.returncode is None:
                    program.kill()
                await program.wait()
            await credentials.aclose()


async def _unforgiving(state: Path, place: StoreKind, environ: Mapping[str, str]) -> None:
    async with _crowd(state, place, environ, seed=1) as crowd:
        for number in range(1, ROUNDS + 1):
            answers = await crowd.round(kills=int(number % 3 == 0), in_flight=False)
            # Whoever was killed before it could send left the sending to another one.
            assert len(crowd.server.posts("/token")) == number, (number, answers)
            assert answers == [{"token": f"access-canary-{number}"}] * len(answers), number
        assert not crowd.server.dead
        assert crowd.killed  # on a busy machine most victims are in flight, and are let go
        grant, secrets = await crowd.credentials.load(crowd.grant.grant_id)
        assert grant.state is GrantState.LIVE
        assert secrets.refresh_token == Secret(crowd.server.refresh_token)
        assert crowd.credentials.index.pending() == ()
        await crowd.credentials.generations.sweep()
        assert crowd.credentials.index.leftovers() == ()


async def test_rounds_of_refreshes_on_the_secret_service_lose_nothing(tmp_path: Path) -> None:
    """One refresh request a round, the same token for all, no stuck lock."""
    with keyring_session() as environ:
        await _unforgiving(_private(tmp_path), StoreKind.KEYRING, environ)


async def test_rounds_of_refreshes_on_the_encrypted_file_lose_nothing(tmp_path: Path) -> None:
    await _unforgiving(_private(tmp_path), StoreKind.ENCRYPTED_FILE, os.environ)


async def test_a_kill_at_any_moment_at_all_is_said_and_can_be_recovered(tmp_path: Path) -> None:
    """H129: nothing is tried again by itself; nobody is told that a token is valid that is not."""
    async with _crowd(_private(tmp_path), StoreKind.ENCRYPTED_FILE, os.environ, seed=2) as crowd:
        crowd.server.grace = True
        unknown = 0
        for number in range(ROUNDS // 2):
            before = len(crowd.server.posts("/token"))
            answers = await crowd.round(kills=1, in_flight=True, sender=number % 2 == 0)
            assert len(crowd.server.posts("/token")) - before <= 1
            interrupted = [a for a in answers if a.get("error") == "LoginNeeded"]
            if interrupted:
                unknown += 1
                assert "interrupted" in interrupted[0]["words"]
                tell(crowd.programs[0], f"again {crowd.at.isoformat()}")
                assert await answer(crowd.programs[0]) == {"outcome": "refreshed"}
            told: set[Any] = {a["token"] for a in answers if "token" in a}
            assert told <= crowd.server.access_tokens
            assert len(told) + bool(interrupted) == 1
        assert not crowd.server.dead
        assert unknown >= ROUNDS // 4
        _, secrets = await crowd.credentials.load(crowd.grant.grant_id)
        assert secrets.refresh_token == Secret(crowd.server.refresh_token)


def _private(path: Path) -> Path:
    state = path / "state"
    state.mkdir(mode=0o700)
    os.environ["AUTHLENS_HOME"] = str(state)  # every test has its own, and takes it away at its end
    return state
