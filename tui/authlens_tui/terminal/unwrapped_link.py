"""The link alone on one unwrapped line of the ordinary screen, where any terminal selects it whole."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from authlens_tui.terminal.quiet_terminal import PasteReader

if TYPE_CHECKING:
    from textual.app import App

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
    # The URL alone on its line: terminals mark a line with three clicks, and prose would be marked with it.
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
    pressed = asyncio.Event()
    reader = PasteReader(lambda _lines: pressed.set(), entered=pressed.set)
    ours = [(number, signal.getsignal(number)) for number in (signal.SIGTSTP, signal.SIGCONT)]
    reader.start(descriptor)
    try:
        yield pressed
    finally:
        reader.close()
        for number, handler in ours:  # the driver's, which the reader replaced
            signal.signal(number, handler)
