"""The terminals themselves, with programs whose answers are known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support.terminal import NotShown, terminal, tmux

pytestmark = pytest.mark.e2e

ECHO = "import sys; print('ready'); [print('got', line.strip()) for line in sys.stdin]"
SIZE = "import os, signal; signal.signal(signal.SIGWINCH, lambda *_: print(os.get_terminal_size(0)))"
PYTHON = (sys.executable, "-I", "-u", "-c")


async def test_a_program_reads_keys_and_draws() -> None:
    """Input reaches the program, output reaches the screen, the raw bytes are kept, the exit code is told."""
    async with terminal([*PYTHON, ECHO], columns=80, rows=24) as screen:
        await screen.wait_for("ready")
        screen.send("hello")
        screen.press("enter")
        await screen.wait_for("got hello")
        assert len(screen.lines()) == 24
        assert b"got hello" in screen.raw
        screen.press("ctrl+d")
        assert await screen.wait_for_exit() == 0


async def test_the_screen_is_drawn_and_not_merely_kept() -> None:
    """The cursor is moved and text is overwritten, as in a terminal."""
    async with terminal([*PYTHON, r"print('xxxx\x1b[2;3Hhere\x1b[1;1Hover', end='')"]) as screen:
        await screen.wait_for("here")
        await screen.wait_for_exit()
        assert screen.lines()[:2] == ["over", "  here"]


async def test_the_terminal_answers_where_the_cursor_is() -> None:
    """A program that asks (DSR) gets an answer and does not hang."""
    ask = (
        "import os, sys, tty; tty.setraw(0); os.write(1, b'\\x1b[6n'); "
        "print('answer', ascii(os.read(0, 20)), end='\\r\\n')"
    )
    async with terminal([*PYTHON, ask]) as screen:
        await screen.wait_for("answer b'\\x1b[1;1R'")


async def test_sequences_that_are_not_drawn_leave_nothing() -> None:
    """The keyboard protocol's marks are no letters on the screen, even when they come in pieces."""
    pieces = r"import os; [os.write(1, part) for part in (b'a\x1b', b'[', b'<', b'1', b'ub\x1b[>25uc')]"
    async with terminal([*PYTHON, pieces]) as screen:
        await screen.wait_for("abc")


async def test_hyperlinks_are_read_from_the_bytes() -> None:
    """What a person can click, with its whole address."""
    link = r"print('\x1b]8;id=1;https://a.example/?b=c\x1b\\text\x1b]8;;\x1b\\')"
    async with terminal([*PYTHON, link]) as screen:
        await screen.wait_for("text")
        assert screen.links() == ["https://a.example/?b=c"]


async def test_ctrl_c_interrupts() -> None:
    """The pty is the controlling terminal, so Ctrl-C is a signal."""
    async with terminal([*PYTHON, "import time; print('ready'); time.sleep(60)"]) as screen:
        await screen.wait_for("ready")
        screen.press("ctrl+c")
        await screen.wait_for("KeyboardInterrupt")
        assert await screen.wait_for_exit() != 0


async def test_a_new_size_reaches_the_program() -> None:
    """SIGWINCH comes, and the size is the new one."""
    async with terminal([*PYTHON, f"{SIZE}; print('ready'); [signal.pause() for _ in range(9)]"]) as screen:
        await screen.wait_for("ready")
        screen.resize(60, 10)
        await screen.wait_for("columns=60, lines=10")


async def test_a_wait_that_fails_shows_the_screen() -> None:
    """A program that ended is not waited for until the deadline."""
    async with terminal([*PYTHON, "print('only this')"]) as screen:
        with pytest.raises(NotShown, match=r"ended \(0\) without 'that':\nonly this"):
            await screen.wait_for("that")


async def test_a_program_runs_in_tmux(tmp_path: Path) -> None:
    """Keys in, screen out, and an OSC 52 copy lands in tmux's buffer."""
    copy = r"import sys; print('ready', input()); print('\x1b]52;c;aGVsbG8=\a', end='', flush=True); input()"
    async with tmux([*PYTHON, copy], tmp_path) as screen:
        await screen.send("typed")
        await screen.press("Enter")
        await screen.wait_for("ready typed")
        assert await screen.wait_for_copied(bool) == "hello"
