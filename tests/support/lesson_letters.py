"""The letters of a lesson as its files have them, and as an attempt shows them."""

import re
from collections.abc import Iterable

import pytest

from authlens_core.trace.record import Trace
from authlens_lab.learning.desk import open_lesson
from authlens_lab.learning.lesson import CourseLesson, Prediction, Question
from authlens_lab.learning.moves import Move, move_in


def as_in_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_lesson, "FIRST_ORDER", 0)


def lettered(lesson: CourseLesson, moves: Iterable[Move], seed: int) -> list[Move]:
    """Return moves with the letters that the first attempt with a seed shows."""
    drawn = lesson.for_seed(seed)
    shown = drawn.in_order(seed, 1)

    def lettered_as(move: Move) -> Move:
        match move.verb:
            case "predict":
                letter = _letter(drawn.prediction, shown.prediction, move["option"])
                return move_in(f"predict {letter}")
            case "answer":
                name = move["question"]
                letter = _letter(drawn.question(name), shown.question(name), move["option"])
                return move_in(f"answer {name} {letter}")
        return move

    return [lettered_as(move) for move in moves]


def _letter(own: Prediction | Question, shown: Prediction | Question, option: str) -> str:
    return next(letter for letter, words in shown.words.items() if words == own.words[option])


def secrets_of(trace: Trace) -> set[str]:
    """Return the codes and tokens of a trace."""
    bodies = [
        message.body.reveal().decode()
        for record in trace.records
        for exchange in record.exchanges
        for message in (exchange.request, exchange.response)
        if message is not None
    ]
    return set(re.findall(r'(?:code=|"(?:access|refresh)_token": ")([\w-]{20,})', "\n".join(bodies)))
