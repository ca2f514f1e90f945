"""A lesson as one student of an exam gets it: its orders, and the names of credentials, are drawn.

The moves of another student choose by letters that mean something else here. The seed of the worlds is the
ticket's too, so a lesson that draws its own world draws it by that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from msgspec import structs

from authlens_core.learning.lesson import CourseLesson, LessonWords
from authlens_core.learning.tickets import Ticket

_LETTERS = ("a", "b", "c")


def drawn(lesson: CourseLesson, ticket: Ticket) -> CourseLesson:
    """Return a lesson as a ticket draws it."""
    start = f"{ticket.seed}/{lesson.name}"
    options = _order(f"{start}/predict", lesson.prediction.options)
    letters = {"predict": options}
    questions = []
    for question in lesson.questions:
        order = letters[f"questions/{question.name}"] = _order(f"{start}/{question.name}", _LETTERS)
        shown = dict(zip(order, _LETTERS, strict=True))  # the letter of each option, by its own
        questions.append(
            structs.replace(
                question,
                right=shown.get(question.right, ""),
                cures={shown[letter]: name for letter, name in question.cures.items()},
                **{shown[letter]: claims for letter, claims in question.options.items()},
            )
        )
    own = lesson.prediction.options
    prediction = structs.replace(
        lesson.prediction, **{letter: own[drawn] for letter, drawn in zip(own, options, strict=True)}
    )
    return structs.replace(
        lesson,
        words=_worded(lesson.words, letters),
        world=structs.replace(lesson.world, mark=ticket.mark),
        prediction=prediction,
        repair=structs.replace(lesson.repair, offer=_order(f"{start}/offer", lesson.repair.offer)),
        questions=tuple(questions),
        ticket=ticket,
    )


def _order(drawn_by: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return names in the order that is drawn; the same on every machine and version of Python."""
    return tuple(sorted(names, key=lambda name: hashlib.sha256(f"{drawn_by}/{name}".encode()).digest()))


def _worded(words: LessonWords, letters: Mapping[str, tuple[str, ...]]) -> LessonWords:
    texts = dict(words.texts)
    for start, order in letters.items():
        for letter, own in zip(_LETTERS, order, strict=False):
            texts[f"{start}/{letter}"] = words.texts[f"{start}/{own}"]
    return replace(words, texts=texts)
