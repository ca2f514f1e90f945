"""Leaving in good order on a signal: the terminal restored, and an exit code that says why."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from textual.app import App

# The signals that end a process which does not know them (signal(7)), and that another process may send.
#
# They keep that meaning: the sender gets the end that was asked for, with the terminal as it was. The signals
# of a mistake (SIGSEGV, SIGABRT and their like) are left alone. Not every system has all of these.
_NAMES: Final = (
    *("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"),
    *("SIGALRM", "SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGPWR", "SIGSTKFLT"),
)
ENDING: Final = tuple(signal.Signals[name] for name in _NAMES if hasattr(signal, name))
_PATIENCE: Final = 5.0  # seconds until a process whose terminal no longer takes anything is ended anyway


def leave_on_signals(app: App[Any]) -> None:
    """Make every signal of `ENDING` end `app` with exit code 128 + the signal's number.

    Call it from inside the running loop. Systems without such signals keep their own behaviour.
    """
    loop = asyncio.get_running_loop()
    for number in ENDING:
        # Windows has no such handlers, another thread may set none, and some signals cannot be handled.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, _leave, app, 128 + int(number))


def end_at_last(code: int) -> None:
    """End the process in five seconds if it has not ended.

    The app may be stuck writing to a terminal that hung up; what is kept on disk is whole at any moment.
    """
    last_resort = threading.Timer(_PATIENCE, os._exit, (code,))
    last_resort.daemon = True
    last_resort.start()


def _leave(app: App[Any], code: int) -> None:
    # First: leaving waits for the terminal, which may be what no longer answers.
    end_at_last(code)
    app.exit(return_code=code)
