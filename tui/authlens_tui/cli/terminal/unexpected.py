"""What is shown when authlens itself fails: the kind of error and where, no value and no message.

A traceback shows lines of data in its message, and tokens may be among them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from authlens_tui.cli.terminal.output import say

if TYPE_CHECKING:
    import asyncio

FAILED: Final = 1
_PLACES: Final = 4
_PACKAGES: Final = ("authlens_tui", "authlens_core")


def say_unexpected(error: BaseException) -> None:
    """Show the user that it was our mistake, and where to report."""
    say(f"✖ authlens stopped because of a bug ({type(error).__name__}).")
    for place in _places(error.__traceback__):
        say(f"    at {place}")
    say("  → Please report the lines above; they contain no secrets.")


def silence_tracebacks() -> None:
    """Let no traceback of the interpreter through, whichever thread or destructor it would come from."""
    import threading

    sys.excepthook = lambda _kind, error, _trace: say_unexpected(error)
    threading.excepthook = _say_nothing
    sys.unraisablehook = _say_nothing


def hear_lost_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Tell the kind and the place of an error that no one awaits, instead of asyncio's own traceback."""
    loop.set_exception_handler(_lost)


def _say_nothing(_lost: object) -> None:
    """Take what no one can act on any more."""


def _lost(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if isinstance(error, Exception):
        where = " ".join(_places(error.__traceback__)[-1:]) or "asyncio"
        say(f"! an internal error of authlens was ignored ({type(error).__name__}, {where})")


def _places(trace: TracebackType | None) -> list[str]:
    """Return the last frames in our own packages as `package/module.py:line`."""
    found = []
    for frame in extract_tb(trace):
        parts = Path(frame.filename).parts
        package = next((name for name in _PACKAGES if name in parts), None)
        if package is not None:
            inside = parts[len(parts) - 1 - parts[::-1].index(package) :]
            found.append(f"{'/'.join(inside)}:{frame.lineno}")
    return found[-_PLACES:]
