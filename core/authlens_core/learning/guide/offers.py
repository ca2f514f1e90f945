"""What a learner can do now, as forms: a move, its arguments, and what each of these can be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import msgspec
from msgspec import Struct

from authlens_core.learning.lesson import CourseLesson, LessonPhase
from authlens_core.learning.moves import AnyMove, NameMove, WorldMove, choices, names_credential, quoted
from authlens_core.learning.world import PARTIES
from authlens_core.values.word_files import words

Choice = str | bool


class Argument(Struct, frozen=True):
    """What a move needs to know; the first choice is the one that a typed move can leave out."""

    name: str
    choices: tuple[Choice, ...]

    @property
    def title(self) -> str:
        """What it is called in a form."""
        return str(words("course")["argument"].get(self.name, self.name))

    def chosen(self, choices: Mapping[str, Choice]) -> Choice | None:
        """Return what is chosen for it, by its name; its only choice; or None while nothing is chosen."""
        if len(self.choices) == 1:
            return self.choices[0]
        choice = choices.get(self.name)
        return choice if choice in self.choices else None

    def typed(self, choice: Choice) -> str:
        """Return how a choice is typed in a line."""
        return quoted(str(choice)).lower()

    def shown(self, choice: Choice) -> str:
        """Return what a choice is called in a form."""
        return str(words("course")["choice"].get(str(choice).lower(), choice))


class MoveForm(Struct, frozen=True):
    """A move that can be made now.

    Attributes:
        meaning: what it does, in a sentence.
    """

    verb: str
    meaning: str
    arguments: tuple[Argument, ...] = ()

    def move(self, chosen: Mapping[str, Choice]) -> AnyMove | None:
        """Return the move with the choices that were made; None while one is open."""
        given = {argument.name: argument.chosen(chosen) for argument in self.arguments}
        if None in given.values():
            return None
        made: AnyMove = msgspec.convert({"do": self.verb, **given}, type=AnyMove)
        return made


def forms(lesson: CourseLesson, phase: LessonPhase, loot: Collection[str]) -> tuple[MoveForm, ...]:
    """Return the moves of a phase that is no choice between options or switches; none of one that is.

    Args:
        loot: the credentials that the learner holds.
    """
    allowed = {
        LessonPhase.RUN: ("login",),
        LessonPhase.BREAK: lesson.attack.moves,
        LessonPhase.REPAIR: () if lesson.repair.offer else lesson.repair.moves,
    }.get(phase, ())
    kinds = {str(kind.__struct_config__.tag): kind for kind in (*WorldMove.__args__, NameMove)}
    meanings = words("course")["move"]
    return tuple(
        MoveForm(verb, meanings[verb], tuple(_arguments(kinds[verb], lesson, loot)))
        for verb in allowed
        if verb in kinds and (loot or not _needs_a_credential(kinds[verb]))
    )


def _needs_a_credential(kind: type[msgspec.Struct]) -> bool:
    """Return whether a move cannot be made with empty hands."""
    return any(names_credential(field) and field.default for field in msgspec.structs.fields(kind))


def _arguments(kind: type[msgspec.Struct], lesson: CourseLesson, loot: Collection[str]) -> Iterator[Argument]:
    for field in msgspec.structs.fields(kind):
        usual = "" if field.default is msgspec.NODEFAULT else field.default
        known = lesson.attack.causes if field.name == "diagnosis" else _known(field, usual, loot)
        if not _means_something(field.name, lesson):
            continue
        fitting = [choice for choice in known if _fits(choice, lesson)]
        named = [choice for choice in fitting if choice in PARTIES]
        # A party that is there is meant where one can be named.
        left = [choice for choice in fitting if choice != ""] if named else fitting
        if left and left != [""]:
            yield Argument(field.name, tuple(sorted(left, key=lambda one: one != usual)))


def _known(field: msgspec.structs.FieldInfo, usual: object, loot: Collection[str]) -> tuple[Choice, ...]:
    """Return all that an argument can be."""
    if known := choices(field):
        return tuple(choice for choice in known if not str(choice).startswith("$") or str(choice)[1:] in loot)
    if not usual:  # a credential that can be left out is that of a device login
        return ("$device",) if "device" in loot else ("",)
    names = sorted(name for name in loot if name != "client")  # whose name is no credential
    return tuple(f"${name}" for name in names) or (str(usual),)


def _means_something(name: str, lesson: CourseLesson) -> bool:
    """Return whether a lesson is about an argument that a move has besides."""
    if name == "scope":
        return "step-up" in lesson.world.faults
    if name == "redirect_uri":
        return "link" in lesson.attack.moves
    return name != "device" or "device_start" in lesson.attack.moves


def _fits(choice: Choice, lesson: CourseLesson) -> bool:
    """Return whether a choice means something in the world of a lesson."""
    if choice == "mine":
        return "link" in lesson.attack.moves
    if choice in {"other-site", "inside"}:
        return (choice == "inside") == ("internal" in lesson.world.parties)
    return choice not in PARTIES or choice in lesson.world.parties
