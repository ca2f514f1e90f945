"""The two files of an exam: its key, which stays with the teacher, and the roster of its students."""

from __future__ import annotations

import csv
import io
import os
import secrets
import shlex
from pathlib import Path
from typing import Final, NoReturn

from authlens_core.learning.claim import LessonRefused
from authlens_core.learning.classroom.ticket import LONGEST_NAME, LONGEST_TICKET, Ticket, is_name, read_ticket
from authlens_core.state import private_file
from authlens_core.state.regular_file import read_regular, unusable
from authlens_core.values.errors import FileUnusable
from authlens_core.values.safe_text import NAME, safe_line

MOST_STUDENTS: Final = 1_000
_KEY_BYTES: Final = 32
_LARGEST_KEY: Final = 4096  # bytes
_LARGEST_ROSTER: Final = 256 * 1024  # bytes
_COLUMN: Final = "name"


def read_key(path: Path) -> bytes:
    """Return the key of an exam.

    Raises:
        FileUnusable: it cannot be read, is no key, or others can read it.
    """
    try:
        return _key(path)
    except FileNotFoundError as error:
        raise unusable(path, "read", error) from None


def _key(path: Path) -> bytes:
    file = read_regular(path, _LARGEST_KEY)
    if os.name != "nt" and file.status.st_mode & 0o077:
        raise FileUnusable(f"{path} can be read by others.", f"Run: chmod 600 {shlex.quote(str(path))}")
    try:
        key = bytes.fromhex(file.data.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) < _KEY_BYTES:
        raise FileUnusable(f"{path} is no key of an exam.", "Name the file that `learn tickets` wrote.")
    return key


def key_for_tickets(path: Path) -> tuple[bytes, bool]:
    """Return the key of an exam, and whether it was made now, in a file that only you can read.

    Raises:
        FileUnusable: it cannot be read or written, is no key, or others can read it.
    """
    try:
        return _key(path), False
    except FileNotFoundError:
        key = secrets.token_bytes(_KEY_BYTES)
    try:
        private_file.create(path, key.hex().encode() + b"\n")
    except OSError as error:
        raise unusable(path, "written", error) from None
    return key, True


def ticket_in(path: Path) -> Ticket:
    """Return the ticket of a file.

    Raises:
        LessonRefused: it holds none.
        FileUnusable: it cannot be read.
    """
    return read_ticket(_text(path, LONGEST_TICKET), place=path.name)


def names_in(roster: Path) -> tuple[str, ...]:
    """Return the students of a roster: CSV with a column `name`, in UTF-8.

    Raises:
        LessonRefused: it is no roster; the message has file, line, column and reason.
        FileUnusable: it cannot be read, or is no regular file.
    """
    return _Roster(roster.name, _text(roster, _LARGEST_ROSTER)).names()


def _text(path: Path, limit: int) -> str:
    try:
        data = read_regular(path, limit).data
    except FileNotFoundError as error:
        raise unusable(path, "read", error) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise LessonRefused(f"{path.name}:{line}:1: not UTF-8.") from None


class _Roster:
    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines = text.split("\n")
        self._reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        self._line = 1  # where the row starts

    def names(self) -> tuple[str, ...]:
        column, *repeated = [i for i, title in enumerate(self._row() or ()) if title == _COLUMN] or [-1]
        if column < 0 or repeated:
            self._refuse("", f"the first line names the columns, and one of them is “{_COLUMN}”")
        known: dict[str, None] = {}
        while (row := self._row()) is not None:
            if not row:
                continue  # an empty line
            name = row[column] if column < len(row) else ""
            if not is_name(name):
                why = f"a name has 1 to {LONGEST_NAME} printable characters, and no space around it"
                self._refuse(name, why)
            if name in known:
                self._refuse(name, f"“{name}” is there twice; add what tells them apart")
            known[name] = None
            if len(known) > MOST_STUDENTS:
                self._refuse("", f"a roster has at most {MOST_STUDENTS} students")
        if not known:
            self._refuse("", "the roster has no students")
        return tuple(known)

    def _row(self) -> list[str] | None:
        self._line = self._reader.line_num + 1
        try:
            return next(self._reader, None)
        except csv.Error as error:
            self._refuse("", f"no CSV: {error}")

    def _refuse(self, value: str, why: str) -> NoReturn:
        written = self._lines[self._line - 1] if self._line <= len(self._lines) else ""
        column = max(written.find(value), 0) + 1
        raise LessonRefused(f"{self._file}:{self._line}:{column}: {safe_line(why, 2 * NAME)}.")
