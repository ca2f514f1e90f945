"""Logins that were interrupted: what the dashboard says of them, and how they are continued."""

from __future__ import annotations

from datetime import UTC, datetime

from authlens_core.desk.log_in import InterruptedLogin, Interruptions, Login, interruptions
from authlens_core.desk.session import Session
from authlens_tui.terminal.content import Content
from authlens_tui.words.logins import STARTS_AGAIN, command_again, interrupted_words, why_it_ended


class InterruptedLogins:
    """Holds those of earlier processes, and follows those of this one."""

    def __init__(self) -> None:
        self._notes = Interruptions(None)
        self._earlier: tuple[InterruptedLogin, ...] = ()

    def find(self, session: Session) -> None:
        self.store_moved(session)
        self._earlier = self._notes.find()

    def store_moved(self, session: Session) -> None:
        """Leave notes if the store of `session` outlives the program."""
        self._notes = interruptions(session)

    def follow(self, login: Login) -> None:
        self._notes.follow(login)

    def leave(self, login: Login) -> None:
        self._notes.leave(login)

    def close(self, return_code: int) -> None:
        """End; unless the user quit, the notes say why the process ended."""
        self._notes.close(why_it_ended(return_code))

    def notice(self) -> Content | None:
        if not self._earlier:
            return None
        record = self._earlier[0]
        cure = f"Run: {command_again(record)}" if record.needs_secret else "Press u to resume it."
        return Content(f"! {interrupted_words(record, datetime.now(UTC))} {cure}")

    @property
    def can_resume(self) -> bool:
        return bool(self._earlier) and not self._earlier[0].needs_secret

    def take_latest(self) -> InterruptedLogin | None:
        """Return the latest one, which counts as settled from now on, or None."""
        if not self._earlier:
            return None
        record = self._earlier[0]
        self._settle(record)
        return record

    def replaced_by(self, url: str) -> list[str]:
        """Settle the interrupted logins to `url`; return what to tell the user about each."""
        replaced = [one for one in self._earlier if one.resource_url == url]
        for record in replaced:
            self._settle(record)
        return [f"{interrupted_words(record, datetime.now(UTC))} {STARTS_AGAIN}" for record in replaced]

    def _settle(self, record: InterruptedLogin) -> None:
        self._notes.forget(record)
        self._earlier = tuple(one for one in self._earlier if one is not record)
