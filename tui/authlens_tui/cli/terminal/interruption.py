"""End cleanly on a signal: free ports, restore the terminal, return 128 + the signal.

The first signal cancels the work, whose own cleaning up runs to its end; a second one does not wait for it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any

from authlens_tui.cli.terminal.output import AnswerLost, discard, say
from authlens_tui.cli.terminal.unexpected import report_lost_errors
from authlens_tui.terminal import quiet_terminal
from authlens_tui.terminal.signals import ENDING

_LONG = 5.0  # seconds after which a verb may go on for hours
_NEW_OBJECTS = 2_000
# The signals that came since `run_until_signal` began; there is one such work in a process.
_signals: list[int] = []


def exit_on_signals() -> None:
    """Make the signals end the process by `SystemExit`: `finally` runs even before there is a loop."""
    for number in _handled_signals():
        if number != signal.SIGINT:  # Python's own KeyboardInterrupt serves
            signal.signal(number, _exit)


def run_until_signal(work: Coroutine[Any, Any, int]) -> int:
    """Run `work` in an event loop; return its exit code, or 128 + the number of the signal that ended it."""
    exit_on_signals()
    return asyncio.run(_guarded(work))


def ended_by() -> int:
    """Return the exit code of the signal that ends the work, for its cleanup; 0 if none came."""
    return 128 + _signals[0] if _signals else 0


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _handled_signals() -> list[signal.Signals]:
    """Return the signals to handle; one that is ignored from the start (nohup, `&` in a script) stays so."""
    return [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]


def _collect_garbage() -> None:
    """Turn the garbage collector on, except for what is loaded; a short verb does not need it."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


async def _guarded(work: Coroutine[Any, Any, int]) -> int:
    loop = asyncio.get_running_loop()
    report_lost_errors(loop)
    task = loop.create_task(work)
    _signals.clear()

    def stop(number: int) -> None:
        _signals.append(number)
        # The second one is from someone who no longer wants to wait, so nothing is cleaned up but the
        # terminal.
        if len(_signals) > 1:
            quiet_terminal.restore()
            os._exit(128 + number)
        # The first signal: what the work cleans up (ports, the terminal, a token that is being stored) runs
        # to its end.
        task.cancel()

    loop.call_later(_LONG, _collect_garbage)
    for number in _handled_signals():
        # Windows has no signal handlers of a loop, and only the main thread may set them.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except (BrokenPipeError, AnswerLost):
        if not _signals:
            raise
        discard(sys.stdout)  # the reader was ended by the same signal
        return ended_by()
    except asyncio.CancelledError:
        if not _signals:
            raise
        say("Stopped.")
        return ended_by()
