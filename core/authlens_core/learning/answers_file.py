"""A file of moves: what `learn run` reads, and what an author hands in as the solution of a lesson."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from authlens_core.learning.moves import AnyMove, MoveRefused
from authlens_core.learning.strict_file import StrictFile, read_strict, reason
from authlens_core.state.regular_file import read_named
from authlens_core.values.errors import LessonRefused

MOST_MOVES: Final = 64
LARGEST_FILE: Final = 256 * 1024  # bytes


class AnswersFile(StrictFile, frozen=True):
    """A file of moves.

    Attributes:
        version: of the lesson that they were made for; 0 is whatever it has.
    """

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
    answers = read_strict(text, AnswersFile, name=name, limit=LARGEST_FILE)
    if lesson and answers.lesson != lesson:
        raise LessonRefused(f"{name}:1:1: these are the moves of the lesson “{answers.lesson}”.")
    return answers


def answers_from(source: Path | bytes, *, lesson: str = "") -> AnswersFile:
    """Return the moves of a file, or of what was read from standard input; see `read_answers`.

    Raises:
        LessonRefused: it is no such file, or is too large.
        FileUnusable: it cannot be read, or is no regular file.
    """
    data = read_named(source, LARGEST_FILE) if isinstance(source, Path) else source
    return read_answers(data, name=source_name(source), lesson=lesson)


def source_name(source: Path | bytes) -> str:
    """Return what moves are from, for messages."""
    return source.name if isinstance(source, Path) else "standard input"


def _move(number: int, raw: msgspec.Raw) -> AnyMove:
    try:
        move: AnyMove = msgspec.json.decode(raw, type=AnyMove)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MoveRefused(number, reason(str(error))) from None
    return move
