"""Reading a pasted address from the terminal without showing it: it holds a code.

The terminal hands over characters as they come, because a terminal that collects lines cuts them at 4,095
characters (1,024 on macOS), and addresses can be longer. What was set is set back on every way out, and what
is left of a paste is thrown away: a shell would run it as commands, and show it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from authlens_core.values.secret import Secret

_LONGEST: Final = 64 * 1024
_MOST_LINES: Final = 64  # of one paste; the last ones are kept
# Seconds between two looks at whose the terminal is: bash's `fg` of a job that runs sends it no signal.
_LOOK_AGAIN: Final = 0.3
_ENTER: Final = frozenset(b"\r\n")
_ERASE: Final = frozenset(b"\x7f\x08")
_KILL_LINE: Final = 0x15  # Ctrl-U
_END: Final = 0x04  # Ctrl-D

# The descriptor and the settings to go back to, while they are changed.
_before: tuple[int, list[Any]] | None = None


def restore() -> None:
    """Set the terminal back to what it was; does nothing where nothing was changed."""
    global _before  # noqa: PLW0603 - there is one terminal, and a dying process must find it
    if _before is None:
        return
    descriptor, settings = _before
    _before = None
    if _set(descriptor, settings):
        _forget_typed(descriptor)


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
    # Without ICANON because the line buffer of the terminal ends at 4,096 bytes, and a redirect URL can be
    # longer.
    quiet[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON)
    # A list in the list: without a copy of its own, what is to be restored would change as well.
    quiet[6] = [*settings[6]]
    quiet[6][termios.VMIN], quiet[6][termios.VTIME] = 1, 0
    if not _set(descriptor, quiet):
        return False
    if _before is None:  # else it is quiet already, and what it was before is known
        _before = (descriptor, settings)
    return True


def _set(descriptor: int, settings: list[Any]) -> bool:
    import termios

    # From the background this would stop the process, and the terminal is another process's then.
    if not _is_ours(descriptor):
        return False
    try:
        termios.tcsetattr(descriptor, termios.TCSANOW, settings)
    except (OSError, termios.error):
        return False
    return True


def _forget_typed(descriptor: int) -> None:
    """Throw away what no one has read. TCSAFLUSH would wait, perhaps for ever, for a stopped terminal."""
    import termios

    with suppress(OSError, termios.error):
        termios.tcflush(descriptor, termios.TCIFLUSH)


def _is_ours(descriptor: int) -> bool | None:
    """Return whether this job has the terminal; None where it is not the terminal of this session."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except (AttributeError, OSError):
        return None


def _nothing() -> None:
    """Do nothing."""


class PasteReader:
    """Hands on what is pasted, until it is closed; reads whenever this job has the terminal.

    A job that is stopped (Ctrl-Z), or that began in the background, comes to the terminal later, and more
    than once.

    Args:
        ended: called when Ctrl-D says that nothing comes; reading goes on.
        entered: called when Enter alone is pressed on the empty line. A line end that comes together with
            other characters belongs to something that was pasted.
        back: called when the terminal has come to this job after `start`.
        silence: seconds without a character after which a paste is over; with 0 each line is one of its own.
            A line that has begun is waited for.
    """

    def __init__(
        self,
        pasted: Callable[[tuple[Secret, ...]], None],
        *,
        ended: Callable[[], None] = _nothing,
        entered: Callable[[], None] = _nothing,
        back: Callable[[], None] = _nothing,
        silence: float = 0.0,
    ) -> None:
        self._pasted = pasted
        self._ended = ended
        self._entered = entered
        self._back = back
        self._silence = silence
        self._line = bytearray()
        self._lines: deque[Secret] = deque(maxlen=_MOST_LINES)
        self._descriptor = -1
        self._reading = False
        self._look_later: asyncio.TimerHandle | None = None
        self._judge_later: asyncio.TimerHandle | None = None

    @property
    def in_background(self) -> bool:
        return self._descriptor >= 0 and not self._reading

    def start(self, descriptor: int | None = None) -> bool:
        """Begin, with standard input or `descriptor`; return whether it is read from now on.

        False if it is not our terminal, or if another job still has it.
        """
        try:
            descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        except (AttributeError, OSError, ValueError):
            return False
        if _is_ours(descriptor) is None:
            return False
        self._descriptor = descriptor
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(signal.SIGTSTP, self._suspend)
            loop.add_signal_handler(signal.SIGCONT, self._continued)
        self._look()
        return self._reading

    def close(self) -> None:
        """Stop reading and set the terminal back. Safe to call at any time."""
        if self._descriptor >= 0:
            self._pause()
            loop = asyncio.get_running_loop()
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(signal.SIGTSTP)
                loop.remove_signal_handler(signal.SIGCONT)
            self._descriptor = -1
        restore()

    def _look(self) -> None:
        """Read if the terminal is ours; if it is another job's, look again soon."""
        loop = asyncio.get_running_loop()
        ours = _is_ours(self._descriptor)
        if ours and _quieten(self._descriptor):
            with suppress(OSError, NotImplementedError):
                loop.add_reader(self._descriptor, self._readable)
                self._reading = True
                return
            restore()
        elif ours is False:
            self._look_later = loop.call_later(_LOOK_AGAIN, self._look_again)

    def _look_again(self) -> None:
        self._look()
        if self._reading:
            self._back()

    def _pause(self) -> None:
        """Read no more for now, and forget what was pasted half."""
        if self._reading:
            asyncio.get_running_loop().remove_reader(self._descriptor)
        self._reading = False
        for timer in (self._look_later, self._judge_later):
            if timer is not None:
                timer.cancel()
        self._line.clear()
        self._lines.clear()

    def _suspend(self) -> None:
        """Ctrl-Z: the shell gets its terminal as it was."""
        self._pause()
        restore()
        # SIGTSTP is what this method handles, so that signal cannot stop the process any more.
        os.kill(os.getpid(), signal.SIGSTOP)

    def _continued(self) -> None:
        """After `fg` the terminal is quiet again; after `bg` it stays the shell's."""
        self._pause()
        self._look_again()

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, 4096)
        except OSError:
            data = b""
        # Reading from the background fails: the shell took the terminal back without a signal to us.
        if not data and _is_ours(self._descriptor) is False:
            self._pause()
            self._look()
            return
        if not data:
            self.close()
            # It hung up: where a shell that catches SIGHUP is between, no one else says so.
            os.kill(os.getpid(), signal.SIGHUP)
            return
        if len(data) == 1 and data[0] in _ENTER and not (self._line or self._lines):
            self._entered()
            return
        for byte in data:
            self._type(byte)
        if self._lines and self._reading:
            if self._judge_later is not None:
                self._judge_later.cancel()
            # A long address that a terminal wrapped comes as several lines: they are judged together when no
            # more follow.
            self._judge_later = asyncio.get_running_loop().call_later(self._silence, self._hand_on)
        if _END in data and not self._line:
            self._ended()

    def _type(self, byte: int) -> None:
        if byte in _ENTER:
            self._take()
        elif byte in _ERASE:
            del self._line[-1:]
        elif byte == _KILL_LINE:
            self._line.clear()
        elif byte != _END and len(self._line) <= _LONGEST:
            self._line.append(byte)

    def _take(self) -> None:
        line, self._line = bytes(self._line), bytearray()
        if line.strip():
            self._lines.append(Secret(line.decode("utf-8", "replace")))

    def _hand_on(self) -> None:
        if self._line and self._silence:
            return  # the last line has begun; Enter ends it
        lines = tuple(self._lines)
        self._lines.clear()
        self._pasted(lines)
