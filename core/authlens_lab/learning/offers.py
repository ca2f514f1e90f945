"""What a learner can do now, as forms: a move, and the choices for each of its arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import product
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from authlens_lab.learning.lesson import CourseLesson
from authlens_lab.learning.moves import MOVES, Argument, LessonPhase, Move, course_words


class MoveForm(Struct, frozen=True):
    """A move that can be made now.

    Attributes:
        arguments: with the choices that there are here; the first one is what a typed move can leave out.
    """

    verb: str
    arguments: tuple[Argument, ...] = ()

    @property
    def meaning(self) -> str:
        """What it does, in a sentence."""
        return str(course_words("move")[self.verb])

    def moves(self) -> Iterator[tuple[str, Move]]:
        """Yield each move that can be made, after the words for its choices."""
        usual = {one.name: one.usual or one.choices[0] for one in MOVES[self.verb].arguments if one.choices}
        for combination in product(*(one.choices for one in self.arguments)):
            choices = dict(zip(self.arguments, combination, strict=True))
            chosen = [f"{one.title}: {one.label(value)}" for one, value in choices.items() if one.choices[1:]]
            values = {one.name: value for one, value in choices.items()}
            yield ", ".join(chosen) or self.meaning, Move(self.verb, {**usual, **values})


def forms(lesson: CourseLesson, phase: LessonPhase, loot: Collection[str]) -> tuple[MoveForm, ...]:
    """Return the moves of a phase; none if the phase is a choice between options or switches.

    Args:
        loot: the credentials that the learner holds.
    """
    allowed = {
        LessonPhase.RUN: ("login",),
        LessonPhase.BREAK: lesson.attack.moves,
        LessonPhase.REPAIR: lesson.repair.moves,
    }.get(phase, ())
    return tuple(
        MoveForm(verb, tuple(_arguments(verb, lesson, loot)))
        for verb in allowed
        if loot or not any(one.names_credential and one.usual for one in MOVES[verb].arguments)
    )


# What means something in the world of some lessons alone: where this party, fault or move is.
_MEANT_WITH: Final = {
    "second": "second",
    "rogue": "rogue",
    "inside": "internal",
    "mine": "link",
    "scope": "step-up",
    "redirect_uri": "link",
    "device": "device_start",
}


def _arguments(verb: str, lesson: CourseLesson, loot: Collection[str]) -> Iterator[Argument]:
    world = lesson.world
    there = {*world.parties, *world.faults, *lesson.attack.moves}
    for one in MOVES[verb].arguments:
        if _MEANT_WITH.get(one.name) not in {None, *there}:
            continue
        choices = lesson.attack.causes if one.name == "diagnosis" else one.choices
        if one.names_credential:  # a client's name is none
            choices = tuple(choice for choice in choices if choice != "$client")
        fitting = [
            choice
            for choice in choices
            if (choice[1:] in loot if choice.startswith("$") else _MEANT_WITH.get(choice) in {None, *there})
        ]
        # A party that is there, or a device login, is meant where one can be named.
        if one.usual == "" and len(fitting) > 1 and one.name != "scope":
            fitting.remove("")
        if fitting and fitting != [""]:
            yield replace(one, choices=tuple(sorted(fitting, key=lambda choice: choice != one.usual)))
