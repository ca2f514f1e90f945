"""Signals: the first ends the work in order, the second at once; what was ignored from the start stays so."""

import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest

from support.made_checks import present
from support.waiting import PATIENCE

STUBBORN = """
import asyncio, sys
from authlens_tui.cli.terminal.interruption import exit_on_signals, run_until_signal

async def work():
    try:
        print("working", flush=True)
        await asyncio.Event().wait()
    finally:
        print("cleaning", flush=True)
        await asyncio.sleep(float(sys.argv[1]))
        print("clean", flush=True)

exit_on_signals()
sys.exit(run_until_signal(work()))
"""

BEFORE_THE_LOOP = """
import sys, time
from authlens_tui.cli.terminal.interruption import exit_on_signals
exit_on_signals()
try:
    print("working", flush=True)
    time.sleep(60)
finally:
    print("clean", flush=True)
"""


def start(program: str, *arguments: str, prefix: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Run a program and wait for its first line."""
    process = subprocess.Popen(
        [*prefix, sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert present(process.stdout).readline() == "working\n"
    return process


LOST = """
import asyncio, sys
from authlens_tui.cli.terminal.interruption import run_until_signal

async def work():
    asyncio.get_running_loop().call_soon(int, "canary")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return 0

sys.exit(run_until_signal(work()))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_lets_the_work_clean_up(number: signal.Signals) -> None:
    """128 + the signal, after everything was put in order."""
    process = start(STUBBORN, "0.1")
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 128 + number
    assert out == "cleaning\nclean\n"
    assert err == "Stopped.\n"


def test_the_second_signal_does_not_wait() -> None:
    """H163: a person who presses Ctrl-C twice wants out."""
    process = start(STUBBORN, "60")
    process.send_signal(signal.SIGINT)
    assert present(process.stdout).readline() == "cleaning\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert (out, err) == ("", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_the_loop_still_cleans_up(number: signal.Signals) -> None:
    """At the prompt for a client secret the terminal must get its echo back."""
    process = start(BEFORE_THE_LOOP)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out, err) == (128 + number, "clean\n", "")


def test_nohup_is_respected() -> None:
    """Who starts it so wants it to outlive the terminal."""
    ignoring = ["/bin/sh", "-c", "trap '' HUP; exec \"$@\"", "sh"]
    process = start(STUBBORN, "0", prefix=ignoring)
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.terminate()
    process.communicate(timeout=PATIENCE)

    assert process.returncode == 143


def test_a_lost_error_shows_its_kind_and_no_value() -> None:
    """Asyncio would print a traceback with the message, which may hold data."""
    done = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=PATIENCE)

    assert done.returncode == 0
    assert "ValueError" in done.stderr
    assert "canary" not in done.stderr
    assert "Traceback" not in done.stderr
