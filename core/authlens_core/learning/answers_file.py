"""A file of moves: what `learn run` reads, and what an author hands in as the solution of a lesson."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from authlens_core.learning.claim import LessonRefused
from authlens_core.learning.moves import AnyMove, Move, MoveRefused
from authlens_core.learning.world import LOOT
from authlens_core.state.regular_file import read_regular, unusable

FORMAT: Final = 1
MOST_MOVES: Final = 64
_BYTE: Final = re.compile(r" \(byte (\d+)\)")
# What msgspec says, and how a lesson says it.
_SAID: Final = (
    (re.compile(r"Input data was truncated"), "the file is empty, or its end is missing"),
    (re.compile(r"JSON is malformed: (.*) \(byte \d+\)"), "no JSON: {0}"),
    (re.compile(r"Invalid value '(.*)' - at `\$\.do`", re.DOTALL), "there is no move “{0}”"),
    (re.compile(r"Object missing required field `(.*?)`.*"), "“{0}” is missing"),
    (re.compile(r"Object contains unknown field `(.*)`.*", re.DOTALL), "“{0}” means nothing here"),
    (re.compile(r"Invalid enum value '(.*)' - at `\$\.(\w+)`", re.DOTALL), "“{0}” is no value of “{1}”"),
    (re.compile(r"(Expected .*) - at `\$\.(.*)`"), "“{1}”: {0}"),
)
_CREDENTIALS: Final = ("code", "token", "callback", "device")
"""The arguments that name one."""
LARGEST_FILE: Final = 256 * 1024  # bytes


class AnswersFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of moves.

    Attributes:
        version: of the lesson that they were made for; 0 is whatever it has.
    """

    format: int
    lesson: str
    moves: tuple[msgspec.Raw, ...] = ()
    version: int = 0
    seed: int = 1

    def read(self) -> tuple[AnyMove, ...]:
        """Return the moves.

        Raises:
            MoveRefused: one is no move, or has an argument that it cannot have.
        """
        if len(self.moves) > MOST_MOVES:
            raise MoveRefused(MOST_MOVES + 1, f"a lesson takes at most {MOST_MOVES} moves")
        return tuple(_move(number, raw) for number, raw in enumerate(self.moves, 1))


def read_answers(text: bytes, *, name: str, lesson: str = "") -> AnswersFile:
    """Return a file of moves.

    Args:
        name: of the file, for messages.
        lesson: the identifier that it has to be for; any without one.

    Raises:
        LessonRefused: it is no such file.
    """
    if len(text) > LARGEST_FILE:
        raise LessonRefused(f"{name}:1:1: the file has more than {LARGEST_FILE // 1024} KiB.")
    try:
        answers = msgspec.json.decode(text, type=AnswersFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LessonRefused(f"{name}:{_place_in(text, str(error))}: {_reason(str(error))}.") from None
    if answers.format != FORMAT:
        raise LessonRefused(f"{name}:1:1: format {answers.format}; this version of authlens reads {FORMAT}.")
    if lesson and answers.lesson != lesson:
        raise LessonRefused(f"{name}:1:1: these are the moves of the lesson “{answers.lesson}”.")
    return answers


def answers_in(path: Path, *, lesson: str = "") -> AnswersFile:
    """Return the moves of a file; see `read_answers`.

    Raises:
        LessonRefused: it is no such file, or is too large.
        FileUnusable: it cannot be read, or is no regular file.
    """
    try:
        data = read_regular(path, LARGEST_FILE).data
    except FileNotFoundError as error:
        raise unusable(path, "read", error) from None
    return read_answers(data, name=path.name, lesson=lesson)


def written(moves: Sequence[Move]) -> list[dict[str, Any]]:
    """Return moves as they are in a file."""
    return [msgspec.to_builtins(move) for move in moves]


def _move(number: int, raw: msgspec.Raw) -> AnyMove:
    try:
        move: AnyMove = msgspec.json.decode(raw, type=AnyMove)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MoveRefused(number, _reason(str(error))) from None
    for given in (getattr(move, name, "") for name in _CREDENTIALS):
        if isinstance(given, str) and given and not (given[0] == "$" and given[1:] in LOOT):
            known = ", ".join(f"${one}" for one in sorted(LOOT))
            raise MoveRefused(number, f"a credential is named, and is one of {known}")
    return move


def _place_in(text: bytes, said: str) -> str:
    """Return line and column of what msgspec says about a text; its start where it names no byte."""
    found = _BYTE.search(said)
    before = (text[: int(found[1])] if found else b"").split(b"\n")
    return f"{len(before)}:{len(before[-1]) + 1}"


def _reason(said: str) -> str:
    """Return what msgspec says in the words of a lesson."""
    for pattern, words in _SAID:
        if found := pattern.fullmatch(said):
            return words.format(*found.groups())
    return said.partition(" - at ")[0]
