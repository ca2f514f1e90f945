"""A lesson: the task and the verdict on the left, who said what and the next move on the right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from authlens_core.values.errors import AuthlensError
from authlens_lab.learning.desk.open_lesson import (
    TURNED_BACK,
    LessonPhase,
    OpenLesson,
    Part,
    course_words,
    result,
)
from authlens_lab.learning.moves import Move, move_in
from authlens_tui.screens.learn.action_list import ActionLine, ActionList
from authlens_tui.screens.learn.lesson_text import claim_lines, headed, lesson_text, phases_line, story_lines
from authlens_tui.screens.trace.player import PlayerScreen
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.hanging_text import HangingText
from authlens_tui.widgets.key_binding import ActionChecks, keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.scrolled_views import ReadingScroll
from authlens_tui.widgets.title_bar import TitleBar


class CourseLessonScreen(ActionChecks, Screen[bool]):
    """Shows the progress of an attempt and makes the chosen moves; ends with true once the lesson is over.

    Args:
        note: what is shown first, such as whether the question before it was answered right.
    """

    CSS_PATH = "learn.tcss"
    HELP = (
        "Tab moves between the task, what is to be proved, who said what, and your next move. Enter on "
        "a claim shows the request that decides it."
    )
    BINDINGS = keys("learn/lesson")

    assignment = getters.query_one("#task", ReadingScroll)
    claims = getters.query_one("#claims", ActionList)
    story = getters.query_one("#story", ActionList)
    move = getters.query_one("#move", ActionList)

    def __init__(self, lesson: OpenLesson, note: str = "") -> None:
        super().__init__()
        self._lesson = lesson
        self._note = note
        self._phase = LessonPhase.PREDICT
        self._question = ""
        self._opened = 0  # the arrow whose parts are shown
        self._following: LessonPhase | None = self._phase
        self._is_busy = self._is_closing = False

    def compose(self) -> ComposeResult:
        yield TitleBar(self._lesson.lesson.heading)
        yield Static(id="phases")
        with Horizontal(id="lesson"):
            with Vertical(id="left"):
                with ReadingScroll(id="task"):
                    yield HangingText(id="task-words")
                yield ActionList(id="claims")
            with Vertical(id="right"):
                yield ActionList(id="story")
                yield ActionList(id="move")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.assignment.border_title = "Task"
        self.move.border_title = "Next move"
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
            self._refuse(f"✖ {str(error).removeprefix(f'Move {len(self._lesson.attempt.made) + 1}: ')}")
        finally:
            self._is_busy = False
            if self._is_closing:  # what was made again meanwhile has servers of its own
                await self._lesson.__aexit__()

    def _refuse(self, note: str) -> None:
        """Show why nothing could be done; leave a lesson that cannot be judged."""
        self._note = note
        try:
            self._show()
        except AuthlensError:
            self.notify(note, severity="error", markup=False)
            self.dismiss(False)

    async def _begin(self) -> None:
        lesson = self._lesson
        await lesson.__aenter__()
        again = "You are where you stopped: your moves were made again." if lesson.resumed else ""
        self._note = self._note or lesson.note or again
        await self._enter()

    async def _enter(self) -> None:
        """Show the phase that comes next, at its beginning."""
        self._phase = self._lesson.next_phase or self._lesson.lesson.phases[-1]
        self._question = self._lesson.question
        self._opened = 0
        await self._lesson.prepare()
        self._show(selected="" if self._points else None)

    def _show(self, selected: str | None = None) -> None:
        """Show everything again; a phase that is done waits for Enter before the next one comes.

        Args:
            selected: the key of the line of who said what that is selected; the last arrow if None.
        """
        lesson, phase = self._lesson, self._phase
        self._following = lesson.next_phase
        self.query_one("#phases", Static).update(phases_line(lesson, phase))
        about = lesson.lesson.task if self._asks else lesson.text(phase, self._question)
        hands = "\n".join(f"- ${name}  {value}" for name, value in lesson.credentials(phase))
        hints = lesson.hints(phase)
        read = enumerate(hints[: lesson.progress.hints.get(phase, 0)], 1)
        task = [("", about), *([("In your hands", hands)] if hands else [])]
        task += [(f"Hint {number} of {len(hints)}", hint) for number, hint in read]
        self.query_one("#task-words", HangingText).show(headed(task))
        # Otherwise a bar of the text before takes the width that makes this one need a bar, too.
        self.assignment.show_vertical_scrollbar = False
        self.claims.border_title = "Answers" if phase is LessonPhase.QUESTIONS else "To prove"
        self.claims.show([*self._proved()], selects=False)
        self.query_one("#left").set_class(not self.claims.display, "-alone")
        self._show_story(selected)
        self._show_move()
        (self.story if self._points else self.move).focus()
        self.refresh_bindings()

    def _proved(self) -> Iterator[ActionLine]:
        """Yield the claims, the prediction, or the marked answers."""
        lesson, phase = self._lesson, self._phase
        yield from claim_lines(lesson.proofs(phase), self._open)
        if phase is lesson.lesson.prediction.judged_on:
            yield from (ActionLine(lesson_text(text)) for text in lesson.prediction())
        if phase is LessonPhase.QUESTIONS and self._is_done:
            options = lesson.options(phase, self._question)
            for mark, option in lesson.marks(self._question):
                yield ActionLine(lesson_text(options[option]), Content(f"{mark} {option}  "))

    def _show_story(self, selected: str | None = None) -> None:
        lines = self._lesson.story(self._story_phase)
        rows = [*story_lines(lines, self._opened, self._parts, open_arrow=self._open, point=self._point)]
        if not rows and self._lesson.has_servers(self._phase):
            rows = [ActionLine(Content.styled("Nothing was sent yet.", "$quiet"))]
        if selected is None and not self._points:
            selected = str(max((line.arrow for line in lines), default=0))
        of = f" in {self._story_phase.value}" if self._question else ""
        self.story.border_title = f"Who said what{of}"
        self.story.show(rows, selected)

    @property
    def _story_phase(self) -> LessonPhase:
        """The phase whose requests are shown."""
        return self._lesson.phase_of_requests(self._phase, self._question)

    @property
    def _parts(self) -> tuple[Part, ...]:
        """The parts of the arrow that is open."""
        return self._lesson.parts(self._story_phase, self._opened) if self._opened else ()

    @property
    def _points(self) -> bool:
        """True while the user has to point at a part of a request."""
        return self._phase is LessonPhase.OBSERVE and not self._is_done

    @property
    def _asks(self) -> bool:
        """True while a question is open: it is shown beside its answers."""
        return self._phase in {LessonPhase.PREDICT, LessonPhase.QUESTIONS} and not self._is_done

    @property
    def _is_done(self) -> bool:
        """True once the current phase is over."""
        if self._phase is LessonPhase.QUESTIONS:
            return self._question in self._lesson.attempt.answers
        return self._following is not self._phase

    @on(ActionList.OptionHighlighted, "#story")
    def _show_move(self) -> None:
        choices = [*self._choices()]
        selected = "" if self._is_done else None  # Enter goes on, and makes no move again
        self.move.show([*self._asked(), *choices], selected, selects=self._is_done or len(choices) == 1)

    def _asked(self) -> Iterator[ActionLine]:
        """Yield the result of the last move, and the next prompt, or the meaning of the selected part."""
        lesson = self._lesson
        prompt = course_words("asked")[self._phase]
        texts = [self._note, lesson.text(self._phase, self._question) if self._asks else ""]
        element = next((element for element in self._parts if element.name == self.story.key), None)
        if element and element.meaning:
            texts.append(f"`{element.title}`: {element.meaning}")
        else:
            texts.append("" if self._is_done else prompt)
        texts.append("" if self._following else result(lesson.attempt))
        for text in filter(None, texts):
            yield ActionLine(Content.of(lesson_text(text).stylize_before("$text-accent")))

    def _choices(self) -> Iterator[ActionLine]:
        lesson, phase = self._lesson, self._phase
        can_attack = bool(lesson.lesson.offer) and lesson.attempt.moves_left > 0
        if self._is_done:
            on = f"Go on: {self._following.value}" if self._following else "Back to the catalogue"
            yield _choice(f"{'Next question' if self._following is phase else on} (n)", self.action_next)
            if phase is LessonPhase.BREAK and can_attack:
                yield from self._moves_offered()
            elif self._following is None and not lesson.attempt.passed:
                yield _choice("Answer the questions again", self.action_repeat_phase)
            return
        for name, text in lesson.options(phase, self._question).items():
            sign = f"{name}  " if len(name) == 1 else f"[{'x' if name in self._switches else ' '}] "
            yield _choice(text, partial(self._choose, name), name, sign)
        yield from self._moves_offered()
        if phase is LessonPhase.REPAIR and can_attack:
            yield _choice("Make another move in the attack", partial(self._start, self._attack_again))

    @property
    def _switches(self) -> list[str]:
        """The switches that are on since the last move."""
        moves = self._lesson.attempt.moves
        return [*moves[-1].switches] if moves and moves[-1].verb == "defend" else []

    def _choose(self, name: str) -> None:
        """Choose an option or a switch; the first one goes off for one too many."""
        move = f"answer {self._question} {name}" if self._question else f"predict {name}"
        if self._phase is LessonPhase.REPAIR:
            on = [*(one for one in self._switches if one != name), name]
            move = " ".join(["defend", *on[-self._lesson.lesson.budget :]])
        self._make(move_in(move))

    def _moves_offered(self) -> Iterator[ActionLine]:
        for form in self._lesson.forms(self._phase):
            moves = [*form.moves()]
            if len(moves) > 1:
                yield ActionLine(Content(form.meaning))
            for text, move in moves:
                yield _choice(text, partial(self._make, move), name=f"{form.verb}  ")

    def _make(self, move: Move) -> None:
        """Make a move and show what came of it."""

        async def make() -> None:
            await self._lesson.make(move)
            self._note = self._lesson.worth(move, self._phase)
            if move.verb == "predict":
                await self._enter()
                return
            if self._phase is self._lesson.next_phase is LessonPhase.BREAK:
                self._note += " z takes it back."
            evidence = self._lesson.evidence(self._question) if self._question else None
            if evidence is None:
                self._show()
            else:
                self._opened = evidence[0].arrow
                self._show(selected=evidence[1] or str(self._opened))

        self._start(make)

    def _open(self, arrow: int, selected: str) -> None:
        """Show the parts of an arrow, 0 for none, and select a line."""
        self._opened = arrow
        self._show_story(selected)
        self.story.focus()
        self.story.scroll_to_highlight(top=True)

    def _point(self, element: Part) -> None:
        if self._points:
            self._make(move_in(f"point {self._opened} {element.name}"))
        else:
            self.action_done()

    def action_next(self) -> None:
        """Go on to the next phase or question, whatever has the focus."""
        self._note = ""
        if self._following is None:
            self.dismiss(True)
        else:
            self._start(self._enter)

    def can_next(self) -> bool:
        return self._is_done

    async def _attack_again(self) -> None:
        """Go back, and add a move to the attack, which the repair has to stop as well."""
        if self._lesson.attempt.has_begun(LessonPhase.REPAIR):
            await self._lesson.start_over(LessonPhase.REPAIR)
        self._phase, self._note = LessonPhase.BREAK, ""
        self._show()

    def action_done(self) -> None:
        """Leave out the parts of an arrow again, or else leave the lesson."""
        if self._opened:
            self._open(0, str(self._opened))
        else:
            self.dismiss(False)

    def action_read(self, by: int) -> None:
        """Turn the pages of the task, whatever has the focus."""
        self.assignment.action_page_down() if by > 0 else self.assignment.action_page_up()

    def action_hint(self) -> None:
        self._start(self._read_hint)

    def can_hint(self) -> bool:
        return bool(self._lesson.hints(self._phase))

    async def _read_hint(self) -> None:
        self._lesson.next_hint(self._phase)
        self._show()
        self.call_after_refresh(self.assignment.scroll_end, animate=False)

    def action_repeat_phase(self) -> None:
        self._start(partial(self._repeat, self._phase))

    def can_repeat_phase(self) -> bool:
        is_over = self._following is None  # the questions can be answered again
        return is_over or (self._phase.is_judged and self._lesson.attempt.has_begun(self._phase))

    def action_start_over(self) -> None:
        self._start(self._repeat)

    def can_start_over(self) -> bool:
        return self._phase is not LessonPhase.PREDICT

    async def _repeat(self, phase: LessonPhase | None = None) -> None:
        await self._lesson.start_over(phase)
        self._note = "" if phase is None else TURNED_BACK
        await self._enter()

    def action_undo(self) -> None:
        """Undo the last move."""
        self._start(self._undo)

    can_undo = can_repeat_phase

    async def _undo(self) -> None:
        await self._lesson.undo()
        self._note = ""
        await self._enter()

    def action_play(self) -> None:
        """Play the requests of this phase, from the selected one on."""
        key = self.story.key
        arrow = int(key) if key.isdigit() else self._opened or 1
        if (sent := self._lesson.trace(self._story_phase, arrow)) is not None:
            self.app.push_screen(PlayerScreen(sent[0], start=sent[1]))

    def can_play(self) -> bool:
        return self.story.can_focus


def _choice(text: str, act: Callable[[], object], key: str = "", name: str = "") -> ActionLine:
    return ActionLine(lesson_text(text), Content.styled(name, "bold"), act, key)
