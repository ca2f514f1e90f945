"""A real terminal for a program: a pty whose output a terminal emulator (pyte) draws, and tmux."""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pyte

from support.needs import program
from support.preloaded import Forked, Preloaded
from support.waiting import PATIENCE

POLL_SECONDS: Final = 0.02
STOP_SECONDS: Final = 30.0
TMUX_STEP_SECONDS: Final = 0.1

TAKE_TERMINAL: Final = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Makes the pty the controlling terminal, so that Ctrl-C and SIGWINCH reach the program, and becomes it."""

KEYS: Final[Mapping[str, bytes]] = {
    "enter": b"\r",
    "escape": b"\x1b",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "backspace": b"\x7f",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "ctrl+c": b"\x03",
    "ctrl+d": b"\x04",
    "ctrl+q": b"\x11",
    "ctrl+z": b"\x1a",
}
"""What a terminal sends for the keys that are not a letter."""


UNKNOWN_TO_PYTE: Final = re.compile(rb"\x1b\[[<>=][0-9;:]*[A-Za-z]")
"""Control sequences with these marks (the keyboard protocol of kitty, among others) change nothing that is
seen, and pyte would draw their last letter."""

UNFINISHED: Final = re.compile(rb"\x1b(\[([<>=][0-9;:]*)?)?\Z")
"""The beginning of such a sequence at the end of what was read."""

LINK: Final = re.compile(rb"\x1b\]8;[^;\x1b\x07]*;([^\x1b\x07]+)(?:\x1b\\|\x07)")
"""A hyperlink (OSC 8), with its address."""


class NotShown(AssertionError):
    """The screen did not come to show what was waited for; the message carries the screen."""


class Terminal:
    """A program on a pty of its own; made by `terminal()`.

    Attributes:
        raw: every byte that the program wrote, in order.
        process: the program.
    """

    def __init__(
        self, process: subprocess.Popen[bytes] | Forked, master: int, columns: int, rows: int
    ) -> None:
        """Take the pty's own end; only `terminal()` makes terminals."""
        self.process = process
        self.raw = bytearray()
        self._master = master
        self._unfinished = b""
        # Asked for many times a second, and long to make.
        self._text: str | None = None
        self._links: tuple[int, list[str]] = (0, [])
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        # pyte asks the program's questions of us; the answers go back as if typed.
        self._screen.write_process_input = self._answer  # type: ignore[method-assign]

    def lines(self) -> list[str]:
        return self.text().split("\n")

    def text(self) -> str:
        if self._text is None:
            self._text = "\n".join(line.rstrip() for line in self._screen.display)
        return self._text

    def links(self) -> list[str]:
        """Return the addresses of the hyperlinks (OSC 8) that were drawn, each once, in order."""
        length, links = self._links
        if length != len(self.raw):
            links = list(dict.fromkeys(address.decode() for address in LINK.findall(self.raw)))
            self._links = len(self.raw), links
        return links

    def send(self, text: str) -> None:
        os.write(self._master, text.encode())

    async def send_at_length(self, text: str) -> None:
        """Type a text that is longer than what a terminal holds until the program reads it."""
        data = text.encode()
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                await asyncio.sleep(0)

    def press(self, *keys: str) -> None:
        """Press keys one after another: names of `KEYS`, or single characters."""
        for key in keys:
            os.write(self._master, KEYS[key] if key in KEYS else key.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, as a person who drags the window's corner does."""
        _set_size(self._master, columns, rows)
        self._screen.resize(rows, columns)
        self._text = None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGWINCH)

    def write(self, data: bytes) -> None:
        """Send bytes as a terminal does that is no person: mouse reports, answers."""
        os.write(self._master, data)

    def collects_lines(self) -> bool:
        """Tell whether the terminal is as a shell wants it: it echoes, and hands over whole lines."""
        wanted = termios.ECHO | termios.ICANON | termios.ISIG
        return bool(termios.tcgetattr(self._master)[3] & wanted == wanted)

    def settings(self) -> list[object]:
        return termios.tcgetattr(self._master)

    def cook(self) -> None:
        """Make the terminal echo and collect lines, as a shell does when a job has stopped."""
        settings = termios.tcgetattr(self._master)
        settings[0] |= termios.ICRNL | termios.IXON
        settings[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
        termios.tcsetattr(self._master, termios.TCSANOW, settings)

    def hang_up(self) -> None:
        """Go away, as a terminal whose window is closed: the program gets SIGHUP, then nothing."""
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        self._master = -1

    async def wait_for(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until the screen shows a text.

        Raises:
            NotShown: when it does not in time, or the program ended before it did.
        """
        await self.wait_until(lambda: text in self.text(), f"{text!r}", seconds)

    async def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Wait until a condition holds; `what` names it in the failure.

        Raises:
            NotShown: when it does not in time, or the program ended before it did.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not condition():
            ended = self.process.poll() is not None
            if ended and not self._drain() and not condition():
                raise NotShown(
                    f"the program ended ({self.process.returncode}) without {what}:\n{self.text()}"
                )
            if loop.time() > deadline:
                raise NotShown(f"no {what} after {seconds:g} s:\n{self.text()}")
            await asyncio.sleep(POLL_SECONDS)

    async def wait_for_exit(self, seconds: float = PATIENCE) -> int:
        """Wait until the program has ended; return its exit code.

        Raises:
            NotShown: when it is still running.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (code := self.process.poll()) is None:
            if loop.time() > deadline:
                raise NotShown(f"still running after {seconds:g} s:\n{self.text()}")
            await asyncio.sleep(POLL_SECONDS)
        while self._drain():
            pass
        return code

    def _drain(self) -> bool:
        """Take what the program wrote; return whether there was anything."""
        if self._master < 0:
            return False
        try:
            data = os.read(self._master, 65_536)
        except BlockingIOError:
            return False
        except OSError:  # the other end is closed: Linux says EIO
            asyncio.get_running_loop().remove_reader(self._master)
            return False
        self.raw += data
        self._draw(data)
        return bool(data)

    def _draw(self, data: bytes) -> None:
        pending = UNKNOWN_TO_PYTE.sub(b"", self._unfinished + data)
        cut = UNFINISHED.search(pending)
        whole = pending[: cut.start()] if cut else pending
        self._unfinished = pending[len(whole) :]
        self._stream.feed(whole)
        self._text = None

    def _answer(self, data: str) -> None:
        with contextlib.suppress(OSError):
            os.write(self._master, data.encode())


@asynccontextmanager
async def terminal(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    columns: int = 120,
    rows: int = 40,
    cwd: Path | None = None,
    forked_from: Preloaded | None = None,
) -> AsyncIterator[Terminal]:
    """Run a program in a terminal; it is killed at the end if it still runs.

    With `forked_from`, the program is `authlens` and the command its arguments.
    """
    master, slave = pty.openpty()
    _set_size(master, columns, rows)
    os.set_blocking(master, False)
    environment = dict(os.environ if env is None else env)
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
    environment.setdefault("AUTHLENS_REDUCED_MOTION", "1")  # else the demo plays a login first
    for name in ("COLUMNS", "LINES"):  # they would hide a resize
        environment.pop(name, None)
    loop = asyncio.get_running_loop()
    process: subprocess.Popen[bytes] | Forked
    if forked_from is not None:
        process = forked_from.start(command, environment, stdin=slave, stdout=slave, stderr=slave)
    else:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", TAKE_TERMINAL, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=cwd,
            start_new_session=True,
        )
    os.close(slave)
    shown = Terminal(process, master, columns, rows)
    loop.add_reader(master, shown._drain)
    try:
        yield shown
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_SECONDS)
        if shown._master >= 0:
            loop.remove_reader(master)
            os.close(master)


def _set_size(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Tmux:
    """A program inside tmux, which is what stands between many people and their server; made by `tmux()`."""

    def __init__(self, binary: str, socket: Path) -> None:
        """Take the server's socket; only `tmux()` makes these."""
        self._command = [binary, "-S", str(socket)]

    async def run(self, *arguments: str) -> str:
        """Run one tmux command and return what it prints."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await asyncio.wait_for(process.communicate(), STOP_SECONDS)
        if process.returncode:
            raise NotShown(f"tmux {arguments[0]}: {errors.decode(errors='replace').strip()}")
        return out.decode(errors="replace")

    async def text(self) -> str:
        return await self.run("capture-pane", "-p")

    async def press(self, *keys: str) -> None:
        await self.run("send-keys", *keys)

    async def send(self, text: str) -> None:
        await self.run("send-keys", "-l", text)

    async def wait_for_copied(self, wanted: Callable[[str], bool], seconds: float = PATIENCE) -> str:
        """Wait until tmux's newest paste buffer, where an OSC 52 copy lands, is what is wanted; return it.

        Raises:
            NotShown: when it does not come in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (held := await self._newest_buffer()) is None or not wanted(held):
            if loop.time() > deadline:
                raise NotShown(f"not copied after {seconds:g} s; tmux holds {held!r}")
            await asyncio.sleep(TMUX_STEP_SECONDS)
        return held

    async def _newest_buffer(self) -> str | None:
        """Return the newest paste buffer; None before there is one, which tmux reports as an error."""
        if not await self.run("list-buffers"):
            return None
        return await self.run("show-buffer")

    async def wait_for(self, text: str, seconds: float = PATIENCE) -> str:
        """Wait until the screen shows a text; return the screen.

        Raises:
            NotShown: when it does not in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while text not in (seen := await self.text()):
            if loop.time() > deadline:
                raise NotShown(f"no {text!r} after {seconds:g} s:\n{seen}")
            await asyncio.sleep(TMUX_STEP_SECONDS)
        return seen


@asynccontextmanager
async def tmux(
    command: Sequence[str],
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    columns: int = 120,
    rows: int = 40,
) -> AsyncIterator[Tmux]:
    """Run a program in a tmux server of its own, whose socket lies in `folder`; both are gone at the end."""
    binary = program("tmux")
    # A socket's path holds 107 bytes at most: a name of one letter leaves the most to the folder.
    session = Tmux(binary, folder / "t")
    environment = dict(os.environ if env is None else env) | {"LC_ALL": "C.UTF-8"}
    environment.setdefault("AUTHLENS_REDUCED_MOTION", "1")  # as in `terminal`
    environment.pop("TMUX", None)
    started = subprocess.run(
        [
            *(binary, "-S", str(folder / "t"), "-f", "/dev/null"),
            *("new-session", "-d", "-x", str(columns), "-y", str(rows), shlex.join(command), ";"),
            *("set-option", "-g", "set-clipboard", "on", ";", "set-option", "-g", "remain-on-exit", "on"),
        ],
        env=environment,
        capture_output=True,
        timeout=STOP_SECONDS,
    )
    if started.returncode:
        raise NotShown(f"tmux did not start: {started.stderr.decode(errors='replace')}")
    try:
        yield session
    finally:
        with contextlib.suppress(NotShown):
            await session.run("kill-server")


def callback_port(link: str) -> int:
    """Return the callback port that a link names."""
    return urlsplit(parse_qs(urlsplit(link).query)["redirect_uri"][0]).port or 0


async def begin_demo(screen: Terminal) -> None:
    """Begin the normal login of the demo's menu."""
    await screen.wait_for("A normal login")
    screen.press("enter")
    await screen.wait_for("╭─ A normal login")
    screen.press("a")
    await screen.wait_for("Next: ")


async def link_shown(screen: Terminal) -> str:
    """Wait for the link of a login on the full screen, and return it."""
    await screen.wait_until(lambda: any("response_type=" in link for link in screen.links()), "link")
    return next(link for link in screen.links() if "response_type=" in link)


def plain_link(screen: Terminal) -> str:
    return next(line for line in screen.raw.decode().splitlines() if "code_challenge=" in line)


_SEQUENCE: Final = re.compile(rb"\x1b\[\?([0-9;]+)([hl])|\x1b\[([<>])([0-9]*)(?:;[0-9]*)*u")
_AT_FIRST: Final = frozenset({"7", "25"})  # lines wrap (DECAWM) and there is a cursor (DECTCEM)
_PASSING: Final = frozenset({"2026"})  # held for the length of one drawing; the terminal lets go by itself
_NAMES: Final = {
    "7": "line wrap",
    "25": "cursor",
    "1000": "mouse",
    "1003": "every mouse movement",
    "1004": "focus events",
    "1006": "mouse (SGR)",
    "1015": "mouse (urxvt)",
    "1016": "mouse in pixels",
    "1049": "alternate screen",
    "2004": "bracketed paste",
    "2048": "resize reports",
}


def left_on(raw: bytes | bytearray) -> list[str]:
    """Return in words what is not as a shell expects it: private modes (DECSET) and the keyboard protocol.

    Empty means that the terminal is as it was before the program began.
    """
    modes, keyboard = set(_AT_FIRST), 0
    for found in _SEQUENCE.finditer(bytes(raw)):
        for number in (found[1] or b"").decode().split(";"):
            (modes.add if found[2] == b"h" else modes.discard)(number)
        if found[3] == b">":
            keyboard += 1
        elif found[3] == b"<":
            keyboard -= int(found[4] or 1)
    modes -= {""} | _PASSING
    changed = [
        f"{_NAMES.get(number, number)} {'on' if number in modes else 'off'}"
        for number in sorted(modes ^ _AT_FIRST, key=int)
    ]
    return [*changed, *([f"keyboard protocol {keyboard:+d}"] if keyboard else [])]
