"""A question that was missed, asked again before a lesson begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType

from authlens_tui.screens.dialog import Dialog, DialogBox
from authlens_tui.screens.learn.lesson_text import lesson_text
from authlens_tui.screens.learn.move_list import MoveList
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import bound

_GO_ON = "go-on"


class MissedQuestionScreen(Dialog[None]):
    """Asks the question, says whether the answer is right, and closes.

    Args:
        title: the lesson that it belongs to.
        answer: is called with the option, and returns what to say to it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bound("question.later", "escape", "dismiss", "Later", "Ask it another time", sign="esc"),
    ]

    said = getters.query_one("#said", Static)
    options = getters.query_one(MoveList)

    def __init__(
        self, title: str, question: str, options: Mapping[str, str], answer: Callable[[str], str]
    ) -> None:
        super().__init__()
        self._title = title
        self._question = question
        self._options = options
        self._answer = answer

    def body(self) -> ComposeResult:
        with DialogBox(f"Again, from {self._title}"):
            yield Static(lesson_text(self._question), classes="dialog-words")
            yield MoveList(id="options")
            yield Static(id="said", classes="dialog-hint")

    def on_mount(self) -> None:
        self.options.offer(self._options)
        self.options.focus()

    @on(MoveList.Sent)
    def _sent(self, event: MoveList.Sent) -> None:
        if event.option == _GO_ON:
            self.dismiss()
            return
        self.said.update(lesson_text(self._answer(event.option)))
        self.options.offer({_GO_ON: "Go on to the lesson"})
