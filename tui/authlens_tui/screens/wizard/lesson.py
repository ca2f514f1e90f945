"""A lesson on one stage: why it exists, what could be done without it, where the specification says so."""

from __future__ import annotations

from typing import Final

from textual import getters
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.events import Click
from textual.screen import ModalScreen

from authlens_core.trace.record import AUTHORIZATION_CODE, Flow, Stage
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter

_LATER: Final = (Stage.REFRESH, Stage.REVOKE, Stage.PROBE)  # what is done with the tokens of a login


def _part(title: str, text: str | Content) -> Content:
    return Content.assemble((title, "bold $text-accent"), "\n", text)


def lesson_words(stage: Stage, flow: Flow, *, in_full: bool = True) -> Content:
    """Return the lesson on `stage`, with its specifications if `in_full`."""
    lesson = flow.lesson(stage)
    sections = (
        Content.assemble((section, "$text-primary"), "  ", sentence)
        for section, sentence in lesson.specification
    )
    parts = [_part("Why it exists", lesson.why), _part("Without it", lesson.without_it)]
    if in_full:
        parts.append(_part("Specifications", Content("\n").join(sections)))
    return Content("\n\n").join(parts)


class _LessonPage(VerticalScroll):
    """Scrolls up and down; left and right turn the page."""

    BINDINGS = keys("lesson")


class LessonScreen(ModalScreen[None]):
    """Shows the lesson on `stage`; the arrow keys turn to the stages before and after it."""

    CSS_PATH = "lesson.tcss"
    TITLE = "Lesson"
    BINDINGS = keys("lesson")

    box = getters.query_one("#lesson", VerticalScroll)
    text = getters.query_one("#lesson-words", Static)

    def __init__(self, stage: Stage, flow: Flow = AUTHORIZATION_CODE) -> None:
        super().__init__()
        self.stage = stage
        self._flow = flow
        self._stages = (*flow.stages, *_LATER)

    def compose(self) -> ComposeResult:
        with Vertical(id="lesson-side"):
            with _LessonPage(id="lesson"):
                yield Static(id="lesson-words")
            yield KeyFooter()

    def on_mount(self) -> None:
        """Show the stage, with the focus on the text."""
        self._show()
        self.box.focus()

    def action_turn(self, step: int) -> None:
        """Turn to the stage `step` further on; after the last comes the first."""
        self.stage = self._stages[(self._stages.index(self.stage) + step) % len(self._stages)]
        self._show()

    def on_click(self, event: Click) -> None:
        """Close on a click beside the page."""
        if event.widget is self:
            self.dismiss(None)

    def _show(self) -> None:
        self.box.border_title = Content(f"Lesson: {self._flow.numbered(self.stage)}")
        self.box.border_subtitle = Content(f"{self._stages.index(self.stage) + 1} of {len(self._stages)}")
        self.text.update(lesson_words(self.stage, self._flow))
        self.box.scroll_home(animate=False)
