"""The terminal while an address is pasted: quiet, and itself again afterwards."""

from __future__ import annotations

import os
import signal
import sys

from support.terminal import terminal

LEFT_OVER = """
import select, signal, sys
from authlens_tui.terminal import quiet_terminal

def waits(seconds):
    return bool(select.select([0], [], [], seconds)[0])

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
assert quiet_terminal._quieten(0)
print("quiet", flush=True)
signal.sigwait([signal.SIGUSR1])
print("came" if waits(20) else "nothing came", flush=True)
quiet_terminal.restore()
print("left" if waits(0.2) else "nothing left", flush=True)
"""


async def test_what_is_left_of_a_paste_is_thrown_away_on_the_way_out() -> None:
    """A shell would run it as a command, and keep it in its history."""
    async with terminal([sys.executable, "-c", LEFT_OVER]) as screen:
        await screen.wait_for("quiet")
        assert not screen.collects_lines()
        screen.send("rm -r something\r")
        os.kill(screen.process.pid, signal.SIGUSR1)
        await screen.wait_for("nothing left")
        assert "nothing came" not in screen.text()
        assert await screen.wait_for_exit() == 0
        assert screen.collects_lines()
        assert "rm -r" not in screen.text()
