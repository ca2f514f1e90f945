"""Reading a text in the user's own program: a pager gets it on its input, an editor as a file for that time.

The text is masked before it comes here, and is in no argument and no variable of the program.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from authlens_core.values.secret import for_children
from authlens_tui.terminal.signals import leave_on_signals

if TYPE_CHECKING:
    from textual.app import App

_USUAL: Final = ("less", "more")


class NoPager(Exception):
    """There is no program to read with, or no ordinary screen for it; the message says which."""


async def read_outside(app: App[Any], text: str, environ: Mapping[str, str]) -> None:
    """Leave the full screen, read `text` in `$PAGER`, or `$VISUAL` or `$EDITOR`, and come back.

    The loop runs on meanwhile, so that a browser's answer is taken.

    Raises:
        NoPager: nothing was shown.
    """
    from textual.app import SuspendNotSupported

    program, takes_file = program_of(environ)
    try:
        with app.batch_update(), app.suspend(), _interrupts_left_to_it(app):
            if takes_file:
                await _run_on_file(program, text, environ)
            else:
                await _run(program, text, environ)
    except (SuspendNotSupported, OSError, ValueError) as error:
        raise NoPager(f"{program[0]} could not be started here.") from error
    finally:
        app.refresh(layout=True)


def program_of(environ: Mapping[str, str]) -> tuple[Sequence[str], bool]:
    """Return the words of the program, and whether it reads a file instead of its input.

    Raises:
        NoPager: there is none.
    """
    for name in ("PAGER", "VISUAL", "EDITOR"):
        with suppress(ValueError):  # a quotation mark that is not closed
            if words := shlex.split(environ.get(name, "")):
                return words, name != "PAGER"
    for name in _USUAL:
        if found := shutil.which(name, path=environ.get("PATH")):
            return (found,), False
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
