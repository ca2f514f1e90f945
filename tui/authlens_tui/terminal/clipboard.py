"""Copying, and saying where the text went.

On the user's own machine the clipboard program of the system takes it. Over SSH, or without a display, that
program would fill the wrong clipboard or none, so the terminal is asked (OSC 52). It never answers, hence the
careful words.

pyperclip fills the clipboard of the system in a process of its own: it lets the program that it runs
(`xclip`, `wl-copy`, `pbcopy`) write on our terminal, over the screen, and does not look at its exit code, so
one that failed counts as one that copied. The child, which is this module run with `python -P -m`, has its
input, output and errors elsewhere and looks at the codes itself.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Any, Final, NamedTuple

from authlens_core.values.secret import for_children
from authlens_core.values.user_screen import UserScreen

_LIMIT_SECONDS: Final = 2.0  # for a clipboard program
_SYSTEM_SECONDS: Final = 1.8  # less, so that what hangs is ended before the terminal is asked in its place
_OSC52_MAX: Final = 100_000  # base64 digits; several terminals silently drop longer ones
_SCREEN_PIECE: Final = 240  # GNU screen takes device control strings of at most 256 bytes
# Ways of pyperclip that are not taken: one puts the text on a command line, which other users can read; what
# the other copied would be gone with the child.
_UNFIT: Final = frozenset({"copy_klipper", "copy_qt"})
_COMMAND: Final = (sys.executable, "-P", "-m", "authlens_tui.terminal.clipboard")


class CopyWay(StrEnum):
    """The way a text was copied."""

    SYSTEM = "system"
    TERMINAL = "terminal"
    TMUX = "tmux"
    NONE = "none"


class Copied(NamedTuple):
    """The result of a copy: the way it took, and a sentence for the user."""

    way: CopyWay
    sentence: str


async def copy_text(text: str, environ: Mapping[str, str], write: Callable[[str], None]) -> Copied:
    """Copy `text` and return which clipboard has it.

    Inside tmux or screen the user may sit elsewhere than the session began, so both are asked there: the
    clipboard of this machine, if it has one of its own, and the terminal.

    Args:
        text: what to copy; never appears in the result.
        write: writes to the terminal.
    """
    count = len(text)
    # Over SSH the clipboard of this machine is not the one you paste from: only the terminal is asked there.
    has_clipboard = _has_own_clipboard(environ)
    in_system = has_clipboard and await _in_time(partial(fill, environ, _SYSTEM_SECONDS), text)
    here = f"Copied {count} characters to the clipboard of this machine"
    # In tmux or screen the terminal may be another machine's: it is asked as well, below.
    if in_system and not (environ.get("TMUX") or environ.get("STY")):
        return Copied(CopyWay.SYSTEM, f"{here}.")
    if environ.get("TMUX") and await _in_time(partial(_load_tmux_buffer, environ), text):
        plain = _sequence(text)
        if plain is not None:
            write(_through_tmux(plain))
        where = f"{here} and to tmux" if in_system else f"Copied {count} characters to tmux"
        onward = "which sends them to your terminal (OSC 52). If that does not allow it, paste inside tmux."
        return Copied(CopyWay.TMUX, f"{where}, {onward}")
    sequence = osc52(text, environ)
    if sequence is not None:
        write(sequence)
    if in_system:
        return Copied(CopyWay.SYSTEM, f"{here}.")
    failed = "The clipboard of this machine could not be used. " if has_clipboard else ""
    if sequence is None:
        sentence = (
            f"{failed}Not copied: {count} characters are too many for a terminal. Save them to a file "
            "instead."
        )
        return Copied(CopyWay.NONE, sentence)
    sentence = (
        f"{failed}Sent {count} characters to your terminal (OSC 52). "
        "If there is nothing to paste, your terminal does not allow it."
    )
    return Copied(CopyWay.TERMINAL, sentence)


def osc52(text: str, environ: Mapping[str, str]) -> str | None:
    """Return the sequence that asks the terminal to copy, wrapped for tmux or screen; None when too long."""
    plain = _sequence(text)
    if plain is None:
        return None
    if environ.get("TMUX"):
        # tmux takes the first with `set-clipboard on`, and hands on the second with `allow-passthrough on`.
        return f"{plain}{_through_tmux(plain)}"
    if environ.get("STY"):
        pieces = (plain[i : i + _SCREEN_PIECE] for i in range(0, len(plain), _SCREEN_PIECE))
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return plain


def _sequence(text: str) -> str | None:
    digits = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    return None if len(digits) > _OSC52_MAX else f"\x1b]52;c;{digits}\x07"


def _through_tmux(sequence: str) -> str:
    # The passthrough sequence of tmux(1); each escape in it is doubled.
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"


def _load_tmux_buffer(environ: Mapping[str, str], text: str) -> None:
    """Fill tmux's newest buffer and its clients' clipboards.

    With tmux's own settings (`set-clipboard external`, no passthrough) a program's OSC 52 is dropped, and
    this is the one way (tmux 3.2 and later).
    """
    program = shutil.which("tmux", path=environ.get("PATH"))
    if program is None:
        raise FileNotFoundError
    subprocess.run(
        # -w: to the clipboards of the clients as well. On stdin, because what is copied may be a token.
        [program, "load-buffer", "-w", "-"],
        input=text.encode("utf-8", "replace"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(environ),
        timeout=_LIMIT_SECONDS,
        check=True,
    )


def _has_own_clipboard(environ: Mapping[str, str]) -> bool:
    if UserScreen(environ).over_ssh:
        return False
    return sys.platform in ("darwin", "win32") or any(environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))


async def _in_time(action: Callable[[str], None], text: str) -> bool:
    """Run `action` in a thread of its own, which cannot hold up the exit, and wait two seconds at most."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[bool] = loop.create_future()

    def settle(worked: bool) -> None:  # noqa: FBT001 - called by the loop with the outcome alone
        # The time was up while the clipboard still worked; its late answer has no one waiting.
        if not outcome.done():
            outcome.set_result(worked)

    def work() -> None:
        try:
            action(text)
        except Exception:  # whatever a clipboard program does, the terminal is the other way
            worked = False
        else:
            worked = True
        # The program may have ended while the clipboard still hung.
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, worked)

    # Not the pool of `to_thread`: the interpreter waits for its threads at the end, however long one hangs.
    threading.Thread(target=work, name="clipboard", daemon=True).start()
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            return await outcome
    except TimeoutError:
        return False


class NotCopied(Exception):
    """The clipboard does not have the text: there is no program for it, or it failed, or it hung."""


def fill(environ: Mapping[str, str], limit: float, text: str) -> None:
    """Put `text` into the clipboard of this machine; blocks until it is there.

    The child leads a session of its own: a terminal that closes does not take the clipboard with it, which on
    X11 and Wayland lives in a program that stays behind.

    Args:
        limit: seconds until what hangs is ended, so that it cannot fill the clipboard later.

    Raises:
        NotCopied: it is not there.
    """
    child = subprocess.Popen(
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=for_children(environ),
        # A session of its own, so that the child and what it started can be ended together.
        start_new_session=True,
    )
    try:
        child.communicate(text.encode("utf-8", "replace"), timeout=limit)
    except subprocess.TimeoutExpired:
        _end(child)
        raise NotCopied from None
    if child.returncode:
        raise NotCopied


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and the program that it waits for."""
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _main() -> int:
    import pyperclip

    started: list[subprocess.Popen[Any]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    # Looked at before it is called: which program it would be decides whether the text may be given to it.
    copy, _ = pyperclip.determine_clipboard()
    if getattr(copy, "__name__", "") in _UNFIT:
        return 1
    # pyperclip looks at no exit code; its programs are noted here, so that `_main` can.
    subprocess.Popen = Noted  # type: ignore[misc]
    copy(sys.stdin.buffer.read().decode("utf-8"))
    return 1 if any(program.returncode for program in started) else 0


if __name__ == "__main__":
    sys.exit(_main())
