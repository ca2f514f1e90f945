"""A file of moves: what `learn run` reads, and what an author hands in as the solution of a lesson."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from authlens_core.export.saved_file import named_path
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
        order: of the questions whose letters they have; 0 is as in the files.
    """

    lesson: str
    moves: tuple[msgspec.Raw, ...] = ()
    version: int = 0
    seed: int = 1
    order: int = 0

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


def answers_from(source: Path | str | bytes, *, lesson: str = "") -> AnswersFile:
    """Return the moves of a file, which a user may have named, or of what was on standard input.

    Raises:
        LessonRefused: it is no such file, or is too large.
        FileUnusable: it cannot be read, or is no regular file.
    """
    if isinstance(source, bytes):
        return read_answers(source, name="standard input", lesson=lesson)
    path = named_path(source) if isinstance(source, str) else source
    return read_answers(read_named(path, LARGEST_FILE), name=path.name, lesson=lesson)


def _move(number: int, raw: msgspec.Raw) -> AnyMove:
    try:
        move: AnyMove = msgspec.json.decode(raw, type=AnyMove)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MoveRefused(number, reason(str(error))) from None
    return move
