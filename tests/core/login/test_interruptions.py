"""A login whose process dies is found by the next one; a login that a person left is not."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authlens_core.emulator import Emulator
from authlens_core.login.login import Login
from authlens_core.login.other_processes import Interruptions
from authlens_core.state.crash_notes import CrashNotes
from authlens_core.trace.record import Stage
from authlens_core.values.login_options import Options
from authlens_core.wire.client import Wire

DIES = """
import os, signal, sys
from pathlib import Path
from authlens_core.state.crash_notes import CrashNotes

note = CrashNotes(Path(sys.argv[1])).begin()
if sys.argv[2]:
    note.write(sys.argv[2])
print("written", flush=True)
sys.stdin.read()
"""


@pytest.fixture
async def login() -> AsyncIterator[Login]:
    """A login that has found its client."""
    async with Emulator() as emulator, Wire() as wire:
        walked = Login(emulator.resource_url, wire, options=Options(port=0))
        for _ in range(3):
            await walked.step()
        yield walked
        await walked.aclose()


def interruptions(folder: Path) -> Interruptions:
    """Return the interruptions of one process: several in one test are as many processes."""
    return Interruptions(CrashNotes(folder / "unfinished"))


def files(folder: Path) -> list[str]:
    """Return the names of what is there, without what they begin with."""
    return sorted(path.suffix for path in (folder / "unfinished").glob("*"))


async def test_ended_by_a_signal_it_is_found_with_the_reason(tmp_path: Path, login: Login) -> None:
    """Where it was, and why it ended; once it was forgotten, nothing of it is left."""
    mine = interruptions(tmp_path)
    mine.follow(login)
    assert not (tmp_path / "unfinished").exists()
    await login.step()
    (path,) = (tmp_path / "unfinished").glob("*.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    mine.close("the connection was lost")

    next_one = interruptions(tmp_path)
    (found,) = next_one.find()
    assert (found.resource_url, found.stage) == (login.facts.resource_url.text, Stage.PKCE)
    assert found.why == "the connection was lost"
    assert found.redirect_uri == login.facts.redirect_uri
    next_one.forget(found)
    assert next_one.find() == ()
    assert files(tmp_path) == []


async def test_while_its_process_lives_nobody_finds_it(tmp_path: Path, login: Login) -> None:
    """A login in another window is under way, and not interrupted."""
    mine = interruptions(tmp_path)
    mine.follow(login)
    await login.step()
    assert interruptions(tmp_path).find() == ()
    mine.close(None)


@pytest.mark.parametrize("way", ["left", "closed"])
async def test_left_by_the_person_nothing_stays(way: str, tmp_path: Path, login: Login) -> None:
    """Who leaves knows it."""
    mine = interruptions(tmp_path)
    mine.follow(login)
    await login.step()
    assert files(tmp_path) == [".json", ".lock"]
    if way == "left":
        mine.leave(login)
    else:
        mine.close(None)
    await login.step()
    assert files(tmp_path) == []


async def test_gone_back_before_the_client_it_is_not_noted(tmp_path: Path, login: Login) -> None:
    """The note follows the login, not the furthest that it came."""
    mine = interruptions(tmp_path)
    mine.follow(login)
    await login.step()
    login.back(Stage.DETECTION)
    await login.step()
    assert files(tmp_path) == []
    mine.close(None)


async def test_told_but_not_taken_up_it_is_told_again_after_a_crash(tmp_path: Path, login: Login) -> None:
    """Only one process tells it at a time, and only a person's leaving ends it."""
    mine = interruptions(tmp_path)
    mine.follow(login)
    await login.step()
    mine.close("authlens failed")
    second = interruptions(tmp_path)
    assert len(second.find("https://another.example/")) == 0
    assert len(second.find()) == 1
    assert interruptions(tmp_path).find() == ()
    second.close("SIGQUIT")
    third = interruptions(tmp_path)
    assert [one.why for one in third.find()] == ["authlens failed"]
    third.close(None)
    assert files(tmp_path) == []


async def test_what_is_old_or_damaged_is_cleared_away(tmp_path: Path, login: Login) -> None:
    """After a day nobody wants to know."""
    mine = interruptions(tmp_path)
    mine.follow(login)
    await login.step()
    mine.close("SIGQUIT")
    for text in ("", "{", json.dumps({"version": 1})):
        note = CrashNotes(tmp_path / "unfinished").begin()
        assert note is not None
        note.write(text)
        note.let_go()
    later = Interruptions(
        CrashNotes(tmp_path / "unfinished"), lambda: datetime.now(UTC) + timedelta(days=1, minutes=1)
    )
    assert later.find() == ()
    assert files(tmp_path) == []


async def test_a_store_that_forgets_and_a_directory_that_cannot_be_used(tmp_path: Path, login: Login) -> None:
    """Neither stops a login."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    for mine in (Interruptions.kept(persistent=False), Interruptions(CrashNotes(blocked / "unfinished"))):
        assert mine.find() == ()
        mine.follow(login)
        await login.step()
        mine.close("SIGQUIT")
    assert login.position is Stage.AUTHORIZATION


@pytest.mark.parametrize(("text", "found"), [("the note", ["the note"]), ("", [])])
def test_a_process_that_is_killed_leaves_its_note(text: str, found: list[str], tmp_path: Path) -> None:
    """SIGKILL: the lock goes with the process. What never said anything is cleared away."""
    process = subprocess.Popen(
        [sys.executable, "-c", DIES, str(tmp_path / "notes"), text],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    notes = CrashNotes(tmp_path / "notes")
    assert notes.claim() == ()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    claimed = notes.claim()
    assert [note.text for note in claimed] == found
    for note in claimed:
        note.drop()
    assert list((tmp_path / "notes").iterdir()) == []
