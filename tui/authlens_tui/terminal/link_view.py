"""The link on one unwrapped line of the ordinary screen, where any terminal selects it whole."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from textual.app import App

_READ: Final = 4096  # bytes
_TITLE: Final = "  The link, on one line. The login is still waiting."
_HOW: Final = "  Press Enter to return to the full screen; it also returns when the browser does."


class NoOrdinaryScreen(Exception):
    """The full screen cannot be left here for a while and come back to."""


async def show_alone(app: App[Any], url: str, over: asyncio.Event) -> None:
    """Leave the full screen, print the link, and come back on Enter or as soon as `over` is set.

    The loop runs on meanwhile, so that the browser's answer is taken.

    Raises:
        NoOrdinaryScreen: the terminal, or the operating system, does not allow it.
    """
    from textual.app import SuspendNotSupported

    if sys.platform == "win32" or sys.__stdin__ is None or sys.__stderr__ is None:
        raise NoOrdinaryScreen
    lines = ("", _TITLE, "", url, "", _HOW)
    try:
        # Without repaints: what is written while the driver rests would wait in its queue and fill it.
        with app.batch_update(), app.suspend(), _keyboard(sys.__stdin__.fileno()) as pressed:
            sys.__stderr__.write("".join(f"{line}\n" for line in lines))
            sys.__stderr__.flush()
            await _first_of(pressed, over)
            sys.__stderr__.write(_erasing(lines, shutil.get_terminal_size().columns))
            sys.__stderr__.flush()
    except (SuspendNotSupported, OSError, ValueError):
        raise NoOrdinaryScreen from None
    finally:
        app.refresh(layout=True)


def _erasing(lines: Sequence[str], columns: int) -> str:
    """Return what erases `lines` above the cursor: after the login they would still say that it waits."""
    rows = sum(max(1, -(-len(line) // columns)) for line in lines)
    return f"\x1b[{rows}A\r\x1b[J"


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


@contextmanager
def _keyboard(descriptor: int) -> Iterator[asyncio.Event]:
    """Watch for Enter, showing nothing of what is typed: it may be an address with a code in it."""
    import termios

    pressed, loop = asyncio.Event(), asyncio.get_running_loop()

    def readable() -> None:
        try:
            data = os.read(descriptor, _READ)
        except OSError:
            data = b""
        if not data:  # the terminal is gone: the driver finds that out for itself
            loop.remove_reader(descriptor)
        if not data or b"\n" in data:
            pressed.set()

    before: list[Any] | None = None
    with suppress(termios.error):
        before = termios.tcgetattr(descriptor)

    def echo(*, on: bool) -> None:
        if before is not None:
            settings = [*before]
            settings[3] = before[3] if on else before[3] & ~termios.ECHO
            with suppress(termios.error):
                termios.tcsetattr(descriptor, termios.TCSANOW, settings)

    # The shell has the terminal meanwhile, and it echoes.
    def stop(*_: object) -> None:
        echo(on=True)
        os.kill(os.getpid(), signal.SIGSTOP)
        echo(on=False)

    ctrl_z = signal.signal(signal.SIGTSTP, stop)  # the driver's own stops, and leaves the echo off
    echo(on=False)
    loop.add_reader(descriptor, readable)
    try:
        yield pressed
    finally:
        loop.remove_reader(descriptor)
        echo(on=True)
        signal.signal(signal.SIGTSTP, ctrl_z)
