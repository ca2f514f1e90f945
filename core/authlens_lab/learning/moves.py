"""The moves of a learner: one table has what each takes, what it needs and what it does in a world.

A credential is never written in a move: it is named, and has to have leaked in this world.

As a line, a move is `redeem code=$code verifier=none`, `point 8 form.code`, `answer q1 a`. The first word is
the move, `name=value` an argument. A word alone is the next argument that is not given, and one with a dollar
sign names a credential. An argument that can only be one thing may be left out. What has a space in it is
quoted as in a shell.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from authlens_core.values.errors import LessonRefused
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.word_files import words
from authlens_lab.learning import attack_moves
from authlens_lab.learning.claim import LOOT
from authlens_lab.learning.world import World


def course_words(table: str) -> Mapping[Any, Any]:
    """Return one table of `course.toml`; its keys are text, and looked up by the values of rows."""
    tables: Mapping[str, Mapping[Any, Any]] = words("course", "authlens_lab")
    return tables[table]


Verb = Literal[
    "login",
    "publish",
    "redeem",
    "call",
    "refresh",
    "revoke",
    "link",
    "lure",
    "device_start",
    "poll",
    "deliver",
    "name",
]
"""What a lesson can allow."""


class LessonPhase(StrEnum):
    """The phases of a lesson, in their order."""

    PREDICT = "predict"
    RUN = "run"
    OBSERVE = "observe"
    BREAK = "break"
    REPAIR = "repair"
    QUESTIONS = "questions"

    @property
    def is_judged(self) -> bool:
        """Whether moves in a world have to prove something in it."""
        return self in {LessonPhase.RUN, LessonPhase.BREAK, LessonPhase.REPAIR}

    @property
    def until(self) -> list[LessonPhase]:
        """The phases before it, and itself."""
        order = list(LessonPhase)
        return order[: order.index(self) + 1]


class Argument(Struct, frozen=True, forbid_unknown_fields=True):
    """An argument of a move.

    Attributes:
        choices: what it can be; anything if empty.
        is_number: whether it is one, from 0.
        usual: what it is where it is left out; None where it has to be given.
    """

    name: str
    choices: tuple[str, ...] = ()
    usual: str | None = None
    is_number: bool = False

    @property
    def names_credential(self) -> bool:
        return bool(self.choices) and all(choice.startswith("$") for choice in self.choices if choice)

    @property
    def title(self) -> str:
        """What it is called in a form."""
        return str(course_words("argument").get(self.name, self.name))

    def label(self, choice: str) -> str:
        """Return what a choice is called in a form."""
        return str(course_words("choice").get(choice, choice))

    def value_in(self, arguments: Mapping[str, str]) -> str:
        """Return its value among those by name.

        Raises:
            ValueError: it is missing, or cannot be that.
        """
        value = arguments.get(self.name, self.usual)
        if value is None:
            raise ValueError(f"“{self.name}” is missing")
        if (self.choices and value not in self.choices) or (self.is_number and not value.isdecimal()):
            reason = f": a credential is named, and is one of {', '.join(self.choices)}"
            raise ValueError(f"“{self.name}”{reason if self.names_credential else ' cannot be that'}")
        return value


class MoveKind(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of move.

    Attributes:
        phase: that it belongs to; None for one that happens in a world, in the phase that goes on.
        needs: the credentials that it uses besides those that its arguments name.
    """

    arguments: tuple[Argument, ...] = ()
    phase: LessonPhase | None = None
    needs: tuple[str, ...] = ()


CREDENTIALS: Final = tuple(f"${name}" for name in LOOT)
_TABLE: Final = Path(__file__).with_suffix(".toml").read_text("utf-8")
MOVES: Final = msgspec.toml.decode(_TABLE.replace('["$"]', str(list(CREDENTIALS))), type=dict[str, MoveKind])
"""What a learner can do, by the first word."""


class Move(Struct, frozen=True):
    """One move, with every argument that its kind has."""

    verb: str
    arguments: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.arguments[name]

    @property
    def kind(self) -> MoveKind:
        return MOVES[self.verb]

    async def perform(self, world: World) -> None:
        """Make it in a world."""
        await getattr(attack_moves, self.verb)(self.arguments, world)

    @property
    def switches(self) -> Sequence[str]:
        """Those that a repair turns on."""
        return self["switch"].split()

    @property
    def uses(self) -> tuple[str, ...]:
        """The credentials that it needs, by name."""
        credentials = (value[1:] for value in self.arguments.values() if value in CREDENTIALS)
        return (*credentials, *self.kind.needs)

    @property
    def text(self) -> str:
        """The move as a line, which `move_in` reads."""
        if self.verb == "defend":
            return " ".join(("defend", *map(quoted, self.switches)))
        typed = [self.verb]
        for argument in self.kind.arguments:
            value = self[argument.name]
            # What looks like a name, or like a credential, is not read as a word alone.
            alone = argument.usual is None and not set("=$") & set(value)
            if alone or value not in {"", "false"}:
                typed.append(quoted(value) if alone else f"{argument.name}={quoted(value)}")
        return " ".join(typed)


class MadeMove(Struct, frozen=True):
    """A move that was made, and the phase that it belongs to."""

    phase: LessonPhase
    move: Move


def quoted(word: str) -> str:
    """Return a word as it is typed: what has a space in it needs quotation marks."""
    if re.fullmatch(r"[\w$.+:=/-]+", word):
        return word
    return shlex.quote(word) if {"\\", '"'} & set(word) else f'"{word}"'


def move_in(line: str) -> Move:
    """Return the move of a line.

    Raises:
        LessonRefused: it is not a move, or an argument is missing, unknown or invalid.
    """
    try:
        first, *typed = shlex.split(line) or [""]
    except ValueError:
        raise LessonRefused("A quotation mark is missing.") from None
    verb = first.lower().replace("-", "_")
    if verb not in MOVES:
        raise LessonRefused(f"There is no move “{safe_line(verb, NAME)}”.")
    if verb == "defend":
        return Move(verb, {"switch": " ".join(" ".join(typed).split())})
    try:
        return Move(verb, _arguments(MOVES[verb].arguments, typed))
    except ValueError as error:
        raise LessonRefused(f"{verb}: {safe_line(str(error), 2 * NAME)}.") from None


def _arguments(declared: Sequence[Argument], typed: Sequence[str]) -> dict[str, str]:
    """Return the arguments by name; a word without a name is the next missing one.

    Raises:
        ValueError: they do not fit. It names no value, which may be a credential that was pasted.
    """
    values: dict[str, str] = {}
    for word in typed:
        if "=" not in word:
            fitting = (one.name for one in declared if one.names_credential == word.startswith("$"))
            name = next(
                (one for one in fitting if one not in values and f"{one}=" not in " ".join(typed)), ""
            )
        else:
            name = word.partition("=")[0]
        if not name:
            raise ValueError("there is one word too many")
        if name in values:
            raise ValueError(f"“{name}” is given twice")
        values[name] = word.removeprefix(f"{name}=")
    if more := values.keys() - {one.name for one in declared}:
        raise ValueError(f"“{min(more)}” means nothing here")
    return {one.name: one.value_in(values) for one in declared}


class MoveRefused(LessonRefused):
    """A move cannot be made; nothing was sent for it.

    Args:
        number: which of the moves it is, from 1.
    """

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"Move {number}: {reason}.")
        self.number = number


MOST_MOVES: Final = 64


def moves_of(lines: Sequence[str]) -> tuple[Move, ...]:
    """Return the moves of lines.

    Raises:
        MoveRefused: a line is not a move, or there are too many.
    """
    if len(lines) > MOST_MOVES:
        raise MoveRefused(MOST_MOVES + 1, f"a lesson takes at most {MOST_MOVES} moves")
    moves = []
    for number, line in enumerate(lines, 1):
        try:
            moves.append(move_in(line))
        except LessonRefused as error:
            raise MoveRefused(number, error.cause.rstrip(".")) from None
    return tuple(moves)
