"""A question that was missed, asked again before a lesson begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType

from authlens_tui.screens.dialog import Dialog, DialogBox
from authlens_tui.screens.learn.lesson_text import lesson_text
from authlens_tui.screens.learn.move_list import MoveList
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys

if TYPE_CHECKING:
    from authlens_core.learning.desk.course import MissedQuestion

_GO_ON = "go-on"


class MissedQuestionScreen(Dialog[None]):
    """Asks the question, says whether the answer is right, and closes."""

    BINDINGS: ClassVar[list[BindingType]] = keys("question")

    said = getters.query_one("#said", Static)
    options = getters.query_one(MoveList)

    def __init__(self, missed: MissedQuestion) -> None:
        super().__init__()
        self._missed = missed

    def body(self) -> ComposeResult:
        with DialogBox(f"Again, from {self._missed.of.lesson.title}"):
            yield Static(lesson_text(self._missed.text), classes="dialog-words")
            yield MoveList(id="options")
            yield Static(id="said", classes="dialog-hint")

    def on_mount(self) -> None:
        self.options.offer(self._missed.options)
        self.options.focus()

    @on(MoveList.Sent)
    def _sent(self, event: MoveList.Sent) -> None:
        if event.option == _GO_ON:
            self.dismiss()
            return
        self.said.update(lesson_text(self._missed.answer(event.option)))
        self.options.offer({_GO_ON: "Go on to the lesson"})
