"""Notes of interrupted logins: written while a login runs, found at the next start, dropped when it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from authlens_core.login.interrupted_login import InterruptedLogin, from_text, to_text, unfinished
from authlens_core.login.login import Login
from authlens_core.state.crash_notes import CrashNote, CrashNotes
from authlens_core.state.paths import state_directory
from authlens_core.trace.events import Event, StageEnded, StageStarted
from authlens_core.values.errors import StateUnusable

# An interruption that is older is not reported.
WORTH: Final = timedelta(days=1)


class Interruptions:
    """The notes of this process's logins, and those that dead processes left.

    Nothing here fails: a login goes on without a note that cannot be written. End it with `close`.

    Args:
        notes: where notes are; None keeps none.
        clock: what time it is, UTC.
    """

    def __init__(
        self, notes: CrashNotes | None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._notes = notes
        self._clock = clock
        self._running: dict[Login, CrashNote | None] = {}
        self._found: dict[InterruptedLogin, CrashNote] = {}
        self._closed = False

    @classmethod
    def kept(cls, *, persistent: bool) -> Interruptions:
        """Keep notes in the state directory; none if what is stored is not to outlive the program."""
        if not persistent:
            return cls(None)
        try:
            return cls(CrashNotes(state_directory() / "unfinished"))
        except StateUnusable:
            return cls(None)

    def follow(self, login: Login) -> None:
        """Note from now on how far `login` is, as long as there is something to continue."""
        self._running[login] = None
        login.watch(lambda event: self._on_event(login, event))

    def leave(self, login: Login) -> None:
        note = self._running.pop(login, None)
        if note is not None:
            note.drop()

    def find(self, resource_url: str | None = None) -> tuple[InterruptedLogin, ...]:
        """Return the logins that were interrupted, the latest first, of one resource or of all.

        Only one process reports each, until that one continues it, forgets it, or dies itself.
        """
        oldest = self._clock() - WORTH
        for note in () if self._notes is None or self._closed else self._notes.claim():
            record = from_text(note.text)
            if record is None or record.at < oldest:
                note.drop()
            elif resource_url in (None, record.resource_url):
                self._found[record] = note
            else:
                note.let_go()
        found = (one for one in self._found if resource_url in (None, one.resource_url))
        return tuple(sorted(found, key=lambda one: one.at, reverse=True))

    def forget(self, found: InterruptedLogin) -> None:
        """Erase the note of an interrupted login that is continued or not wanted."""
        note = self._found.pop(found, None)
        if note is not None:
            note.drop()

    def close(self, why: str | None) -> None:
        """Erase all notes if the user left; otherwise leave them, with the reason why the process ended.

        Args:
            why: what ended the process, in a few words; None if the user left.
        """
        self._closed = True
        for note in self._running.values():
            if note is None:
                continue
            record = from_text(note.text)
            if why is None or record is None:
                note.drop()
            else:
                note.write(to_text(replace(record, why=why)))
                note.let_go()
        for note in self._found.values():
            if why is None:
                note.drop()
            else:
                note.let_go()
        self._running.clear()
        self._found.clear()

    def _on_event(self, login: Login, event: Event) -> None:
        if self._closed or self._notes is None or login not in self._running:
            return
        if not isinstance(event, StageStarted | StageEnded):
            return
        record, note = unfinished(login, self._clock()), self._running[login]
        if record is not None:
            note = note or self._notes.begin()
            self._running[login] = note
            if note is not None:
                note.write(to_text(record))
        elif note is not None:
            self._running[login] = None
            note.drop()
