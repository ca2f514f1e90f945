"""One at a time, across tasks and processes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from authlens_core.state.locks import LockBusy, Locks, LockUnavailable

HOLDER = """
import asyncio, sys
from pathlib import Path
from authlens_core.state.locks import Locks

async def main():
    async with Locks(Path(sys.argv[1])).hold("a", "b", purpose="refreshing"):
        print("held", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@contextmanager
def holder(state: Path) -> Iterator[subprocess.Popen[str]]:
    """Run another process that holds the lock."""
    command = [sys.executable, "-c", HOLDER, str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


async def test_tasks_take_turns(state: Path) -> None:
    """RF-6: within a process, through one object or several."""
    held, most = 0, 0

    async def work(locks: Locks) -> None:
        nonlocal held, most
        async with locks.hold("a", purpose="x"):
            held += 1
            most = max(most, held)
            await asyncio.sleep(0.01)
            held -= 1

    shared = Locks(state)
    await asyncio.gather(*(work(shared) for _ in range(3)), *(work(Locks(state)) for _ in range(3)))
    assert most == 1


async def test_a_busy_lock_is_an_error_in_time_that_names_the_holder(state: Path) -> None:
    """Who, since when, what for."""
    with holder(state) as process:
        with pytest.raises(LockBusy, match=f"refreshing by process {process.pid}"):
            async with Locks(state).hold("a", "b", purpose="x", bound=0.1):
                pass
        assert f"process {process.pid} on " in Locks(state).owner("a", "b")


async def test_waiting_can_be_cancelled(state: Path) -> None:
    """Every wait is; and the lock is not left half-held."""
    with holder(state):
        locks = Locks(state)

        async def wait() -> None:
            async with locks.hold("a", "b", purpose="x"):
                pytest.fail("held by somebody else")

        task = asyncio.create_task(wait())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with locks.hold("a", "b", purpose="x", bound=30):
        pass


async def test_a_killed_holder_frees_the_lock_at_once(state: Path) -> None:
    """H131: a file that is left behind locks nobody out."""
    with holder(state) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert list((state / "locks").iterdir())
        async with Locks(state).hold("a", "b", purpose="x", bound=30):
            pass


async def test_a_file_system_without_locks_gets_no_substitute(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H131: filelock's own fallback, a file that merely exists, is not taken."""
    import fcntl

    def missing(fd: int, operation: int) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", missing)
    with pytest.raises(LockUnavailable):
        async with Locks(state).hold("a", purpose="x"):
            pytest.fail("not locked")


async def test_an_owner_note_of_another_program_is_shown_as_text_and_goes_with_the_lock(state: Path) -> None:
    """It is for display only."""
    locks = Locks(state)
    async with locks.hold("a", purpose="x"):
        (note,) = (state / "locks").glob("*.owner")
        note.write_bytes(b"\x1b[2Jx\xff" + b"y" * 10_000)
        assert "\x1b" not in locks.owner("a")
        assert len(locks.owner("a")) < 1_000
    assert locks.owner("a") == ""
