"""Every connection to SQLite that a test opens, so that one that nobody closes fails the test that opened it.

Python 3.13 warns of such a connection when it is collected, which is in another test.
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from authlens_core.credentials.records.traces import Traces
from authlens_core.credentials.vault.credentials import Credentials

_ROOT: Final = Path(__file__).parents[2]
_OURS: Final = tuple(f"{_ROOT / room}/" for room in ("core", "tui", "tests"))
_OWNED: Final[list[Credentials | Traces]] = []
_Records = TypeVar("_Records", Credentials, Traces)
_OPEN: Final[dict[int, tuple[sqlite3.Connection, str]]] = {}


class WatchedConnection(sqlite3.Connection):
    """A connection that is listed while it is open."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        _OPEN[id(self)] = self, f"{Path(arguments[0]).name}: {' < '.join(_callers())}"

    def close(self) -> None:
        super().close()
        _OPEN.pop(id(self), None)


def _callers() -> Iterator[str]:
    """Yield the places in the project's own code that led here, the nearest first."""
    frame = sys._getframe(3)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_OURS):
            yield f"{name.removeprefix(f'{_ROOT}/')}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]


def owned(records: _Records) -> _Records:
    """Return traces, or credentials, that are closed at the end of the test; the store has another owner."""
    _OWNED.append(records)
    return records


@contextmanager
def all_closed() -> Iterator[None]:
    """Close what is owned at the end of the block, and fail if another connection is still open then.

    Raises:
        AssertionError: naming the database and where it was opened.
    """
    before = set(_OPEN)
    yield
    for records in _OWNED:
        for one in (records,) if isinstance(records, Traces) else (records.traces, records.index):
            one.close()
    _OWNED.clear()
    left = [_OPEN[key] for key in _OPEN.keys() - before]
    for connection, _ in left:
        connection.close()
    assert not left, "left open: " + "; ".join(where for _, where in left)


@contextmanager
def watched() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=WatchedConnection))
        yield
