"""One lesson that is being done: what is shown of it, what can be done next, and what a move was worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from authlens_core.learning.guide.offers import Argument, Choice, MoveForm, forms
from authlens_core.learning.guide.story import (
    Part,
    StoryLine,
    exchange_place,
    held,
    line_of,
    meaning,
    parts,
    spoken,
    story,
)
from authlens_core.learning.guide.verdict_lines import (
    ClaimState,
    VerdictLine,
    outcome_lines,
    prediction_line,
    verdict_lines,
)
from authlens_core.learning.lesson import CourseLesson, LessonPhase
from authlens_core.learning.moves import AnswerMove, AnyMove, DefendMove, PointMove, PredictMove
from authlens_core.learning.outcome import joined
from authlens_core.learning.progress.recorded_attempt import RecordedAttempt
from authlens_core.trace.record import Trace

__all__ = [
    "TURNED_BACK",
    "Argument",
    "Choice",
    "ClaimState",
    "LessonPhase",
    "MoveForm",
    "OpenLesson",
    "Part",
    "StoryLine",
    "VerdictLine",
    "spoken",
]

TURNED_BACK = "Time is turned back: the same servers start again, and give out the same codes and tokens."
"""What starting a phase over does."""


class OpenLesson(RecordedAttempt):
    """A lesson, where it stopped. What a phase shows depends on the moves so far."""

    @property
    def drawn(self) -> CourseLesson:
        """The lesson with what the seed drew."""
        return self.attempt.lesson

    @property
    def passed(self) -> bool:
        return self.attempt.outcome().passed

    @property
    def next_phase(self) -> LessonPhase | None:
        """The first phase that is not passed; None after the last answer."""
        return self.attempt.next_phase

    @property
    def question(self) -> str:
        """The first question without an answer; the last one after that."""
        names = [question.name for question in self.lesson.questions]
        return next((name for name in names if name not in self.attempt.answers), names[-1])

    async def prepare(self) -> None:
        """Start the servers of the attack before its first move, to show what leaked."""
        if self.next_phase is LessonPhase.BREAK:
            await self.attempt.prepare_attack()

    # -- what a phase shows ----------------------------------------------------------------------------

    def text(self, phase: LessonPhase, question: str = "") -> str:
        """Return what a phase is about, or a question of it."""
        return self.lesson.words.texts[f"questions/{question}" if question else phase.value]

    def options(self, phase: LessonPhase, question: str = "") -> Mapping[str, str]:
        """Return what can be chosen: options by their letters, or switches by their names; or nothing."""
        known = {
            LessonPhase.PREDICT: tuple(self.drawn.prediction.options),
            LessonPhase.REPAIR: self.drawn.repair.offer,
            LessonPhase.QUESTIONS: ("a", "b", "c"),
        }
        about = f"questions/{question}" if question else phase.value
        return self.lesson.words.options(about, known.get(phase, ()))

    def forms(self, phase: LessonPhase) -> tuple[MoveForm, ...]:
        """Return the moves of a phase with the credentials that are held; none where something is chosen."""
        world = self.attempt.world_of(phase)
        return forms(self.drawn, phase, () if world is None else world.loot)

    def held(self, phase: LessonPhase) -> tuple[tuple[str, str], ...]:
        """Return the credentials that are in your hands, by name, masked; none where no move can use them."""
        world = self.attempt.world_of(phase)
        return held(world) if world and self.forms(phase) else ()

    def has_servers(self, phase: LessonPhase) -> bool:
        """Return whether there are servers that a phase is about."""
        return self.attempt.world_of(phase) is not None

    def told_in(self, phase: LessonPhase, question: str = "") -> LessonPhase:
        """Return the phase whose requests are shown: of a question, the one that it is about."""
        return self.lesson.question(question).about if question else phase

    def evidence(self, question: str) -> tuple[StoryLine, str] | None:
        """Return the line of your own requests that shows the right answer, and its part; None if none does.

        The part is empty where the line as a whole shows it.
        """
        asked = self.lesson.question(question)
        verdicts = self.attempt.judged(asked.about, asked.shown_by)
        if not verdicts or not all(verdict.holds for verdict in verdicts):
            return None
        claim, row = verdicts[-1].claim, verdicts[-1].rows[0]
        parts = (test.field for test in claim.tests if "." in test.field and test.field in row.values)
        return line_of(row), next(parts, "")

    def story(self, phase: LessonPhase) -> tuple[StoryLine, ...]:
        """Return who said what so far."""
        return story(self.attempt.world_of(phase))

    def parts(self, phase: LessonPhase, arrow: int) -> tuple[Part, ...]:
        """Return the parts of a request and its answer, masked; nothing if there is no such arrow."""
        world = self.attempt.world_of(phase)
        line = next((one for one in self.story(phase) if one.arrow == arrow and one.receiver), None)
        return () if world is None or line is None else tuple(parts(world, line.row))

    def trace(self, phase: LessonPhase, arrow: int) -> tuple[Trace, tuple[int, int]] | None:
        """Return everything that was sent, and where an arrow is in it; None before anything was."""
        world = self.attempt.world_of(phase)
        if world is None or not world.traces:
            return None
        return joined(world.traces), exchange_place(world.traces, arrow)

    def proofs(self, phase: LessonPhase) -> tuple[VerdictLine, ...]:
        """Return what is to be proved in a phase, and what came of it."""
        return verdict_lines(self.attempt.verdict(phase), self.lesson.words) if phase.is_judged else ()

    def verdict(self) -> tuple[str, ...]:
        """Return the verdict on all phases, line by line."""
        return tuple(outcome_lines(self.attempt.outcome()))

    def prediction(self) -> tuple[str, ...]:
        """Return what was predicted, and what the moves say once they say it."""
        return tuple(prediction_line(self.attempt.outcome()))

    def marks(self, question: str) -> Iterator[tuple[str, str]]:
        """Yield each option of an answered question with its sign: right, chosen in vain, or neither."""
        right = self.attempt.right_options(self.attempt.lesson.question(question))
        for option in "abc":
            chosen = option == self.attempt.answers[question]
            yield "✔" if option in right else "✖" if chosen else " ", option

    @property
    def moves_left(self) -> int:
        """How many moves the attack may still have."""
        return self.attempt.moves_left

    def hints(self, phase: LessonPhase) -> tuple[str, ...]:
        """Return the hints of a phase; none in an exam."""
        return () if self.lesson.ticket else self.lesson.words.hints(phase)

    # -- moves -----------------------------------------------------------------------------------------

    def worth(self, move: AnyMove, phase: LessonPhase) -> str:
        """Return in a sentence or two what a move was worth, just after it was made in a phase."""
        if isinstance(move, PredictMove):
            return "Now find out."
        if isinstance(move, AnswerMove):
            return self._of_answer(move)
        passed = self.attempt.verdict(phase).passed
        if isinstance(move, PointMove):
            return self._of_point(move, passed=passed)
        if passed:
            return f"✔ {phase.value.capitalize()} is done."
        if self.attempt.is_lost(phase):
            return f"✖ {phase.value.capitalize()} is over, and not passed."
        if isinstance(move, DefendMove):
            return f"✖ Not enough: {' '.join(self.lesson.words.texts[f'repair/{name}'] for name in move.on)}"
        if phase is not LessonPhase.BREAK:
            return f"Made: {move.verb}. Not everything is proved yet."
        left = self.moves_left
        return f"Made: {move.verb}. {left} {'move is' if left == 1 else 'moves are'} left."

    def _of_point(self, move: PointMove, *, passed: bool) -> str:
        world = self.attempt.world_of(LessonPhase.OBSERVE)
        rows = () if world is None else world.rows
        values = next((row.values for row in rows if row.arrow == move.arrow and move.part in row.values), {})
        decides = meaning(move.part, values.get("purpose", ""))
        if passed:
            return f"✔ Right: {move.part} of arrow {move.arrow}. {decides}".rstrip()
        again = "" if self.lesson.ticket else " Point at another part."
        around, wanted = str(values.get(move.part, "")), self.drawn.observation.parts
        if any(str(values[part]) in around for part in wanted if part in values):  # a parameter in its header
            return f"✖ Not {move.part} as a whole. A value within it has its own part.{again}"
        return f"✖ Not {move.part}. {decides or 'It does not decide this.'}{again}"

    def _of_answer(self, move: AnswerMove) -> str:
        name, texts = f"questions/{move.question}", self.lesson.words.texts
        right = next(option for sign, option in self.marks(move.question) if sign == "✔")
        wrong = f"✖ No. {right}: {texts[f'{name}/{right}'].removesuffix('.')}."
        said = "✔ Right." if move.option == right else wrong
        if why := texts.get(f"{name}/why"):
            return f"{said} {why}"
        if (shown := self.evidence(move.question)) is None:
            return said
        line, part = shown
        arrow = f", arrow {line.arrow}" if line.arrow else ""
        seen = f"{self.lesson.question(move.question).about.value}{arrow}: {line.text}"
        return f"{said} You saw it in {seen}{f', with `{part}`' if part else ''}."
