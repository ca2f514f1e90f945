"""Reading a pasted address from the terminal without showing it: it holds a code.

The terminal hands over characters as they come, because a terminal that collects lines cuts them at 4,095
characters (1,024 on macOS), and addresses can be longer. What was set is set back on every way out.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from authlens_core.secret import Secret

__all__ = ["PasteReader", "restore"]

_LONGEST: Final = 64 * 1024
_ENTER: Final = frozenset(b"\r\n")
_ERASE: Final = frozenset(b"\x7f\x08")
_KILL_LINE: Final = 0x15  # Ctrl-U
_END: Final = 0x04  # Ctrl-D

_before: tuple[int, list[Any]] | None = None
"""The descriptor and the settings to go back to, while they are changed."""


def restore() -> None:
    """Set the terminal back to what it was; does nothing where nothing was changed."""
    global _before  # noqa: PLW0603 - there is one terminal, and a dying process must find it
    if _before is None:
        return
    descriptor, settings = _before
    _before = None
    _set(descriptor, settings)


def _quieten(descriptor: int) -> bool:
    """Turn echo and line collecting off; return whether that worked. Signal keys keep working."""
    global _before  # noqa: PLW0603
    try:
        import termios
    except ImportError:
        return False  # Windows: there is no such terminal, and nothing is read
    try:
        settings = termios.tcgetattr(descriptor)
    except (OSError, ValueError, termios.error):
        return False
    quiet = list(settings)
    quiet[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON)
    quiet[6] = [*settings[6]]
    quiet[6][termios.VMIN], quiet[6][termios.VTIME] = 1, 0
    if not _set(descriptor, quiet):
        return False
    _before = (descriptor, settings)
    return True


def _set(descriptor: int, settings: list[Any]) -> bool:
    import termios

    try:
        # From the background this would stop the process, and the terminal is somebody else's then.
        if os.tcgetpgrp(descriptor) != os.getpgrp():
            return False
        termios.tcsetattr(descriptor, termios.TCSANOW, settings)
    except (OSError, termios.error):
        return False
    return True


class PasteReader:
    """Hands every line that is pasted to `pasted`, until it is closed. Only for a terminal in the foreground.

    Args:
        pasted: called with each line that is not blank.
        ended: called when Ctrl-D says that nothing more comes.
        entered: called when Enter alone is pressed on the empty line. A line end that comes together with
            other characters belongs to something that was pasted.
    """

    def __init__(
        self,
        pasted: Callable[[Secret], None],
        ended: Callable[[], None] = lambda: None,
        entered: Callable[[], None] = lambda: None,
    ) -> None:
        self._pasted = pasted
        self._ended = ended
        self._entered = entered
        self._line = bytearray()
        self._descriptor = -1

    def start(self, descriptor: int | None = None) -> bool:
        """Begin to read, from standard input or `descriptor`; False where that is no terminal."""
        try:
            descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        except (AttributeError, OSError, ValueError):
            return False
        if not _quieten(descriptor):
            return False
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(descriptor, self._readable)
        except (OSError, NotImplementedError):
            restore()
            return False
        self._descriptor = descriptor
        with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(signal.SIGTSTP, self._suspend)
        return True

    def close(self) -> None:
        """Stop reading and set the terminal back. Safe to call at any time."""
        if self._descriptor >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._descriptor)
            with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(signal.SIGTSTP)
            self._descriptor = -1
            self._line.clear()
        restore()

    def _suspend(self) -> None:
        """Ctrl-Z: the shell gets its terminal as it was; after `fg` it is quiet again."""
        restore()
        os.kill(os.getpid(), signal.SIGSTOP)
        if not _quieten(self._descriptor):
            self.close()  # continued in the background: the terminal is not ours to read

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, 4096)
        except OSError:
            data = b""
        if not data:
            self.close()
            # It hung up: where a shell that catches SIGHUP stands between, nobody else says so.
            os.kill(os.getpid(), signal.SIGHUP)
            return
        if len(data) == 1 and data[0] in _ENTER and not self._line:
            self._entered()
            return
        for byte in data:
            if byte in _ENTER:
                self._take()
            elif byte in _ERASE:
                del self._line[-1:]
            elif byte == _KILL_LINE:
                self._line.clear()
            elif byte == _END and not self._line:
                self.close()
                self._ended()
                return
            elif len(self._line) <= _LONGEST:
                self._line.append(byte)

    def _take(self) -> None:
        line, self._line = bytes(self._line), bytearray()
        if line.strip():
            self._pasted(Secret(line.decode("utf-8", "replace")))
