"""The keyring, through a helper that can be killed, and that loads nothing from the current directory."""

import asyncio
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authlens_core.credentials.store.helper_pipes import helper_environment
from authlens_core.credentials.store.keyring_process import LAST_CALL
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.store.secret_store import SecretStoreFailed, SecretStoreTimeout
from authlens_core.values.errors import SecretStoreDenied
from authlens_core.values.secret import Secret
from support.keyring_backends import SLOW_SECONDS
from support.made_checks import present
from support.waiting import PATIENCE, cancelled, runs, wait_until

Open = Callable[..., KeyringStore]


def _commands() -> dict[int, bytes]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
    return found


def _helper(store: KeyringStore) -> int:
    helper = present(store.helper)
    return helper.pid


async def _in_a_call(
    open_keyring: Open, keyring: Any
) -> tuple[KeyringStore, int, asyncio.Task[Secret | None]]:
    """Return a store, the process of its helper, and a call that the keyring does not answer."""
    keyring.lock()
    store = open_keyring("SlowKeyring")
    await store.open(probe=False)
    call = asyncio.create_task(store.get("a"))
    await asyncio.to_thread(wait_until, keyring.is_asked, "a call at the keyring")
    return store, _helper(store), call


async def test_one_helper_serves_many_calls(open_keyring: Open) -> None:
    store = open_keyring()
    assert store.helper is None
    await store.get("a")
    pid = _helper(store)
    await asyncio.gather(*(store.set(f"e{n}", Secret(str(n))) for n in range(10)))
    assert [await store.get(f"e{n}") for n in range(10)] == [Secret(str(n)) for n in range(10)]
    assert _helper(store) == pid


@pytest.mark.slow
async def test_a_keyring_that_hangs_is_given_up_within_three_seconds(
    open_keyring: Open, keyring: Any
) -> None:
    """A typed error in time, and the next call works once the keyring does."""
    keyring.lock()
    store = open_keyring("SlowKeyring")
    with pytest.raises(SecretStoreTimeout, match=r"within 3 seconds.*unlock prompt"):
        await store.get("a")
    keyring.unlock()
    await store.set("a", Secret("usable again"))
    assert await store.get("a") == Secret("usable again")


@pytest.mark.slow
async def test_a_hanging_call_does_not_hold_up_the_loop(open_keyring: Open, keyring: Any) -> None:
    keyring.lock()
    store = open_keyring("SlowKeyring", limit=1.0)
    call = asyncio.create_task(store.get("a"))
    turns = 0
    while not call.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 20
    assert isinstance(call.exception(), SecretStoreTimeout)


async def test_calls_that_wait_behind_a_hanging_one_end_in_time_too(open_keyring: Open, keyring: Any) -> None:
    keyring.lock()
    store = open_keyring("SlowKeyring", limit=1.0)
    async with asyncio.timeout(30):  # one after the other they would take a minute
        ends = await asyncio.gather(*(store.get(f"{n}") for n in range(60)), return_exceptions=True)
    assert ends
    assert all(isinstance(end, SecretStoreTimeout) for end in ends)


async def test_a_cancelled_call_lets_go_of_the_helper(open_keyring: Open, keyring: Any) -> None:
    """H173: its late answer must not be taken for the next call's."""
    store, pid, call = await _in_a_call(open_keyring, keyring)
    await cancelled(call)
    (helper,) = store.ending
    assert helper.pid == pid
    keyring.unlock()
    await store.set("b", Secret("right"))
    assert await store.get("b") == Secret("right")
    assert await asyncio.wait_for(helper.wait(), LAST_CALL + 30) == 0


@pytest.mark.slow
async def test_a_helper_ends_by_itself_in_a_call_that_never_ends(open_keyring: Open, keyring: Any) -> None:
    """Nobody kills it, for that may take gnome-keyring along; and nobody has to."""
    keyring.lock()
    store = open_keyring("SlowKeyring", limit=0.2)
    with pytest.raises(SecretStoreTimeout):
        await store.get("a")
    (helper,) = store.ending
    assert runs(helper.pid)
    assert await asyncio.wait_for(helper.wait(), LAST_CALL + 30) == 0


async def test_what_was_written_for_a_program_that_let_go_is_taken_back(
    open_keyring: Open, keyring: Any
) -> None:
    """It may come after the program, or the next one, has tidied up what it had begun."""
    keyring.lock()
    store = open_keyring("SlowKeyring", limit=0.5)
    with pytest.raises(SecretStoreTimeout):
        await store.set("a", Secret("late"))
    (helper,) = store.ending
    keyring.unlock()
    assert await asyncio.wait_for(helper.wait(), LAST_CALL + 30) == 0
    # Another store, which has time: this one lets go of a busy machine after half a second.
    assert await open_keyring().get("a") is None


async def test_a_locked_keyring_says_so(open_keyring: Open, keyring: Any) -> None:
    """V-11: refused and locked look the same to backends, and both say what to do."""
    keyring.lock()
    with pytest.raises(SecretStoreDenied, match=r"locked or refused access.*Failed to unlock"):
        await open_keyring("DeniedKeyring").set("a", Secret("x"))


async def test_a_dying_helper_is_reported_and_replaced(open_keyring: Open) -> None:
    """H173: the daemon dies in the middle of a call."""
    store = open_keyring("DyingKeyring")
    with pytest.raises(SecretStoreFailed):
        await store.get("a")
    await store.set("a", Secret("x"))


async def test_a_backend_that_prints_and_asks_spoils_nothing(open_keyring: Open) -> None:
    """Standard input and output of the helper belong to the protocol."""
    store = open_keyring("TalkativeKeyring")
    await store.set("a", Secret("value"))
    assert await store.get("a") == Secret("value")


async def test_an_error_that_names_the_value_is_not_passed_on(open_keyring: Open) -> None:
    """V-7: a backend's words may hold the secret; its class is enough then."""
    with pytest.raises(SecretStoreDenied) as caught:
        await open_keyring("TalkativeKeyring").set("a", Secret("leak-canary-12345678"))
    assert "canary" not in str(caught.value)
    assert "PasswordSetError" in str(caught.value)


async def test_an_error_keeps_no_value_in_the_frames_that_it_came_through(
    open_keyring: Open, keyring: Any
) -> None:
    """An error is kept for as long as it is shown, and with it the locals of these frames."""
    keyring.lock()
    with pytest.raises(SecretStoreDenied) as caught:
        await open_keyring("DeniedKeyring").set("a", Secret("leak-canary-12345678"))
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    kept = [repr(frame.f_locals) for frame in frames if frame.f_code.co_filename != __file__]
    assert kept
    assert [one for one in kept if "canary" in one] == []


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads the process table")
async def test_no_secret_in_any_command_line_or_environment(
    open_keyring: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """V-8: secrets go through a pipe; a secret in our own environment is not handed on."""
    monkeypatch.setenv("AUTHLENS_CLIENT_SECRET", "canary-of-the-environment")
    store = open_keyring()
    await store.set("a", Secret("canary-of-the-value"))
    await store.get("a")
    mine = _commands()[_helper(store)]
    assert b"keyring_helper" in mine
    assert b"canary" not in mine


async def test_closing_ends_the_helper_and_allows_another(open_keyring: Open) -> None:
    store = open_keyring()
    await store.get("a")
    pid = _helper(store)
    await store.aclose()
    wait_until(lambda: not runs(pid), "the end of the helper")
    assert await store.get("a") is None


async def test_closing_ends_a_helper_that_hangs_though_it_is_cancelled(
    open_keyring: Open, keyring: Any
) -> None:
    """An app that ends cancels the opening of its store, which closes it, and then cancels once more."""
    store, pid, call = await _in_a_call(open_keyring, keyring)
    await cancelled(store.aclose(), times=2)
    assert not runs(pid)
    assert isinstance((await asyncio.gather(call, return_exceptions=True))[0], SecretStoreFailed)


PROGRAM = """
import asyncio, sys
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.values.errors import NoSecretStore

async def main():
    # In its debug mode, asyncio writes of every callback that takes long: on a busy machine, any does.
    asyncio.get_running_loop().slow_callback_duration = float("inf")
    store = KeyringStore(limit=float(sys.argv[1]))
    await store.open(probe=False)
    print(store.helper.pid, flush=True)
    try:
        await store.get("a")
    except NoSecretStore as error:
        print(type(error).__name__, flush=True)
    await store.aclose()

asyncio.run(main())
"""


def _program(keyring: Any, limit: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", PROGRAM, str(limit)]
    environ = keyring.environ("SlowKeyring")
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_blocked_keyring_never_holds_up_the_exit(keyring: Any) -> None:
    """The program ends at once, without a word about unclosed transports."""
    keyring.lock()
    with _program(keyring, 0.5) as program:
        try:
            output, errors = program.communicate(timeout=SLOW_SECONDS / 2)
        finally:
            program.kill()
    assert output.split()[-1] == "SecretStoreTimeout"
    assert (program.returncode, errors) == (0, "")


def test_the_helper_dies_with_a_killed_program(keyring: Any) -> None:
    """SIGKILL leaves no helper behind for long, even one that is blocked in the keyring."""
    keyring.lock()
    with _program(keyring, 60.0) as program:
        helper = int(present(program.stdout).readline())
        assert runs(helper)
        os.kill(program.pid, signal.SIGKILL)
        wait_until(lambda: not runs(helper), "the end of the helper", LAST_CALL + 30)


def run(program: str) -> str:
    head = "import sys\nfrom authlens_core.credentials.store.keyring_helper import *\n"
    done = subprocess.run(
        [sys.executable, "-c", head + program], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_import_alone_loads_nothing() -> None:
    program = """
        load_lazily('importlib.metadata', 'urllib.request')
        import importlib.metadata as metadata, urllib.request
        print([name in sys.modules for name in ('email', 'http.client')])
    """
    assert run("\n".join(map(str.strip, program.splitlines()))) == "[False, False]"


def test_a_call_loads_the_module_when_its_result_is_used() -> None:
    program = """
        load_lazily('logging')
        call_later('logging', 'getLogger')
        import logging
        log, before = logging.getLogger('a'), 'threading' in sys.modules
        log.debug('word')
        print(before, log.name, 'threading' in sys.modules)
    """
    assert run("\n".join(map(str.strip, program.splitlines()))) == "False a True"


def test_a_missing_module_is_missing_when_a_member_is_used() -> None:
    program = """
        load_lazily('no_such_module')
        import no_such_module
        try:
            no_such_module.member
        except ModuleNotFoundError:
            print('missing')
    """
    lines = [line.removeprefix("        ") for line in program.splitlines()]
    assert run("\n".join(lines)) == "missing"


@pytest.mark.parametrize("path", [".", os.pathsep, f"modules{os.pathsep}."])
def test_a_relative_or_empty_part_of_pythonpath_is_left_out(path: str) -> None:
    assert "PYTHONPATH" not in helper_environment({"PYTHONPATH": path})
