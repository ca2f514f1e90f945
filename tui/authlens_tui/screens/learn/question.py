"""A question before a lesson or a drill: a letter or Enter answers it."""

from __future__ import annotations

from collections.abc import Mapping

from textual.events import Key
from textual.widgets.option_list import Option

from authlens_tui.screens.dialog import ChoiceDialog
from authlens_tui.screens.learn.action_list import SELECT_FIRST
from authlens_tui.screens.learn.lesson_text import lesson_text
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.key_binding import keys


class QuestionScreen(ChoiceDialog[str]):
    """Asks; ends with the letter of the option, or with None at Esc."""

    BINDINGS = keys("question")
    SELECTS_FIRST = False  # an answer is chosen

    def __init__(self, title: str, question: str, options: Mapping[str, str], hint: str) -> None:
        choices = [
            (Option(Content.assemble((letter, "bold"), "  ", lesson_text(text))), letter)
            for letter, text in options.items()
        ]
        super().__init__(title, choices, text=lesson_text(question), hint=hint)
        self._letters = frozenset(options)

    def action_choose(self, letter: str) -> None:
        if letter in self._letters:
            self.dismiss(letter)

    def on_key(self, event: Key) -> None:
        if event.key == "enter" and self.listed.highlighted is None:
            self.tell(".dialog-hint", SELECT_FIRST)
