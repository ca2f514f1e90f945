"""Copying inside GNU screen: what reaches the terminal around it."""

import base64
import os
import sys
from pathlib import Path

import pytest

from support.needs import needs, program
from support.terminal import terminal

pytestmark = pytest.mark.e2e

COPY = """
import os, sys
from authlens_tui.terminal.clipboard import osc52
sys.stdout.write(osc52("x" * 353, os.environ))
sys.stdout.flush()
sys.stdin.readline()
"""


async def test_what_is_copied_passes_through_gnu_screen_whole(tmp_path: Path) -> None:
    """It takes device control strings of 256 bytes at most; the pieces are one sequence again behind it."""
    needs("screen")
    sockets = tmp_path / "sockets"
    sockets.mkdir(mode=0o700)
    script = tmp_path / "copies.py"
    script.write_text(COPY)
    environ = {name: value for name, value in os.environ.items() if name not in ("TMUX", "STY")}
    environ |= {"TERM": "xterm-256color", "SCREENDIR": str(sockets)}
    command = [program("screen"), "-c", os.devnull, sys.executable, str(script)]
    async with terminal(command, env=environ) as outer:
        whole = b"\x1b]52;c;" + base64.b64encode(b"x" * 353)
        await outer.wait_until(lambda: whole in outer.raw, "the sequence in one piece")
        outer.press("\r")
        await outer.wait_for_exit()
