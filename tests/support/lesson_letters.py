"""The letters of a lesson as its files have them, and as an attempt shows them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from authlens_core.learning.desk import open_lesson
from authlens_core.learning.lesson import CourseLesson
from authlens_core.learning.moves import AnswerMove, AnyMove, PredictMove

__all__ = ["as_in_the_files", "lettered"]


def as_in_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every first attempt show its options in the order of the files."""
    monkeypatch.setattr(open_lesson, "FIRST_ORDER", 0)


def lettered(lesson: CourseLesson, moves: Iterable[AnyMove], seed: int) -> list[AnyMove]:
    """Return moves with the letters that the first attempt with a seed shows."""
    shown = lesson.for_seed(seed).in_order(seed, 1).words

    def letter(about: str, option: str) -> str:
        wanted = lesson.words.texts[f"{about}/{option}"]
        known = [one for one in "abc" if f"{about}/{one}" in shown.texts]
        return next(one for one in known if shown.texts[f"{about}/{one}"] == wanted)

    made: list[AnyMove] = []
    for move in moves:
        match move:
            case PredictMove():
                made.append(replace(move, option=letter("predict", move.option)))
            case AnswerMove():
                made.append(replace(move, option=letter(f"questions/{move.question}", move.option)))
            case _:
                made.append(move)
    return made
