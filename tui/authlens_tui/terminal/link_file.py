"""The link outside the full screen, for terminals that let nothing be copied.

It is in a file that only its owner can read, or alone on one unwrapped line of the ordinary screen, where any
terminal selects it whole.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from authlens_tui.terminal.quiet_terminal import PasteReader

if TYPE_CHECKING:
    from textual.app import App

_FOLDER: Final = "authlens-"  # how the name of a directory of ours begins
_FILES: Final = "authlens-link-*.txt"
_MOST: Final = 100  # leftovers that are looked at; there are more only where something is wrong
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0)


class LinkFile:
    """At most one file with the link of one wait; `remove()` takes it away.

    It stays open and locked meanwhile. The lock goes with the process, however that ends: a file whose lock
    can be had belongs to no living process, and `sweep_link_files` removes it.
    """

    def __init__(self) -> None:
        self.path: Path | None = None
        self._folder: Path | None = None  # where one had to be made
        self._descriptor = -1

    def write(self, url: str, environ: Mapping[str, str]) -> Path:
        """Write `url` and return where; a second call writes a new file.

        The file is new, has mode 0600, and lies in `XDG_RUNTIME_DIR` where that is private, else in a new
        directory of its own.

        Raises:
            OSError: it could not be written.
        """
        self.remove()
        # In memory and removed at the logout; /tmp may be on a disk and is everyone's.
        folder = _private(environ.get("XDG_RUNTIME_DIR", ""))
        if folder is None:
            folder = self._folder = Path(tempfile.mkdtemp(prefix=_FOLDER))
        # The link has the state of the login in it. Random, because a name that can be guessed could be made
        # before.
        path = folder / f"authlens-link-{secrets.token_hex(4)}.txt"
        draft = self.path = path.with_suffix(".new")
        self._descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o600)
        _lock(self._descriptor)
        with os.fdopen(self._descriptor, "w", encoding="utf-8", closefd=False) as file:
            file.write(url + "\n")
        if os.name == "nt":  # there an open file can be neither renamed nor removed, and nothing is swept
            self._let_go()
        # It gets the name that is swept only now that it is locked.
        draft.rename(path)
        self.path = path
        return path

    def remove(self) -> None:
        """Remove the file, if there is one. Safe to call at any time."""
        path, folder, self.path, self._folder = self.path, self._folder, None, None
        with suppress(OSError):
            if path is not None:
                path.unlink(missing_ok=True)
        with suppress(OSError):
            if folder is not None:
                folder.rmdir()
        self._let_go()

    def _let_go(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        with suppress(OSError):
            if descriptor >= 0:
                os.close(descriptor)


def sweep_link_files(environ: Mapping[str, str]) -> None:
    """Remove the files of processes that were killed, with the directories that were made for them.

    Only what is this account's and private is looked at. Nothing fails: what cannot be removed stays.
    """
    for path in islice(_leftovers(environ), _MOST):
        with suppress(OSError):
            if _remove_if_orphaned(path) and path.parent.name.startswith(_FOLDER):
                path.parent.rmdir()


def _leftovers(environ: Mapping[str, str]) -> Iterator[Path]:
    runtime = _private(environ.get("XDG_RUNTIME_DIR", ""))
    if runtime is not None:
        with suppress(OSError):
            yield from sorted(runtime.glob(_FILES))
    with suppress(OSError):
        for path in sorted(Path(tempfile.gettempdir()).glob(f"{_FOLDER}*")):
            folder = _private(str(path))
            if folder is not None:
                yield from folder.glob(_FILES)


def _remove_if_orphaned(path: Path) -> bool:
    # No link is followed and no FIFO waited for: the directory of temporary files is everyone's.
    descriptor = os.open(path, os.O_RDONLY | _NO_LINKS | getattr(os, "O_NONBLOCK", 0))
    try:
        status = os.fstat(descriptor)
        ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid()
        # A lock that is free shows that the process which made the file is gone.
        if not (ours and _lock(descriptor)):
            return False
        path.unlink()
    finally:
        os.close(descriptor)
    return True


def _lock(descriptor: int) -> bool:
    """Lock an open file for as long as it is open; False where another process has it, or none can."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _private(name: str) -> Path | None:
    """Return the directory if it is ours and closed to others, as the XDG specification wants it."""
    folder = Path(name)
    if not name or not folder.is_absolute() or not hasattr(os, "getuid"):
        return None
    try:
        status = folder.lstat()
    except OSError:
        return None
    closed = stat.S_ISDIR(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o077
    return folder if closed and status.st_uid == os.getuid() else None


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
