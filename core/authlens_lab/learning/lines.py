"""An attempt as lines: the task of a phase, the requests, the verdict, and what a move achieved.

The screen and the plain course print them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from authlens_core.trace.record import Trace, sent_once
from authlens_lab.learning.attempt import LessonAttempt
from authlens_lab.learning.claim import Claim, Operator
from authlens_lab.learning.lesson import CourseLesson
from authlens_lab.learning.moves import LessonPhase, Move, course_words
from authlens_lab.learning.offers import MoveForm, forms
from authlens_lab.learning.row import WORDS, EvidenceRow, Source
from authlens_lab.learning.story import (
    Part,
    StoryLine,
    line_of,
    masked_loot,
    meaning,
    part_title,
    parts,
    spoken,
    story,
)
from authlens_lab.learning.verdict import ClaimVerdict, trace_of


class ClaimState(StrEnum):
    """The value is the sign."""

    MET = "✔"
    UNMET = "✖"
    OPEN = "○"


class VerdictLine(Struct, frozen=True):
    """One thing to prove.

    Attributes:
        details: how it was met, or what came nearest and where that differs.
        arrow: the request that shows it; 0 where it was no request.
    """

    state: ClaimState
    words: str
    details: tuple[str, ...] = ()
    arrow: int = 0


_KIND: Final = frozenset({"what", "purpose", "stage", "name"})
"""The fields without which a row is not even of the kind that a claim asks for."""
_TITLES: Final = {
    **dict.fromkeys(("seat", "at", "user", "browser"), "party"),
    "reason": "reason",
    "severity": "severity",
}
"""The table of the words of a field, where it has one."""


class LessonLines:
    """The lines of an attempt.

    Attributes:
        attempt: the moves made, and their verdicts.
    """

    def __init__(self, attempt: LessonAttempt) -> None:
        self.attempt = attempt

    @property
    def lesson(self) -> CourseLesson:
        """The lesson with what the seed drew, and the letters of this attempt."""
        return self.attempt.lesson

    def text(self, phase: LessonPhase, question: str = "") -> str:
        """Return what a phase is about, or a question of it."""
        return self.lesson.text(phase, question)

    def options(self, phase: LessonPhase, question: str = "") -> Mapping[str, str]:
        """Return what can be chosen: options by their letters, or switches by their names; or nothing."""
        if question:
            return self.lesson.question(question).words
        if phase is LessonPhase.PREDICT:
            return self.lesson.prediction.words
        return self.lesson.offer if phase is LessonPhase.REPAIR else {}

    def hints(self, phase: LessonPhase) -> tuple[str, ...]:
        """Return the hints of a phase: where to look, which value, and the move; a run has none."""
        return self.lesson.hints.get(phase, ())

    def forms(self, phase: LessonPhase) -> tuple[MoveForm, ...]:
        """Return the moves of a phase with the learner's credentials; none if an option is to be chosen."""
        world = self.attempt.world_of(phase)
        return forms(self.lesson, phase, () if world is None else world.loot)

    def credentials(self, phase: LessonPhase) -> tuple[tuple[str, str], ...]:
        """Return the learner's credentials by name, masked; none if no move can use them."""
        world = self.attempt.world_of(phase)
        return masked_loot(world) if world and self.forms(phase) else ()

    def has_servers(self, phase: LessonPhase) -> bool:
        """Return whether there are servers that a phase is about."""
        return self.attempt.world_of(phase) is not None

    def phase_of_requests(self, phase: LessonPhase, question: str = "") -> LessonPhase:
        """Return the phase whose requests are shown: for a question, the one that it is about."""
        return self.lesson.question(question).about if question else phase

    def story(self, phase: LessonPhase) -> tuple[StoryLine, ...]:
        """Return who said what so far."""
        return story(self.attempt.rows_of(phase))

    def parts(self, phase: LessonPhase, arrow: int) -> tuple[Part, ...]:
        """Return the parts of a request and its answer, masked; nothing if there is no such arrow."""
        world = self.attempt.world_of(phase)
        line = next((one for one in self.story(phase) if one.arrow == arrow and one.receiver), None)
        return () if world is None or line is None else tuple(parts(world, line.row))

    def trace(self, phase: LessonPhase, arrow: int) -> tuple[Trace, tuple[int, int]] | None:
        """Return everything that was sent, and where an arrow is in it; None before anything was."""
        world = self.attempt.world_of(phase)
        if world is None or not world.records:
            return None
        *_, (record, exchange, _) = islice(sent_once(world.records), arrow)
        return trace_of(world.records, world.emulator.resource_url), (record, exchange)

    def proofs(self, phase: LessonPhase) -> tuple[VerdictLine, ...]:
        """Return a line for each claim of a phase, and one for the honest login if it has to work."""
        if not phase.is_judged:
            return ()
        verdict = self.attempt.verdict(phase)
        is_repair = phase is LessonPhase.REPAIR
        can_come = not is_repair or verdict.honest is None
        lines = [_line(claim, begun=verdict.begun, can_come=can_come) for claim in verdict.claims]
        if is_repair and self.lesson.offer:
            state = {None: ClaimState.OPEN, True: ClaimState.MET, False: ClaimState.UNMET}[verdict.honest]
            can = "cannot" if verdict.honest is False else "can"
            lines.append(VerdictLine(state, f"Ada {can} log in as usual afterwards."))
        return tuple(lines)

    def prediction(self) -> tuple[str, ...]:
        """Return the prediction, and the option that the moves confirm once they do."""
        predicted = self.attempt.predicted
        borne_out = self.attempt.held
        options = self.lesson.prediction.words
        lines = [f"You predicted {predicted}: {options[predicted]}"] if predicted else []
        if predicted and borne_out == (predicted,):
            lines.append("✔ Your requests show just that.")
        elif predicted and borne_out:
            lines.append(f"✖ Your requests show {borne_out[0]}: {options[borne_out[0]]}")
        return tuple(lines)

    def verdict(self) -> tuple[str, ...]:
        """Return the verdict on each phase, with what shows it or comes nearest, to be read aloud."""
        lines: list[str] = []
        for verdict in self.attempt.verdicts:
            state = "not passed" if verdict.begun else "to do"
            if verdict.passed:  # a prediction that was wrong, too
                state = "made" if verdict.phase is LessonPhase.PREDICT else "passed"
            lines.append(f"Phase {verdict.phase.value}: {state}.")
            lines += proof_texts(self.proofs(verdict.phase)) if verdict.begun else ()
        if self.attempt.answers:
            lines.append(f"{self.attempt.right_answers} of {len(self.lesson.questions)} answers are right.")
        return (*lines, *self.prediction())

    def as_json(self) -> dict[str, Any]:
        """Return the verdict without a credential and without the right answers."""
        attempt = self.attempt
        return {
            "lesson": self.lesson.name,
            "version": self.lesson.version,
            "seed": attempt.seed,
            "passed": attempt.passed,
            "predicted": attempt.predicted,
            "held": attempt.held,
            "questions": f"{attempt.right_answers}/{len(self.lesson.questions)}",
            "missed": attempt.missed,
            "phases": [
                {
                    "phase": verdict.phase,
                    "passed": verdict.passed,
                    "honest_login": verdict.honest,
                    "claims": [
                        _claim_json(claim, line)
                        for claim, line in zip(verdict.claims, self.proofs(verdict.phase), strict=False)
                    ],
                }
                for verdict in attempt.verdicts
            ],
        }

    def evidence(self, question: str) -> tuple[StoryLine, str] | None:
        """Return the line that shows the right answer, and its part; None if no line does.

        The part is empty where the line as a whole shows it.
        """
        entry = self.lesson.question(question)
        verdicts = self.attempt.judge_claims(entry.about, entry.shown_by)
        if not verdicts or not all(verdict.holds for verdict in verdicts):
            return None
        claim = verdicts[-1].claim
        row = verdicts[-1].rows[0]
        names = (
            test.field
            for tests in claim.alternatives
            for test in tests
            if "." in test.field and test.field in row.values
        )
        return line_of(row), next(names, "")

    def marks(self, question: str) -> Iterator[tuple[str, str]]:
        """Yield each option of an answered question with its sign: right, wrongly chosen, or neither."""
        entry = self.lesson.question(question)
        right = self.attempt.right_options(entry)
        for option in entry.options:
            sign = "✖" if option == self.attempt.answers[question] else " "
            yield "✔" if option in right else sign, option

    def worth(self, move: Move, phase: LessonPhase) -> str:
        """Return in a sentence or two what a move achieved, just after it was made in a phase."""
        if move.verb == "predict":
            return "Now find out."
        if move.verb == "answer":
            return self._answer_result(move["question"], move["option"])
        passed = self.attempt.verdict(phase).passed
        if move.verb == "point":
            return _point_result(self.attempt, int(move["arrow"]), move["part"], passed=passed)
        if passed:
            return f"✔ {phase.value.capitalize()} is done."
        if move.verb == "defend":
            return f"✖ Not enough: {' '.join(self.lesson.offer[name] for name in move.switches)}"
        if phase is not LessonPhase.BREAK:
            return f"Made: {move.verb}. Not everything is proved yet."
        remaining = self.attempt.moves_left
        return f"Made: {move.verb}. {remaining} {'move is' if remaining == 1 else 'moves are'} left."

    def _answer_result(self, question: str, option: str) -> str:
        right = next(letter for sign, letter in self.marks(question) if sign == "✔")
        verdict = answer_text(self.lesson, question, option, right)
        evidence = self.evidence(question)
        entry = self.lesson.question(question)
        if evidence is None or entry.why:
            return verdict
        line, field = evidence
        arrow = f", arrow {line.arrow}" if line.arrow else ""
        field = f", with `{field}`" if field else ""
        return f"{verdict} You saw it in {entry.about.value}{arrow}: {line.text}{field}."


def _claim_json(claim: ClaimVerdict, line: VerdictLine) -> dict[str, Any]:
    return {"line": claim.claim.line, "text": claim.claim.text, "holds": claim.holds, **asdict(line)}


def proof_texts(proofs: Iterable[VerdictLine]) -> Iterator[str]:
    """Yield each thing to prove, with what shows it or comes nearest, to be read aloud."""
    for line in proofs:
        yield f"{'To prove:' if line.state is ClaimState.OPEN else line.state.value} {line.words}"
        yield from (f"  {spoken(detail)}." for detail in line.details)


def result(attempt: LessonAttempt) -> str:
    """Return whether the lesson is passed, or what is missing."""
    questions = len(attempt.lesson.questions)
    right = f"{attempt.right_answers} of {questions} answers are right"
    if attempt.passed:
        return f"✔ You passed: {right}." if questions else "✔ You passed."
    phases = ", ".join(verdict.phase.value for verdict in attempt.verdicts if not verdict.passed)
    return f"✖ Not passed: {phases}. {right}, and {attempt.lesson.right_to_pass} have to be."


def _point_result(attempt: LessonAttempt, arrow: int, field: str, *, passed: bool) -> str:
    rows = [row.values for row in attempt.rows_of(LessonPhase.OBSERVE) if row.arrow == arrow]
    values = next((values for values in rows if field in values), {})
    decides = meaning(field, values.get("purpose", ""))
    if passed:
        return f"✔ Right: {part_title(field)} of arrow {arrow}. {decides}".rstrip()
    again = " Point at another part."
    right_fields = attempt.lesson.observation.parts
    # A parameter in its header.
    if any(str(values[one]) in str(values.get(field, "")) for one in right_fields if one in values):
        return f"✖ Not {part_title(field)} as a whole. A value within it has its own part.{again}"
    return f"✖ Not {part_title(field)}. {decides or 'It does not decide this.'}{again}"


def answer_text(lesson: CourseLesson, question: str, option: str, right: str) -> str:
    """Return whether an answer is right, which one is, and why, if the lesson says it in words."""
    entry = lesson.question(question)
    wrong = f"✖ No. {right}: {entry.words[right].removesuffix('.')}."
    return f"{'✔ Right.' if option == right else wrong} {entry.why}".rstrip()


def _line(verdict: ClaimVerdict, *, begun: bool, can_come: bool) -> VerdictLine:
    """Return the line of a claim.

    Args:
        can_come: whether what it asks for may still happen.
    """
    sentence = verdict.claim.sentence
    nearest = verdict.nearest
    is_other = nearest is not None and not _KIND.isdisjoint(nearest.unmet)
    row = nearest.row if nearest else next(iter(verdict.rows), None)
    if not begun or row is None or (is_other and can_come):
        state = ClaimState.MET if begun and verdict.holds else ClaimState.OPEN
        return VerdictLine(state, sentence)
    line = line_of(row)
    source = f"arrow {line.arrow}: {line.text}" if line.arrow else line.text
    if verdict.holds:
        return VerdictLine(ClaimState.MET, sentence, (source,), line.arrow)
    if nearest is None:
        details: tuple[str, ...] = ("It must not happen, and it did.", source)
    elif not is_other:
        differs = (_differs(verdict.claim, name, row) for name in nearest.unmet)
        details = (f"Nearest is {source}", *differs)
    elif row.source is Source.EVENT:
        details = (f"Instead: {source}",)
    else:
        return VerdictLine(ClaimState.UNMET, sentence, ("It has not happened",))
    return VerdictLine(ClaimState.UNMET, sentence, details, line.arrow)


def _differs(claim: Claim, name: str, row: EvidenceRow) -> str:
    """Return how a row differs from a claim in a field, without a value that may be a credential."""
    if name.startswith(("after ", "before ")):
        return f"It has to come {name.partition(' ')[0]} what the line above it shows."
    label = course_words("field").get(name, name)
    test = next(test for tests in claim.alternatives for test in tests if test.field == name)
    if test.operator in {Operator.PRESENT, Operator.ABSENT}:
        return f"{label}: {'missing' if test.operator is Operator.PRESENT else 'must not be there'}"
    expected = test.value if isinstance(test.value, tuple) else (test.value,)
    is_plain = WORDS[row.source].get(name) or name == "status"
    if not is_plain or not all(isinstance(one, str | int) for one in expected):
        return f"{label}: another one"
    titles = course_words(_TITLES[name]) if name in _TITLES else {}
    actual, *either = (
        titles.get(str(one), str(one).replace("_", " ")) for one in (row.values.get(name, "none"), *expected)
    )
    return f"{label}: {actual}, but it has to be {' or '.join(either)}"
