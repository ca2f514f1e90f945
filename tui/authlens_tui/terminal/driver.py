"""The terminal driver: Textual's own, with a reader that no byte sequence from the terminal can stop.

A terminal that was rebuilt (tmux attach, an SSH reconnect) may report the mouse in the legacy X10 form, whose
bytes are not UTF-8; Textual 8.2.8 ends with a UnicodeDecodeError on them. A terminal that went away makes it
read nothing for ever. A SIGCONT makes it enter the full screen again, left or not, with a second reader that
nothing ends. All three are handled here, and nowhere else.
"""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from authlens_tui.terminal.signals import end_at_last

if TYPE_CHECKING:
    from types import FrameType

    from textual.driver import Driver
    from textual.message import Message

_X10: Final = b"\x1b[M"  # followed by three bytes: a button, a column, a row
_X10_BYTES: Final = 3  # button, column and row
# No report has a control character in it, and an Escape there would be one that no one pressed.
_NO_CONTROLS: Final = bytes(max(byte, 0x20) for byte in range(256))
_READ: Final = 4096  # bytes
# What a shell reports of a program that SIGHUP ended.
_HUNG_UP: Final = 129


class InputDecoder:
    """Turns the bytes of a terminal into text, however reads cut them.

    The three bytes of a legacy mouse report become three characters, so that the parser can leave the report
    out; anything else that is not UTF-8 is replaced.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._begun = b""  # the beginning of an introducer at the end of the last read
        self._owed = 0  # bytes of a report that are still to come

    def feed(self, data: bytes) -> str:
        """Return the text that `data` completes."""
        parts: list[str] = []
        while data:
            if self._owed:
                # The three bytes of an X10 report are numbers, not text: as UTF-8 a click beyond column 95
                # would break the decoder.
                payload, data = data[: self._owed], data[self._owed :]
                self._owed -= len(payload)
                parts.append(payload.translate(_NO_CONTROLS).decode("latin-1"))
                continue
            text, data = self._up_to_report(data)
            parts.append(text)
        return "".join(parts)

    def _up_to_report(self, data: bytes) -> tuple[str, bytes]:
        """Decode `data` up to the end of the next introducer; return the rest as well."""
        window = self._begun + data
        start = window.find(_X10)
        if start < 0:
            self._begun = next((_X10[:n] for n in (2, 1) if window.endswith(_X10[:n])), b"")
            return self._decode(data), b""
        end = start + len(_X10) - len(self._begun)
        self._begun, self._owed = b"", _X10_BYTES
        return self._decode(data[:end]), data[end:]


@runtime_checkable
class HoldsMouse(Protocol):
    """A driver that can give the mouse back to the terminal."""

    def toggle_mouse(self) -> bool:
        """Release the mouse or take it back; return whether it is released now."""


def driver_class() -> type[Driver]:
    if sys.platform == "win32":
        from textual.drivers.windows_driver import WindowsDriver

        return WindowsDriver
    return SturdyDriver


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _READ)
    except OSError:
        return b""


if sys.platform != "win32":
    import termios
    import tty

    from textual._xterm_parser import XTermParser
    from textual.drivers.linux_driver import LinuxDriver
    from textual.events import Key
    from textual.keys import Keys

    class SturdyParser(XTermParser):
        """Textual's parser; a key with an impossible number is no key."""

        def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[Key]:  # noqa: FBT001
            try:
                return list(super()._sequence_to_key_events(sequence, alt))
            except (ValueError, OverflowError):
                # An exception in this thread would end the reading, and with it every key.
                return [Key(Keys.Ignore, None)]

    class SturdyDriver(LinuxDriver):
        """Textual's driver for Linux and macOS with another reader."""

        _gone = False
        _entered = False  # the full screen is there
        _released = False  # the terminal has the mouse
        _resting = False  # it was left for a while, and the terminal is another program's

        def run_input_thread(self) -> None:
            """Read until the application stops or the terminal is gone."""
            decoder, parser = InputDecoder(), SturdyParser(debug=False)
            with selectors.SelectSelector() as selector:
                selector.register(self.fileno, selectors.EVENT_READ)
                while not self.exit_event.is_set():
                    # Not for ever: only the time that passes shows that an Escape was a key, and not the
                    # beginning of a sequence.
                    if selector.select(0.1):
                        data = _read(self.fileno)
                        # The terminal is gone. Textual would read the end of the file again and again, at
                        # full speed.
                        if not data:
                            self._hung_up()
                            return
                        if text := decoder.feed(data):
                            self._hand_on(parser.feed(text))
                    self._hand_on(parser.tick())

        def stop_application_mode(self) -> None:
            """Leave the terminal as it was; Textual forgets that it asked for the mouse in pixels."""
            self._entered = False
            # A terminal that still reports pixels makes the next program jump at each movement of the mouse.
            if self._mouse_pixels:
                self.write("\x1b[?1016l")
                self._mouse_pixels = False
            super().stop_application_mode()

        def suspend_application_mode(self) -> None:
            """Leave the full screen for a while, unless it is left already."""
            if not self._resting:
                super().suspend_application_mode()
                self._resting = True

        def resume_application_mode(self) -> None:
            """Come back to the full screen; from the background only the next SIGCONT does."""
            super().resume_application_mode()
            self._resting = not self._entered

        def start_application_mode(self) -> None:
            """Enter the full screen; where the terminal is another job's, Textual gives up without a word."""
            before = self._writer_thread
            super().start_application_mode()  # type: ignore[no-untyped-call]
            self._entered = self._entered or self._writer_thread is not before
            # In the loop: a signal during the handler of the one before would hand its newer size on first.
            resized = signal.getsignal(signal.SIGWINCH)
            if callable(resized):

                def later(number: int, frame: FrameType | None) -> None:
                    self._loop.call_soon_threadsafe(resized, number, frame)

                signal.signal(signal.SIGWINCH, later)

        def _sigtstp_application(self, *_: object) -> None:
            """Leave the full screen in the event loop, then stop.

            A signal may interrupt a write that holds the queue to the terminal; leaving writes there, too: it
            would wait for ever. Lent to another program, the terminal is left already; the loop may stand.
            """
            if self._auto_restart:
                self._loop.call_soon_threadsafe(super()._sigtstp_application)
            else:
                super()._sigtstp_application()

        def _sigcont_application(self, *_: object) -> None:
            """Come back where the full screen was left; else only take the terminal back."""
            # Textual turns it off while the app itself lends the terminal to another program.
            if not self._auto_restart:
                return
            if self._resting:
                self.resume_application_mode()
            else:
                self._loop.call_soon_threadsafe(self._take_back)

        def toggle_mouse(self) -> bool:
            """Release the mouse or take it back; return whether it is released now."""
            self._released = not self._released
            (self._disable_mouse_support if self._released else self._enable_mouse_support)()
            return self._released

        def _take_back(self) -> None:
            """Set what a shell may have changed since a SIGSTOP, which gives no time to leave; draw again.

            What is to be restored at the end stays what it was. The alternate screen and the keyboard
            protocol stay: a shell does not touch them, and to ask again would pile them up.
            """
            if not self._entered or self._gone:
                return
            with suppress(termios.error):
                # Read and patched, not restored: the shell may have changed what is its own.
                raw = termios.tcgetattr(self.fileno)
                raw[tty.LFLAG] = self._patch_lflag(raw[tty.LFLAG])
                raw[tty.IFLAG] = self._patch_iflag(raw[tty.IFLAG])
                # A read returns at the first byte.
                raw[tty.CC][termios.VMIN] = 1
                termios.tcsetattr(self.fileno, termios.TCSANOW, raw)
            # Hide the cursor; report when the window gets or loses the focus.
            self.write("\x1b[?25l\x1b[?1004h")
            if not self._released:
                self._enable_mouse_support()
            self._enable_bracketed_paste()
            self._disable_line_wrap()
            self._app.refresh(layout=True)

        def write(self, data: str) -> None:
            """Write to the terminal; to one that is gone, nothing: Textual would wait for it for ever."""
            if not self._gone:
                super().write(data)

        def _hung_up(self) -> None:
            # First: whatever else happens now may want to write.
            self._gone = True
            end_at_last(_HUNG_UP)
            self._app.call_later(self._app.exit, None, _HUNG_UP)

        def _hand_on(self, messages: Iterable[Message]) -> None:
            for message in messages:
                self.process_message(message)
