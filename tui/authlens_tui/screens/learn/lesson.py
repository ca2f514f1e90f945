"""A lesson: the task and the verdict on the left, who said what and the next move on the right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import OptionList

from authlens_core.learning.desk.open_lesson import (
    TURNED_BACK,
    LessonPhase,
    OpenLesson,
    StoryLine,
    VerdictLine,
)
from authlens_core.learning.moves import Move, move_in
from authlens_core.values.errors import AuthlensError
from authlens_tui.screens.learn.lesson_text import (
    answer_options,
    asked_in,
    claim_options,
    headed,
    lesson_text,
    phases_line,
    prediction_options,
)
from authlens_tui.screens.learn.move_list import MoveList
from authlens_tui.screens.learn.story_view import StoryView
from authlens_tui.screens.trace.player import PlayerScreen
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.hanging_text import HangingText
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.scrolled_views import ReadingScroll
from authlens_tui.widgets.title_bar import TitleBar


class _Claims(OptionList):
    HELP = "Up and down select a claim, Enter shows the request that decides it."
    BINDINGS: ClassVar[list[BindingType]] = keys("learn/claims")


class CourseLessonScreen(Screen[bool]):
    """Shows where an attempt is, and makes the moves that are chosen; is true once the lesson is over.

    Args:
        begin_again_at: a phase to begin again, instead of going on.
    """

    CSS_PATH = "learn.tcss"
    HELP = (
        "Tab moves between the task, what is to be proved, who said what, and your next move. Enter on "
        "a claim shows the request that decides it."
    )
    BINDINGS: ClassVar[list[BindingType]] = keys("learn/lesson")

    assignment = getters.query_one("#task", ReadingScroll)
    brief = getters.query_one("#task-words", HangingText)
    claims = getters.query_one("#claims", OptionList)
    story = getters.query_one("#story", StoryView)
    move = getters.query_one("#move", MoveList)
    ask = getters.query_one("#ask", Static)

    def __init__(self, lesson: OpenLesson, *, begin_again_at: LessonPhase | None = None) -> None:
        super().__init__()
        self._lesson = lesson
        self._begin_again_at = begin_again_at
        self._phase: LessonPhase = LessonPhase.PREDICT
        self._question = ""
        self._said = ""
        self._hints_read = 0
        self._following: LessonPhase | None = LessonPhase.PREDICT
        self._lines: tuple[VerdictLine, ...] = ()
        self._offered: dict[str, tuple[str, Callable[[], object]]] = {}
        self._is_busy = self._is_closing = self._adds_a_move = False

    def compose(self) -> ComposeResult:
        yield TitleBar(self._lesson.lesson.heading)
        yield Static(id="phases")
        with Horizontal(id="lesson"):
            with Vertical(id="left"):
                with ReadingScroll(id="task"):
                    yield HangingText(id="task-words")
                yield _Claims(id="claims", markup=False)
            with Vertical(id="right"):
                yield StoryView(id="story")
                with Vertical(id="next"):
                    yield Static(id="ask")
                    yield MoveList(id="move")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.assignment.border_title = "Task"
        self.query_one("#next").border_title = "Next move"
        self._start(self._begin)

    async def on_unmount(self) -> None:
        """Stop the servers of the lesson."""
        self._is_closing = True
        await self._lesson.__aexit__()

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something with the attempt, unless something is being done: a key pressed twice counts once."""
        if not self._is_busy:
            self._is_busy = True
            self.run_worker(self._do(work), group="move", description="make a move")

    async def _do(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except AuthlensError as error:
            self._tell(str(error).removeprefix(f"Move {len(self._lesson.attempt.made) + 1}: "))
        finally:
            self._is_busy = False
            if self._is_closing:  # what was made again meanwhile has servers of its own
                await self._lesson.__aexit__()

    def _tell(self, problem: str) -> None:
        """Show why nothing could be done; leave a lesson that cannot be judged."""
        self._said = f"✖ {problem}"
        try:
            self._show()
        except AuthlensError:
            self.notify(problem, severity="error", markup=False)
            self.dismiss(False)

    async def _begin(self) -> None:
        await self._lesson.__aenter__()
        if self._begin_again_at is not None:
            await self._lesson.start_over(self._begin_again_at)
        self._said = self._lesson.note
        if self._lesson.resumed and self._lesson.next_phase is not LessonPhase.QUESTIONS:
            self._said = "You are where you stopped: your moves were made again."
        await self._enter()

    async def _enter(self) -> None:
        """Show the phase that comes next, at its beginning."""
        lesson = self._lesson
        self._phase = lesson.next_phase or LessonPhase.QUESTIONS
        self._adds_a_move = False
        self._hints_read = lesson.progress.hints.get(self._phase, 0)
        await lesson.prepare()
        self.move.forget()
        self._question = lesson.question if self._phase is LessonPhase.QUESTIONS else ""
        self._show()
        (self.story if self._phase is LessonPhase.OBSERVE else self.move).focus()

    def _show(self) -> None:
        """Show everything again; a phase that is done waits for Enter before the next one comes."""
        lesson, phase = self._lesson, self._phase
        self._following = lesson.next_phase
        self.query_one("#phases", Static).update(phases_line(lesson, phase))
        told = lesson.told_in(phase, self._question)
        self.story.display = lesson.has_servers(phase)
        self.story.points = phase is LessonPhase.OBSERVE and not self._is_done
        self.story.of = told.value if phase is LessonPhase.QUESTIONS else ""
        at = self._evidence[0] if self._evidence else None
        told_to_the_end = phase is not LessonPhase.OBSERVE
        self.story.show(lesson.story(told), partial(lesson.parts, told), end=told_to_the_end, at=at)
        hands = [f"- ${name}  {value}" for name, value in lesson.held(phase)]
        hints = lesson.hints(phase)
        about = lesson.lesson.task if self._asks else lesson.text(phase, self._question)
        shown = [("", about)]
        shown += [("In your hands", "\n".join(hands))] if hands else []
        shown += [
            (f"Hint {number} of {len(hints)}", hint)
            for number, hint in enumerate(hints[: self._hints_read], 1)
        ]
        self.brief.show(headed(shown))
        # Otherwise a bar of the text before takes the width that makes this one need a bar, too.
        self.assignment.show_vertical_scrollbar = False
        self._show_claims()
        self._show_next()
        self.refresh_bindings()

    def _show_claims(self) -> None:
        lesson, phase = self._lesson, self._phase
        self._lines = lesson.proofs(phase)
        width = self.claims.scrollable_content_region.width or self.size.width // 2 - 5
        options = [*claim_options(self._lines, width)]
        if phase is lesson.lesson.prediction.judged_on:
            options += prediction_options(lesson)
        if phase is LessonPhase.QUESTIONS and self._is_done:
            options += answer_options(lesson, self._question)
        self.claims.set_options(options)
        self.claims.border_title = Content("Answers" if phase is LessonPhase.QUESTIONS else "To prove")
        self.claims.display = self.claims.option_count > 0
        self.query_one("#left").set_class(not self.claims.display, "-alone")

    @property
    def _asks(self) -> bool:
        """Whether a question is open: it is shown beside its answers."""
        return self._phase in {LessonPhase.PREDICT, LessonPhase.QUESTIONS} and not self._is_done

    @property
    def _is_done(self) -> bool:
        """Whether the phase that is shown is over."""
        if self._adds_a_move:
            return False
        if self._phase is LessonPhase.QUESTIONS:
            return self._question in self._lesson.attempt.answers
        return self._following is not self._phase

    @property
    def _evidence(self) -> tuple[StoryLine, str] | None:
        """What shows the answer to the question that was just answered."""
        answered = self._phase is LessonPhase.QUESTIONS and self._is_done
        return self._lesson.evidence(self._question) if answered else None

    @property
    def _can_add_a_move(self) -> bool:
        """Whether the attack may have another move, which the repair has to stop as well."""
        lesson = self._lesson
        attacked = self._phase in {LessonPhase.BREAK, LessonPhase.REPAIR} and lesson.has_servers(self._phase)
        return bool(lesson.lesson.offer and attacked) and lesson.attempt.moves_left > 0

    def _show_next(self) -> None:
        lesson, phase = self._lesson, self._phase
        done, offered = self._is_done, lesson.forms(phase)
        options = lesson.options(phase, self._question)
        is_spent = phase is LessonPhase.BREAK and lesson.attempt.moves_left <= 0
        about = self._about_the_part() or asked_in(phase, offered)
        asked = lesson.text(phase, self._question) if self._asks else ""
        shown = [lesson_text(text) for text in (self._said, asked, "" if done or is_spent else about)]
        self.ask.update(Content("\n").join(filter(None, shown)))
        self._offered = dict(self._choices(is_spent=is_spent))
        if self._offered:
            self.move.offer({name: words for name, (words, _) in self._offered.items()})
        elif options:
            self.move.offer_switches(options, lesson.lesson.budget)
        else:
            self.move.offer_forms(offered)
        self.move.display = self.move.option_count > 0
        self.query_one("#next").set_class(self.move.has_switches, "-switches")

    def _choices(self, *, is_spent: bool) -> Iterator[tuple[str, tuple[str, Callable[[], object]]]]:
        """Yield what can be chosen besides switches and the fields of a move: its words, and what it does."""
        phase, seen = self._phase, self._evidence
        if self._is_done:
            yield "go-on", (self._next_words(), self.action_next)
            if seen is not None and seen[0].arrow:
                yield "evidence", (f"Open arrow {seen[0].arrow}, which shows it", self._open_evidence)
            elif phase is LessonPhase.BREAK and self._can_add_a_move:
                yield "more", ("Make another move first", self._add_a_move)
        elif is_spent:
            yield "again", ("No move is left. Begin this phase again", self.action_try_again)
        elif phase is not LessonPhase.REPAIR:
            for letter, words in self._lesson.options(phase, self._question).items():
                yield letter, (words, partial(self._choose, letter))

    def _choose(self, letter: Any) -> None:
        asked = self._question
        self._make(move_in(f"answer {asked} {letter}" if asked else f"predict {letter}"))

    def _open_evidence(self) -> None:
        if (seen := self._evidence) is not None:
            self.story.open_arrow(seen[0].arrow, seen[1])
            self.story.focus()

    def _next_words(self) -> str:
        following = self._following
        if following is None:
            return "The lesson is over: see what you can do (n)"
        return f"{'Next question' if following is self._phase else f'Go on: {following.value}'} (n)"

    def on_resize(self) -> None:
        """Break the lines of the verdict for the new width."""
        self.call_after_refresh(self._show_claims)

    @on(MoveList.Sent)
    def _sent(self, event: MoveList.Sent) -> None:
        if event.option in self._offered:
            self._offered[event.option][1]()
        elif event.move is not None:
            self._make(event.move)
        else:
            switch, choice = "Turn a switch on first: space, or a click.", "Choose first: ← → on each line."
            self._tell(switch if self.move.has_switches else choice)

    def action_next(self) -> None:
        """Go on to the next phase or question, whatever has the focus."""
        self._said = ""
        if self._following is None:
            self.dismiss(True)
        else:
            self._start(self._enter)

    def _add_a_move(self) -> None:
        self._phase, self._adds_a_move, self._said = LessonPhase.BREAK, True, ""
        self._show()

    async def _back_to_the_attack(self) -> None:
        if self._lesson.attempt.has_begun(LessonPhase.REPAIR):
            await self._lesson.start_over(LessonPhase.REPAIR)
        self._add_a_move()

    def action_back(self) -> None:
        self._start(self._back_to_the_attack)

    def _about_the_part(self) -> str:
        """What the selected part is for, while one is looked for; empty where no part is selected."""
        part = self.story.part if self.story.points else None
        return f"`{part.title}`: {part.meaning}" if part is not None and part.meaning else ""

    @on(StoryView.OptionHighlighted, "#story")
    def _part_selected(self) -> None:
        if self.story.points and self.story.opened:
            self._show_next()

    @on(StoryView.Pointed)
    def _pointed(self, event: StoryView.Pointed) -> None:
        if self.story.points:
            self._make(move_in(f"point {event.arrow} {event.part.name}"))

    def _make(self, move: Move) -> None:
        """Make a move and show what came of it."""

        async def make() -> None:
            await self._lesson.make(move)
            self._adds_a_move = False
            self._said = self._lesson.worth(move, self._phase)
            if move.verb == "predict":
                await self._enter()
                return
            is_attack = self._phase is self._lesson.next_phase is LessonPhase.BREAK
            if is_attack:
                self._said += " z takes it back."
            self._show()
            (self.story if self._phase is LessonPhase.OBSERVE and not self._is_done else self.move).focus()

        self._start(make)

    @on(OptionList.OptionSelected, "#claims")
    def _claim_chosen(self, event: OptionList.OptionSelected) -> None:
        arrow = self._lines[event.option_index].arrow if self._lines else 0
        if arrow:
            self.story.open_arrow(arrow)
            self.story.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        match action:
            case "next":
                return self._is_done
            case "try_again" | "undo":
                return self._phase.is_judged and self._lesson.attempt.has_begun(self._phase)
            case "start_over":
                return self._phase is not LessonPhase.PREDICT
            case "back":
                return self._phase is LessonPhase.REPAIR and not self._is_done and self._can_add_a_move
            case "hint":
                return len(self._lesson.hints(self._phase)) > self._hints_read
            case "play":
                return self.is_mounted and any(line.receiver for line in self.story.lines)
        return True

    def action_read(self, by: int) -> None:
        """Turn the pages of the task, whatever has the focus."""
        self.assignment.action_page_down() if by > 0 else self.assignment.action_page_up()

    def action_hint(self) -> None:
        self._start(self._read_hint)

    async def _read_hint(self) -> None:
        self._hints_read = self._lesson.next_hint(self._phase)
        self._show()
        self.call_after_refresh(self.assignment.scroll_end, animate=False)

    def action_try_again(self) -> None:
        self._start(partial(self._again, partial(self._lesson.start_over, self._phase), TURNED_BACK))

    def action_undo(self) -> None:
        self._start(partial(self._again, self._lesson.undo))

    def action_start_over(self) -> None:
        self._start(partial(self._again, self._lesson.start_over))

    async def _again(self, change: Callable[[], Awaitable[None]], said: str = "") -> None:
        await change()
        self._said = said
        await self._enter()

    def action_play(self) -> None:
        """Play the requests of this phase, from the selected one on."""
        told = self._lesson.told_in(self._phase, self._question)
        if (sent := self._lesson.trace(told, self.story.arrow or 1)) is not None:
            trace, place = sent
            self.app.push_screen(PlayerScreen(trace, at=place))
