"""Between two lessons: a question that was missed, asked again, and what you can do by now."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen

from authlens_tui.screens.dialog import Dialog, DialogBox
from authlens_tui.screens.learn.lesson_text import headed, lesson_text
from authlens_tui.screens.learn.move_list import MoveList
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.hanging_text import HangingText
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

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
        with DialogBox(f"Again, from {self._missed.lesson.heading}"):
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


class AfterLesson(Enum):
    """What comes after a summary."""

    NEXT = "the next lesson"
    AGAIN = "the questions again"
    DONE = "the catalogue"


class SummaryScreen(Screen[AfterLesson]):
    """Shows texts under their headings.

    Args:
        after: what can come after it, besides the catalogue.
    """

    CSS_PATH = "learn.tcss"
    HELP = "Enter starts the next lesson, Esc goes back to the catalogue."
    BINDINGS: ClassVar[list[BindingType]] = keys("learn/summary")

    def __init__(
        self,
        texts: Sequence[tuple[str, str]],
        *after: AfterLesson,
    ) -> None:
        super().__init__()
        self._texts = texts
        self._after = {AfterLesson.DONE, *after}

    def compose(self) -> ComposeResult:
        yield TitleBar("what you can do")
        with VerticalScroll(id="summary"):
            yield HangingText(headed(self._texts))
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#summary").focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "leave" or AfterLesson[str(parameters[0])] in self._after

    def action_leave(self, after: str) -> None:
        self.dismiss(AfterLesson[after])
