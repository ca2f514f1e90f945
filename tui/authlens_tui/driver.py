"""The terminal driver: Textual's own, with a reader that no byte sequence from the terminal can stop.

A terminal that was rebuilt (tmux attach, an SSH reconnect) may report the mouse in the legacy X10 form, whose
bytes are not UTF-8; Textual 8.2.8 ends with a UnicodeDecodeError on them. A terminal that went away makes it
read nothing for ever. Both are handled here, and nowhere else.
"""

from __future__ import annotations

import codecs
import os
import selectors
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from textual.driver import Driver

__all__ = ["InputDecoder", "driver_class"]

_X10: Final = b"\x1b[M"
_X10_LENGTH: Final = 6  # the introducer, a button, a column, a row
_READ: Final = 4096
_HUNG_UP: Final = 129


class InputDecoder:
    """Turns the bytes of a terminal into text: legacy mouse reports are left out, bad UTF-8 is replaced."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._pending = b""

    def feed(self, data: bytes, *, final: bool = False) -> str:
        """Return the text that `data` completes. A report cut in two by a read is waited for."""
        data = self._pending + data
        self._pending = b""
        kept: list[bytes] = []
        while (start := data.find(_X10)) >= 0:
            kept.append(data[:start])
            if len(data) < start + _X10_LENGTH and not final:
                self._pending, data = data[start:], b""
                break
            data = data[start + _X10_LENGTH :]
        kept.append(data)
        return self._decode(b"".join(kept), final)


def driver_class() -> type[Driver]:
    """Return the driver for this operating system."""
    if sys.platform == "win32":
        from textual.drivers.windows_driver import WindowsDriver

        return WindowsDriver
    return _sturdy_driver()


def _sturdy_driver() -> type[Driver]:
    """Make the driver class; the module it builds on cannot be imported on Windows."""
    from textual._xterm_parser import XTermParser
    from textual.drivers.linux_driver import LinuxDriver

    class SturdyDriver(LinuxDriver):
        """Textual's driver for Linux and macOS with another reader."""

        def run_input_thread(self) -> None:
            """Read until the application stops or the terminal is gone."""
            decoder, parser = InputDecoder(), XTermParser(debug=False)
            with selectors.SelectSelector() as selector:
                selector.register(self.fileno, selectors.EVENT_READ)
                while not self.exit_event.is_set():
                    if selector.select(0.1):
                        data = _read(self.fileno)
                        if not data:
                            self._app.call_later(self._app.exit, None, _HUNG_UP)
                            return
                        parser = self._dispatch(parser, decoder.feed(data))
                    parser = self._dispatch(parser, None)

        def _dispatch(self, parser: XTermParser, text: str | None) -> XTermParser:
            """Hand on what the parser makes of `text`; None lets time pass for a sequence that waits."""
            if text == "":
                return parser
            try:
                for message in parser.tick() if text is None else parser.feed(text):
                    self.process_message(message)
            except (ValueError, OverflowError, IndexError):
                # A sequence with an impossible number in it. What was read is dropped; reading goes on.
                return XTermParser(debug=False)
            return parser

    return SturdyDriver


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _READ)
    except OSError:
        return b""
