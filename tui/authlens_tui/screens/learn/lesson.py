"""A lesson: the task and the verdict on the left, who said what and the next move on the right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import OptionList

from authlens_core.learning.attempt import LessonAttempt
from authlens_core.learning.guide.offers import forms
from authlens_core.learning.guide.said import moves_left, worth
from authlens_core.learning.guide.story import exchange_place, held
from authlens_core.learning.guide.verdict_lines import VerdictLine, verdict_lines
from authlens_core.learning.lesson import CourseLesson, LessonPhase
from authlens_core.learning.moves import AnswerMove, AnyMove, DefendMove, PointMove, PredictMove
from authlens_core.learning.outcome import joined
from authlens_core.learning.progress.recorded_attempt import RecordedAttempt
from authlens_core.learning.shown_lesson import hints as hints_of
from authlens_core.learning.words_file import LessonWords
from authlens_core.values.errors import AuthlensError
from authlens_tui.screens.learn.lesson_panes import (
    answer_options,
    asked_in,
    claim_options,
    phases_line,
    prediction_options,
)
from authlens_tui.screens.learn.lesson_text import headed
from authlens_tui.screens.learn.move_list import MoveList
from authlens_tui.screens.learn.story_view import StoryView
from authlens_tui.screens.trace.player import PlayerScreen
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import bound
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

_GO_ON: Final = "go-on"
_AGAIN: Final = "again"
_MORE: Final = "more"
_CLAIMED: Final = frozenset({LessonPhase.RUN, LessonPhase.BREAK, LessonPhase.REPAIR})


class _Claims(OptionList):
    HELP = "Up and down select a claim, Enter shows the request that decides it."
    BINDINGS: ClassVar[list[BindingType]] = [
        bound("learn.evidence", "enter", "select", "Show request", "Show what decides the claim", sign="⏎"),
    ]


class CourseLessonScreen(Screen[bool]):
    """Shows where an attempt is, and makes the moves that are chosen; is true once the lesson is over.

    Args:
        number: of the lesson in the catalogue, from 1.
    """

    CSS_PATH = "learn.tcss"
    HELP = (
        "Tab moves between the task, what is to be proved, who said what, and your next move. Enter on "
        "a claim shows the request that decides it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bound("learn.next", "n", "next", "Next", "Go on to the next phase or question"),
        bound("learn.hint", "h", "hint", "Hint", "Show the next hint; it is noted, and costs nothing"),
        bound("learn.try_again", "t", "try_again", "Try again", "Begin this phase again"),
        bound("learn.back", "b", "back", "Back", "Go back, and add a move to the attack"),
        bound("learn.undo", "z", "undo", "Undo", "Take the last move back"),
        bound(
            "learn.play", "greater_than_sign", "play", "Play", "Play the diagram from this arrow", sign=">"
        ),
        bound("learn.start_over", "X", "start_over", "Start over", "Begin the lesson again", show=False),
        bound("learn.done", "escape,d", "dismiss(False)", "Done", "Back to the catalogue", sign="esc"),
    ]

    begin_again_at: LessonPhase | None = None
    """A phase to begin again, instead of going on."""

    brief = getters.query_one("#task-words", Static)
    claims = getters.query_one("#claims", OptionList)
    story = getters.query_one("#story", StoryView)
    move = getters.query_one("#move", MoveList)
    ask = getters.query_one("#ask", Static)

    def __init__(self, recorded: RecordedAttempt, words: LessonWords, number: int) -> None:
        super().__init__()
        self._recorded = recorded
        self._words = words
        self._number = number
        self._phase: LessonPhase = LessonPhase.PREDICT
        self._question = ""
        self._said = ""
        self._hints_read = 0
        self._outcome = self._attempt.outcome()
        self._following: LessonPhase | None = LessonPhase.PREDICT
        self._lines: tuple[VerdictLine, ...] = ()
        self._is_busy = self._is_closing = self._adds_a_move = False

    def compose(self) -> ComposeResult:
        yield TitleBar(f"{self._number} {self._words.title}")
        yield Static(id="phases")
        with Horizontal(id="lesson"):
            with Vertical(id="left"):
                with VerticalScroll(id="task"):
                    yield Static(id="task-words")
                yield _Claims(id="claims", markup=False)
            with Vertical(id="right"):
                yield StoryView(id="story")
                with Vertical(id="next"):
                    yield Static(id="ask")
                    yield MoveList(id="move")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#task").border_title = "Task"
        self.query_one("#next").border_title = "Next move"
        self._start(self._begin)

    async def on_unmount(self) -> None:
        """Stop the servers of the lesson."""
        self._is_closing = True
        await self._recorded.__aexit__()

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something with the attempt, unless something is being done: a key pressed twice counts once."""
        if not self._is_busy:
            self._is_busy = True
            self.run_worker(self._do(work), group="move", description="make a move")

    async def _do(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except AuthlensError as error:
            self._tell(str(error).removeprefix(f"Move {len(self._attempt.made) + 1}: "))
        finally:
            self._is_busy = False
            if self._is_closing:  # what was made again meanwhile has servers of its own
                await self._recorded.__aexit__()

    def _tell(self, problem: str) -> None:
        """Show why nothing could be done; leave a lesson that cannot be judged."""
        self._said = f"✖ {problem}"
        try:
            self._show()
        except AuthlensError:
            self.notify(problem, severity="error", markup=False)
            self.dismiss(False)

    async def _begin(self) -> None:
        await self._recorded.__aenter__()
        if self.begin_again_at is not None:
            await self._recorded.start_over(self.begin_again_at)
        self._said = self._recorded.note
        if self._recorded.resumed and self._attempt.next_phase is not LessonPhase.QUESTIONS:
            self._said = "You are where you stopped: your moves were made again."
        await self._enter()

    @property
    def _attempt(self) -> LessonAttempt:
        return self._recorded.attempt

    @property
    def _lesson(self) -> CourseLesson:
        """The lesson with what the seed drew."""
        return self._attempt.lesson

    # -- what is shown ---------------------------------------------------------------------------------

    async def _enter(self) -> None:
        """Show the phase that comes next, at its beginning."""
        self._phase = self._attempt.next_phase or LessonPhase.QUESTIONS
        self._adds_a_move = False
        self._hints_read = self._recorded.progress.hints.get(self._phase, 0)
        if self._phase is LessonPhase.BREAK:
            await self._attempt.prepare_attack()
        self.move.forget()
        unanswered = (q.name for q in self._lesson.questions if q.name not in self._attempt.answers)
        self._question = next(unanswered, self._lesson.questions[-1].name)
        self._show()
        (self.story if self._phase is LessonPhase.OBSERVE else self.move).focus()

    def _show(self) -> None:
        """Show everything again; a phase that is done waits for Enter before the next one comes."""
        self._outcome, self._following = self._attempt.outcome(), self._attempt.next_phase
        seat = self._lesson.attack.seat if self._phase is LessonPhase.BREAK else "you"
        self.query_one("#phases", Static).update(phases_line(self._outcome, self._phase, seat))
        world = self._attempt.world_of(self._phase)
        self.story.display = world is not None
        self.story.points = self._phase is LessonPhase.OBSERVE and not self._is_done
        self.story.show(world, end=self._phase is not LessonPhase.OBSERVE)
        texts = self._words.texts
        text = texts[f"questions/{self._question}" if self._phase is LessonPhase.QUESTIONS else self._phase]
        task = [("", texts["task"])] if self._phase is LessonPhase.PREDICT else []
        hints = self._hints[: self._hints_read]
        in_hands = held(world) if world and forms(self._lesson, self._phase, ()) else ()
        hands = [f"- ${name}  {value}" for name, value in in_hands]
        shown = [*task, ("", text)]
        shown += [("In your hands", "\n".join(hands))] if hands else []
        shown += [(f"Hint {number} of {len(self._hints)}", hint) for number, hint in enumerate(hints, 1)]
        self.brief.update(headed(shown))
        # Otherwise a bar of the text before takes the width that makes this one need a bar, too.
        self.query_one("#task", VerticalScroll).show_vertical_scrollbar = False
        self._show_claims()
        self._show_next()
        self.refresh_bindings()

    @property
    def _hints(self) -> tuple[str, ...]:
        return () if self._lesson.ticket else hints_of(self._words, self._phase)

    def _show_claims(self) -> None:
        outcome, phase = self._outcome, self._phase
        judged = next(each for each in outcome.phases if each.phase is phase)
        self._lines = verdict_lines(judged, self._words) if phase in _CLAIMED else ()
        width = self.claims.scrollable_content_region.width or self.size.width // 2 - 5
        self.claims.clear_options()
        self.claims.add_options(claim_options(self._lines, width))
        if phase is self._lesson.prediction.judged_on:
            self.claims.add_options(prediction_options(outcome, self._words))
        if phase is LessonPhase.QUESTIONS and self._is_done:
            self.claims.add_options(answer_options(self._attempt, self._question, self._words))
        self.claims.border_title = Content("Answers" if phase is LessonPhase.QUESTIONS else "To prove")
        self.claims.display = self.claims.option_count > 0
        self.query_one("#left").set_class(not self.claims.display, "-alone")

    @property
    def _is_done(self) -> bool:
        """Whether the phase that is shown is over."""
        if self._adds_a_move:
            return False
        if self._phase is LessonPhase.QUESTIONS:
            return self._question in self._attempt.answers
        return self._following is not self._phase

    @property
    def _can_add_a_move(self) -> bool:
        """Whether the attack may have another move, which the repair has to stop as well."""
        attempt, repair = self._attempt, self._lesson.repair
        attacked = self._phase in {LessonPhase.BREAK, LessonPhase.REPAIR} and attempt.world_of(self._phase)
        return bool(repair.offer and attacked) and moves_left(attempt) > 0

    def _show_next(self) -> None:
        lesson, texts = self._lesson, self._words.texts
        phase = self._phase
        done = self._is_done
        world = self._attempt.world_of(phase)
        offered = forms(lesson, phase, world.loot if world else ())
        asked = asked_in(phase, lesson, offered)
        is_spent = phase is LessonPhase.BREAK and moves_left(self._attempt) <= 0
        self.ask.update(Content("\n").join(filter(None, [self._said, "" if done or is_spent else asked])))
        if done:
            can_add = phase is LessonPhase.BREAK and self._can_add_a_move
            more = {_MORE: "Make another move first"} if can_add else {}
            self.move.offer({_GO_ON: self._next_words(), **more})
        elif phase is LessonPhase.PREDICT:
            self.move.offer({one: texts[f"predict/{one}"] for one in lesson.prediction.options})
        elif phase is LessonPhase.QUESTIONS:
            self.move.offer({one: texts[f"questions/{self._question}/{one}"] for one in "abc"})
        elif is_spent:
            self.move.offer({_AGAIN: "No move is left. Begin this phase again"})
        elif phase is LessonPhase.REPAIR and lesson.repair.offer:
            switches = {name: texts[f"repair/{name}"] for name in lesson.repair.offer}
            self.move.offer_switches(switches, lesson.repair.budget)
        else:
            self.move.offer_forms(offered)
        self.move.display = self.move.option_count > 0
        self.query_one("#next").set_class(self.move.has_switches, "-switches")

    def _next_words(self) -> str:
        following = self._following
        if following is None:
            return "The lesson is over: see what you can do (n)"
        return f"{'Next question' if following is self._phase else f'Go on: {following.value}'} (n)"

    def on_resize(self) -> None:
        """Break the lines of the verdict for the new width."""
        self.call_after_refresh(self._show_claims)

    # -- what can be done ------------------------------------------------------------------------------

    @on(MoveList.Sent)
    def _sent(self, event: MoveList.Sent) -> None:
        match self._phase:
            case _ if event.option == _GO_ON:
                self.action_next()
            case _ if event.option == _AGAIN:
                self.action_try_again()
            case _ if event.option == _MORE:
                self._add_a_move()
            case LessonPhase.PREDICT:
                self._make(PredictMove(option=event.option))  # type: ignore[arg-type]
            case LessonPhase.QUESTIONS:
                self._make(AnswerMove(question=self._question, option=event.option))  # type: ignore[arg-type]
            case _ if event.switches:
                self._make(DefendMove(on=event.switches))
            case _ if event.move is not None:
                self._make(event.move)
            case _:
                self._tell("Turn a switch on first: space, or a click.")

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
        if self._attempt.has_begun(LessonPhase.REPAIR):
            await self._recorded.start_over(LessonPhase.REPAIR)
        self._add_a_move()

    def action_back(self) -> None:
        self._start(self._back_to_the_attack)

    @on(StoryView.Pointed)
    def _pointed(self, event: StoryView.Pointed) -> None:
        if self.story.points:
            self._make(PointMove(arrow=event.arrow, part=event.part.name))

    def _make(self, move: AnyMove) -> None:
        """Make a move and show what came of it."""

        async def make() -> None:
            await self._recorded.make(move)
            self._adds_a_move = False
            self._said = worth(move, self._attempt, self._words, self._phase)
            if isinstance(move, PredictMove):
                await self._enter()
                return
            if self._phase is self._attempt.next_phase is LessonPhase.BREAK and not self._lesson.ticket:
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
                begun = self._phase in _CLAIMED and self._attempt.has_begun(self._phase)
                return begun and not self._lesson.ticket
            case "back":
                return self._phase is LessonPhase.REPAIR and not self._is_done and self._can_add_a_move
            case "hint":
                return len(self._hints) > self._hints_read
            case "play":
                return self.is_mounted and any(line.receiver for line in self.story.lines)
        return True

    def action_hint(self) -> None:
        self._start(self._read_hint)

    async def _read_hint(self) -> None:
        self._hints_read = self._recorded.next_hint(self._phase)
        self._show()
        self.call_after_refresh(self.query_one("#task").scroll_end, animate=False)

    def action_try_again(self) -> None:
        self._start(partial(self._again, partial(self._recorded.start_over, self._phase)))

    def action_undo(self) -> None:
        self._start(partial(self._again, self._recorded.undo))

    def action_start_over(self) -> None:
        self._start(partial(self._again, self._recorded.start_over))

    async def _again(self, change: Callable[[], Awaitable[None]]) -> None:
        await change()
        self._said = ""
        await self._enter()

    def action_play(self) -> None:
        """Play the requests of this phase, from the selected one on."""
        world = self._attempt.world_of(self._phase)
        if world is not None and world.traces:
            arrow = self.story.arrow or 1
            self.app.push_screen(PlayerScreen(joined(world.traces), at=exchange_place(world.traces, arrow)))
