"""What a user sees when authlens itself fails: where, never what.

Textual prints the local variables of every frame, and a token held in one of them would be on the terminal
and in its scroll-back. Here only the kind of error, the stage, the places in our own code and an identifier
are shown. This touches private names of Textual; `tests/tui/test_crash.py` notices if they change.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from rich.text import Text
from textual.worker import WorkerFailed

from authlens_core.values.store_kind import StoreKind
from authlens_tui.terminal.own_frames import own_frames

if TYPE_CHECKING:
    import asyncio

    from textual.app import App

    _Base = App[int]
else:
    _Base = object


class QuietCrash(_Base):
    """The part of the app that handles an error no one expected. List it before `App` among the bases."""

    stage_name: str = ""
    """The stage that is running, for the report; set by the wizard."""

    secrets_place: StoreKind | None = None
    """Where this program keeps secrets, for the report; None where it keeps none."""

    _failed_with: BaseException | None = None

    def _handle_exception(self, error: Exception) -> None:
        self._failed_with = error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        # Textual's own prints a traceback with the values of local variables.
        report = crash_report(self._failed_with, self.stage_name, self.secrets_place)
        self._exit_renderables.append(Text(report))
        self._close_messages_no_wait()


def crash_report(error: BaseException | None, stage: str = "", place: StoreKind | None = None) -> str:
    """Return what is shown about `error`: no value, no message, no local variable."""
    # Textual wraps an error for each worker that waited for another one.
    while isinstance(error, WorkerFailed):
        error = error.error
    kind = type(error).__name__ if error is not None else "unknown"
    where = f" in the stage {stage}" if stage else ""
    lines = [
        f"authlens stopped{where} because of a bug ({kind}).",
        *(f"  at {frame}" for frame in own_frames(None if error is None else error.__traceback__)),
        f"  report {secrets.token_hex(4)}",
        f"{_kept(place)}Please report the lines above; they contain no secrets.",
    ]
    return "\n".join(lines)


def _kept(place: StoreKind | None) -> str:
    if place is None:
        return ""
    if place is StoreKind.MEMORY:
        return "Tokens were in memory only: they are lost here, but valid at the server until they expire. "
    return f"What was stored so far is safe in {place.words}. "


def hush_lost_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Keep errors of forgotten tasks off the terminal: their text may hold data."""
    loop.set_exception_handler(lambda _loop, _context: None)
