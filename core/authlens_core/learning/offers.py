"""What a learner can do now, as forms: a move of the table, and what each of its arguments can be here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.learning.lesson import CourseLesson
from authlens_core.learning.moves import MOVES, Argument, LessonPhase, Move
from authlens_core.learning.world import PARTIES
from authlens_core.values.word_files import words


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
        return str(words("course")["move"][self.verb])

    def move(self, chosen: Mapping[str, str]) -> Move | None:
        """Return the move with the choices that were made; None while one is open."""
        given = {one.name: one.chosen(chosen) for one in self.arguments}
        if None in given.values():
            return None
        usual = {
            one.name: one.usual or one.choices[0]
            for one in MOVES[self.verb].arguments
            if one.name not in given
        }
        return Move(self.verb, {**usual, **{name: value or "" for name, value in given.items()}})


def forms(lesson: CourseLesson, phase: LessonPhase, loot: Collection[str]) -> tuple[MoveForm, ...]:
    """Return the moves of a phase that is no choice between options or switches; none of one that is.

    Args:
        loot: the credentials that the learner holds.
    """
    attack, repair = lesson.attack, lesson.repair
    allowed = {
        LessonPhase.RUN: ("login",),
        LessonPhase.BREAK: attack.moves if attack else (),
        LessonPhase.REPAIR: repair.moves if repair else (),
    }.get(phase, ())
    return tuple(
        MoveForm(verb, tuple(_arguments(verb, lesson, loot)))
        for verb in allowed
        if loot or not any(one.names_credential and one.usual for one in MOVES[verb].arguments)
    )


def _arguments(verb: str, lesson: CourseLesson, loot: Collection[str]) -> Iterator[Argument]:
    attack = lesson.attack
    moves = attack.moves if attack else ()
    # Each of these means something in some lessons alone.
    absent = {
        "scope": "step-up" not in lesson.world.faults,
        "redirect_uri": "link" not in moves,
        "device": "device_start" not in moves,
    }
    for one in MOVES[verb].arguments:
        if absent.get(one.name):
            continue
        choices = attack.causes if attack and one.name == "diagnosis" else one.choices
        if one.names_credential and one.usual == "":  # that of a device login
            choices = ("$device",) if "device" in loot else ()
        elif one.names_credential:
            names = sorted({*loot} - {"client"})  # whose name is no credential
            choices = tuple(f"${name}" for name in names) or (one.usual or "",)
        fitting = [choice for choice in choices if _fits(choice, lesson, loot)]
        # A party that is there is meant where one can be named.
        if set(fitting) & PARTIES or fitting == [""]:
            fitting = [choice for choice in fitting if choice]
        if fitting:
            yield replace(one, choices=tuple(sorted(fitting, key=lambda choice: choice != one.usual)))


def _fits(choice: str, lesson: CourseLesson, loot: Collection[str]) -> bool:
    """Return whether a choice means something in the world of a lesson."""
    if choice.startswith("$"):
        return choice[1:] in loot
    if choice == "mine":
        return lesson.attack is not None and "link" in lesson.attack.moves
    if choice in {"other-site", "inside"}:
        return (choice == "inside") == ("internal" in lesson.world.parties)
    return choice not in PARTIES or choice in lesson.world.parties
