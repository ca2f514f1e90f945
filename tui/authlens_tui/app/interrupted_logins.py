"""Logins that were interrupted: what the dashboard says of them, and how they are continued."""

from __future__ import annotations

from datetime import UTC, datetime

from authlens_core.credentials.store.secret_store import SecretStore
from authlens_core.login.interrupted_login import InterruptedLogin
from authlens_core.login.login import Login
from authlens_core.session.interruption import Interruptions
from authlens_tui.terminal.content import Content
from authlens_tui.words.logins import STARTS_AGAIN, command_again, interrupted_words, why_it_ended


class InterruptedLogins:
    """Holds those of earlier processes, and follows those of this one."""

    def __init__(self) -> None:
        self._notes = Interruptions(None)
        self._found: tuple[InterruptedLogin, ...] = ()

    def find(self, store: SecretStore) -> None:
        self.store_moved(store)
        self._found = self._notes.find()

    def store_moved(self, store: SecretStore) -> None:
        """Leave notes beside a new store from now on."""
        self._notes = Interruptions.beside(store)

    def follow(self, login: Login) -> None:
        self._notes.follow(login)

    def leave(self, login: Login) -> None:
        self._notes.leave(login)

    def close(self, return_code: int) -> None:
        """End; unless the user quit, the notes say why the process ended."""
        self._notes.close(why_it_ended(return_code))

    def notice(self) -> Content | None:
        if not self._found:
            return None
        record = self._found[0]
        cure = f"Run: {command_again(record)}" if record.needs_secret else "Press u to resume it."
        return Content(f"! {interrupted_words(record, datetime.now(UTC))} {cure}")

    @property
    def can_resume(self) -> bool:
        return bool(self._found) and not self._found[0].needs_secret

    def take_latest(self) -> InterruptedLogin | None:
        """Return the latest one, which counts as settled from now on, or None."""
        if not self._found:
            return None
        record = self._found[0]
        self._settle(record)
        return record

    def replaced_by(self, url: str) -> list[str]:
        """Settle the interrupted logins to `url`; return what to tell the user about each."""
        replaced = [one for one in self._found if one.resource_url == url]
        for record in replaced:
            self._settle(record)
        return [f"{interrupted_words(record, datetime.now(UTC))} {STARTS_AGAIN}" for record in replaced]

    def _settle(self, record: InterruptedLogin) -> None:
        self._notes.forget(record)
        self._found = tuple(one for one in self._found if one is not record)
