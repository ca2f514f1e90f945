"""What is said to a move that was made, where no claim says it."""

from __future__ import annotations

from collections.abc import Iterator

from authlens_core.learning.attempt import LessonAttempt
from authlens_core.learning.guide.story import meaning
from authlens_core.learning.lesson import LessonPhase
from authlens_core.learning.moves import AnswerMove, AnyMove, DefendMove, PointMove, PredictMove
from authlens_core.learning.words_file import LessonWords


def worth(move: AnyMove, attempt: LessonAttempt, words: LessonWords, phase: LessonPhase) -> str:
    """Return in a sentence or two what a move was worth, just after it was made.

    Args:
        phase: the one that it was made in.
    """
    passed = attempt.verdict(phase).passed
    match move:
        case PredictMove():
            return "Now find out."
        case PointMove():
            decides = meaning(move.part)
            again = "" if attempt.lesson.ticket else " Point at another part."
            if passed:
                return f"✔ Right: {move.part} of arrow {move.arrow}. {decides}".rstrip()
            if _is_around(move, attempt):
                return f"✖ Not {move.part} as a whole. A value within it has its own part.{again}"
            return f"✖ Not {move.part}. {decides or 'It does not decide this.'}{again}"
        case AnswerMove():
            right = next(option for sign, option in answer_marks(attempt, move.question) if sign == "✔")
            text = words.texts[f"questions/{move.question}/{right}"]
            return "✔ Right." if move.option == right else f"✖ No. {right}: {text}"
    if passed:
        return " ".join([f"✔ {phase.value.capitalize()} is done.", *_prediction(attempt, phase)])
    if isinstance(move, DefendMove):
        return f"✖ Not enough: {' '.join(words.texts[f'repair/{name}'] for name in move.on)}"
    if phase is not LessonPhase.BREAK:
        return f"Made: {move.verb}. Not everything is proved yet."
    left = moves_left(attempt)
    more = f"{left} {'move is' if left == 1 else 'moves are'} left"
    return f"Made: {move.verb}. {more}."


def _prediction(attempt: LessonAttempt, phase: LessonPhase) -> Iterator[str]:
    """Yield the result of the prediction, in the phase that it was about."""
    outcome = attempt.outcome()
    if attempt.lesson.prediction.judged_on is phase and outcome.held:
        seen = outcome.held[0]
        yield f"You predicted {outcome.option}, and it is {seen}."


def _is_around(move: PointMove, attempt: LessonAttempt) -> bool:
    """Return whether a right part is within the one that was pointed at, as a parameter is in its header."""
    world, wanted = attempt.world_of(LessonPhase.OBSERVE), attempt.lesson.observation.parts
    rows = () if world is None else world.rows
    values = next((row.values for row in rows if row.arrow == move.arrow and move.part in row.values), {})
    around = str(values.get(move.part, ""))
    return any(str(values[part]) in around for part in wanted if part in values)


def moves_left(attempt: LessonAttempt) -> int:
    """Return how many moves the attack may still have."""
    made = sum(each.phase is LessonPhase.BREAK for each in attempt.made)
    return attempt.lesson.attack.most - made


def answer_marks(attempt: LessonAttempt, question: str) -> Iterator[tuple[str, str]]:
    """Yield each option of a question that was answered, with its sign: right, chosen in vain, or neither."""
    asked = next(one for one in attempt.lesson.questions if one.name == question)
    right = attempt.right_options(asked)
    for option in "abc":
        chosen = option == attempt.answers[question]
        yield "✔" if option in right else "✖" if chosen else " ", option
