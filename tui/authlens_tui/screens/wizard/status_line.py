"""The line under the stage: what happened, and which key leads on."""

from __future__ import annotations

from textual.widgets import Static

from authlens_core.login.login import Login
from authlens_tui.screens.wizard.tampered_words import marks
from authlens_tui.terminal.content import Content

__all__ = ["StatusLine"]


class StatusLine(Static):
    """Shows the status of `login`, below what is changed in it on purpose."""

    def __init__(self, login: Login, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._login = login
        self._words = Content()
        self._note: Content | None = None
        self._note_alone = False

    def show(self, words: Content, *, done: bool = False, keep_note: bool = False) -> None:
        """Show `words`; a note goes unless `keep_note`, for words that are only brought up to date."""
        self._words = words
        if not keep_note:
            self._note = None
        self.set_class(done, "-done")
        self._update()

    def show_note(self, note: Content, *, alone: bool) -> None:
        """Show a note above the words, or `alone` where a row more is a row less for the link."""
        self._note, self._note_alone = note, alone
        self._update()

    def _update(self) -> None:
        mark = marks(self._login)
        words = () if self._note is not None and self._note_alone else (self._words,)
        note = () if self._note is None else (self._note,)
        self.update(Content("\n").join([*((mark,) if mark else ()), *note, *words]))
