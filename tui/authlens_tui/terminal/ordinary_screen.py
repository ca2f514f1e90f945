"""Leaving the full screen for a while: a text in the user's pager or editor, or the link on one line.

A pager gets the text on its input, an editor as a file for that time. It is masked before it comes here, and
is in no argument and no variable of the program. The link is alone and unwrapped, so that any terminal
selects it whole.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from authlens_core.values.secret import for_children
from authlens_tui.terminal.quiet_terminal import PasteReader
from authlens_tui.terminal.signals import leave_on_signals

if TYPE_CHECKING:
    from textual.app import App

_USUAL: Final = ("less", "more")
_TITLE: Final = "  The link, on one line. The login is still waiting."
_HOW: Final = "  Press Enter to return to the full screen; it also returns when the browser does."


class NoOrdinaryScreen(Exception):
    """The full screen cannot be left here for a while and come back to."""


@contextmanager
def _ordinary_screen(app: App[Any]) -> Iterator[None]:
    """Leave the full screen for the block, and come back.

    Raises:
        NoOrdinaryScreen: the terminal, the operating system, or what the block starts does not allow it.
    """
    from textual.app import SuspendNotSupported

    try:
        # Without repaints: what is written while the driver rests would wait in its queue and fill it.
        with app.batch_update(), app.suspend():
            yield
    except (SuspendNotSupported, OSError, ValueError) as error:
        raise NoOrdinaryScreen from error
    finally:
        app.refresh(layout=True)


class NoPager(Exception):
    """There is no program to read with, or no ordinary screen for it; the message says which."""


async def read_outside(app: App[Any], text: str, environ: Mapping[str, str]) -> None:
    """Leave the full screen, read `text` in `$PAGER`, or `$VISUAL` or `$EDITOR`, and come back.

    The loop runs on meanwhile, so that a browser's answer is taken.

    Raises:
        NoPager: nothing was shown.
    """
    program, takes_file = program_of(environ)
    try:
        with _ordinary_screen(app), _interrupts_left_to_it(app):
            if takes_file:
                await _run_on_file(program, text, environ)
            else:
                await _run(program, text, environ)
    except NoOrdinaryScreen as error:
        raise NoPager(f"{program[0]} could not be started here.") from error


def program_of(environ: Mapping[str, str]) -> tuple[Sequence[str], bool]:
    """Return the words of the program, and whether it reads a file instead of its input.

    Raises:
        NoPager: there is none.
    """
    for name in ("PAGER", "VISUAL", "EDITOR"):
        with suppress(ValueError):  # a quotation mark that is not closed
            if command := shlex.split(environ.get(name, "")):
                return command, name != "PAGER"
    for name in _USUAL:
        if path := shutil.which(name, path=environ.get("PATH")):
            return (path,), False
    raise NoPager("There is no pager. Set PAGER or EDITOR to a program and start authlens again.")


async def _run(program: Sequence[str], text: str, environ: Mapping[str, str]) -> None:
    environment = for_children(environ)
    process = await asyncio.create_subprocess_exec(*program, stdin=asyncio.subprocess.PIPE, env=environment)
    # A pager that is left before the end of the text reads no more of it.
    with suppress(BrokenPipeError, ConnectionResetError):
        await process.communicate(text.encode("utf-8", "replace"))
    await process.wait()


async def _run_on_file(program: Sequence[str], text: str, environ: Mapping[str, str]) -> None:
    with _file_of(text) as name:
        process = await asyncio.create_subprocess_exec(*program, name, env=for_children(environ))
        await process.wait()


@contextmanager
def _file_of(text: str) -> Iterator[str]:
    """Yield the name of a file that the user alone can read; it is gone afterwards."""
    descriptor, name = tempfile.mkstemp(prefix="authlens-", suffix=".txt")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        yield name
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def _interrupts_left_to_it(app: App[Any]) -> Iterator[None]:
    """Leave ctrl+c to the program, which has the terminal: it would end authlens, too."""
    asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
    # By a handler and not by ignoring it: what is ignored would be ignored by the program as well.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        leave_on_signals(app)


async def show_alone(app: App[Any], url: str, over: asyncio.Event) -> None:
    """Leave the full screen, print the link, and come back on Enter or as soon as `over` is set.

    The loop runs on meanwhile, so that the browser's answer is taken.

    Raises:
        NoOrdinaryScreen: the terminal, or the operating system, does not allow it.
    """
    if sys.platform == "win32" or sys.__stdin__ is None or sys.__stderr__ is None:
        raise NoOrdinaryScreen
    # The URL alone on its line: terminals mark a line with three clicks, and prose would be marked with it.
    lines = ("", _TITLE, "", url, "", _HOW)
    with _ordinary_screen(app), _keyboard(sys.__stdin__.fileno()) as pressed:
        sys.__stderr__.write("".join(f"{line}\n" for line in lines))
        sys.__stderr__.flush()
        await _first_of(pressed, over)
        sys.__stderr__.write(_erasing(lines, shutil.get_terminal_size().columns))
        sys.__stderr__.flush()


def _erasing(lines: Sequence[str], columns: int) -> str:
    """Return the sequence that erases `lines` above the cursor: after the login they are out of date."""
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
