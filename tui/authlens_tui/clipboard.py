"""Copying, and saying where the text went.

On the person's own machine the clipboard program of the system takes it. Over SSH, or without a display, that
program would fill the wrong clipboard or none, so the terminal is asked (OSC 52). It never answers, hence the
careful words.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from authlens_core.callback.ssh_forward import is_ssh

__all__ = ["Copied", "CopyWay", "copy_text", "osc52"]

_LIMIT_SECONDS: Final = 2.0
_OSC52_MAX: Final = 100_000  # base64 digits; several terminals silently drop longer ones
_SCREEN_PIECE: Final = 240  # GNU screen takes device control strings of at most 256 bytes


class CopyWay(StrEnum):
    """Which way a text took."""

    SYSTEM = "system"
    TERMINAL = "terminal"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of a copy: the way it took, how many characters, and a sentence for the person."""

    way: CopyWay
    characters: int
    sentence: str


async def copy_text(
    text: str,
    environ: Mapping[str, str],
    write: Callable[[str], None],
    to_system: Callable[[str], None] | None = None,
) -> Copied:
    """Copy `text` and tell which clipboard has it.

    Args:
        text: what to copy; never appears in the result.
        environ: tells SSH, the display, tmux and screen.
        write: writes to the terminal.
        to_system: fills the system's clipboard and may block or raise; by default pyperclip's `copy`.
    """
    count = len(text)
    if _has_own_clipboard(environ) and await _in_time(to_system or _pyperclip, text):
        return Copied(CopyWay.SYSTEM, count, f"Copied {count} characters to the clipboard of this machine.")
    sequence = osc52(text, environ)
    if sequence is None:
        return Copied(
            CopyWay.NONE, 0, f"Not copied: {count} characters are too many for a terminal. Save them instead."
        )
    write(sequence)
    return Copied(
        CopyWay.TERMINAL,
        count,
        f"Sent {count} characters to your terminal (OSC 52). "
        "If there is nothing to paste, your terminal does not allow it.",
    )


def osc52(text: str, environ: Mapping[str, str]) -> str | None:
    """Return the sequence that asks the terminal to copy, wrapped for tmux or screen; None when too long."""
    digits = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    if len(digits) > _OSC52_MAX:
        return None
    plain = f"\x1b]52;c;{digits}\x07"
    if environ.get("TMUX"):
        # tmux takes the first with `set-clipboard on`, and hands on the second with `allow-passthrough on`.
        return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environ.get("STY"):
        pieces = (plain[i : i + _SCREEN_PIECE] for i in range(0, len(plain), _SCREEN_PIECE))
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return plain


def _has_own_clipboard(environ: Mapping[str, str]) -> bool:
    if is_ssh(environ):
        return False
    return sys.platform in ("darwin", "win32") or any(environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))


def _pyperclip(text: str) -> None:
    import pyperclip

    pyperclip.copy(text)


async def _in_time(action: Callable[[str], None], text: str) -> bool:
    """Run `action` in a thread of its own, which cannot hold up the exit, and wait two seconds at most."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bool] = loop.create_future()

    def settle(worked: bool) -> None:  # noqa: FBT001 - called by the loop with the outcome alone
        if not done.done():
            done.set_result(worked)

    def work() -> None:
        try:
            action(text)
        except Exception:  # whatever a clipboard program does, the terminal is the other way
            worked = False
        else:
            worked = True
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, worked)

    threading.Thread(target=work, name="clipboard", daemon=True).start()
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            return await done
    except TimeoutError:
        return False
