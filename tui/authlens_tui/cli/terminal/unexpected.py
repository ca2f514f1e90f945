"""The report when authlens itself fails: the type of the error and where, no value and no message.

A traceback shows lines of data in its message, and tokens may be among them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from authlens_tui.cli.terminal.output import say
from authlens_tui.terminal.crash import own_frames

if TYPE_CHECKING:
    import asyncio

FAILED: Final = 1


def say_unexpected(error: BaseException) -> None:
    """Tell the user that authlens failed, and where to report it."""
    say(f"✖ authlens stopped because of a bug ({type(error).__name__}).")
    for frame in own_frames(error.__traceback__):
        say(f"    at {frame}")
    say("  → Please report the lines above; they contain no secrets.")


def silence_tracebacks() -> None:
    """Suppress every traceback of the interpreter, from any thread or destructor."""
    import threading

    sys.excepthook = lambda _kind, error, _trace: say_unexpected(error)
    threading.excepthook = _say_nothing
    sys.unraisablehook = _say_nothing


def report_lost_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Show the kind and the place of an error that no one awaits, instead of asyncio's own traceback."""
    loop.set_exception_handler(_lost)


def _say_nothing(_lost: object) -> None:
    """Ignore an error that nothing can act on any more."""


def _lost(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if isinstance(error, Exception):
        where = " ".join(own_frames(error.__traceback__)[-1:]) or "asyncio"
        say(f"! an internal error of authlens was ignored ({type(error).__name__}, {where})")
