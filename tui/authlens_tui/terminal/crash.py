"""What a user sees when authlens itself fails: where, never what.

Textual prints the local variables of every frame, and a token held in one of them would be on the terminal
and in its scroll-back. Here only the kind of error, the stage, the places in our own code and an identifier
are shown. This touches private names of Textual; `tests/tui/test_crash.py` notices if they change.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text
from textual.worker import WorkerFailed

from authlens_core.credentials.store.store_kind import StoreKind

if TYPE_CHECKING:
    import asyncio

    from textual.app import App

    _Base = App[int]
else:
    _Base = object

_PLACES: Final = 4
_PACKAGES: Final = ("authlens_tui", "authlens_core")


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
        report = crash_report(self._failed_with, self.stage_name, self.secrets_place)
        self._exit_renderables.append(Text(report))
        self._close_messages_no_wait()

    def hear_of_lost_errors(self, loop: asyncio.AbstractEventLoop) -> None:
        """Keep errors of forgotten tasks off the terminal: their text may hold data."""
        loop.set_exception_handler(_ignore)


def crash_report(error: BaseException | None, stage: str = "", place: StoreKind | None = None) -> str:
    """Return what is shown about `error`: no value, no message, no local variable."""
    while isinstance(error, WorkerFailed):
        error = error.error
    kind = type(error).__name__ if error is not None else "unknown"
    where = f" in the stage {stage}" if stage else ""
    lines = [
        f"authlens stopped{where} because of a bug ({kind}).",
        *(f"  at {one}" for one in _places(error)),
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


def _places(error: BaseException | None) -> list[str]:
    """Return the last frames in our own packages as `module.py:line function`."""
    if error is None or error.__traceback__ is None:
        return []
    found: list[str] = []
    for frame in extract_tb(error.__traceback__):
        parts = Path(frame.filename).parts
        package = next((p for p in _PACKAGES if p in parts), None)
        if package is not None:
            inside = "/".join(parts[len(parts) - 1 - parts[::-1].index(package) :])
            found.append(f"{inside}:{frame.lineno} {frame.name}")
    return found[-_PLACES:]


def _ignore(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """Say nothing."""
