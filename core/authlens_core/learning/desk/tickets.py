"""The tickets of an exam: made from its key, which stays with the teacher, and the roster of its students."""

from __future__ import annotations

import csv
import io
import os
import secrets
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NoReturn

from authlens_core.export.csv_row import csv_row
from authlens_core.export.saved_file import named_path
from authlens_core.learning.classroom.ticket import (
    EXAM,
    LONGEST_NAME,
    LONGEST_TICKET,
    PREFIX,
    Ticket,
    is_name,
    issue,
    read_ticket,
)
from authlens_core.state import private_file
from authlens_core.state.regular_file import read_named, read_regular, unusable
from authlens_core.values.errors import FileUnusable, LessonRefused, UsageError
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


def tickets_for(roster: Path, exam: str, *, key_file: Path) -> tuple[tuple[Ticket, ...], bool]:
    """Return the tickets of the students in a roster, and whether the key of the exam was made now.

    Raises:
        UsageError: the exam has no name.
        LessonRefused: the roster is none.
        FileUnusable: the key or the roster cannot be used.
    """
    if not EXAM.fullmatch(exam):
        raise UsageError(
            "The name of an exam has up to 40 letters, digits, hyphens and underscores.",
            "For example: --exam mid-term",
        )
    # The roster first: a slip in it must not leave a key behind.
    names = names_in(roster)
    key, is_new = key_for_tickets(key_file)
    return tuple(issue(key, exam, name) for name in names), is_new


def as_csv(tickets: Iterable[Ticket]) -> Iterator[str]:
    """Yield the lines of a table of tickets, its heading first (RFC 4180)."""
    yield "name,ticket"
    yield from (csv_row([ticket.name, str(ticket)]) for ticket in tickets)


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


def ticket_of(given: str) -> Ticket:
    """Return a ticket, or that of a file that is named.

    Raises:
        LessonRefused: it is none.
        FileUnusable: the file cannot be read.
    """
    if given.startswith(f"{PREFIX}."):
        return read_ticket(given)
    path = named_path(given)
    return read_ticket(_text(path, LONGEST_TICKET), place=path.name)


def names_in(roster: Path) -> tuple[str, ...]:
    """Return the students of a roster: CSV with a column `name`, in UTF-8.

    Raises:
        LessonRefused: it is no roster; the message has file, line, column and reason.
        FileUnusable: it cannot be read, or is no regular file.
    """
    lines = io.StringIO(_text(roster, _LARGEST_ROSTER), newline="").readlines()
    rows = csv.DictReader(lines, strict=True)
    known: dict[str, None] = {}

    def refuse(why: str, name: str = "", *, after: int = 0) -> NoReturn:
        line = min(rows.line_num + after, len(lines)) or 1
        column = "".join(lines[line - 1 : line]).find(name) + 1 or 1
        raise LessonRefused(f"{roster.name}:{line}:{column}: {safe_line(why, 2 * NAME)}.")

    try:
        if (rows.fieldnames or ()).count(_COLUMN) != 1:
            refuse(f"the first line names the columns, and one of them is “{_COLUMN}”")
        for row in rows:
            name = row[_COLUMN] or ""
            if not is_name(name):
                refuse(f"a name has 1 to {LONGEST_NAME} printable characters, and no space around it", name)
            if name in known or len(known) == MOST_STUDENTS:
                more = f"a roster has at most {MOST_STUDENTS} students"
                refuse(f"“{name}” is there twice; add what tells them apart" if name in known else more, name)
            known[name] = None
    except csv.Error as error:
        refuse(f"no CSV: {error}", after=1)  # the row before is the last one that was read
    if not known:
        refuse("the roster has no students")
    return tuple(known)


def _text(path: Path, limit: int) -> str:
    data = read_named(path, limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise LessonRefused(f"{path.name}:{line}:1: not UTF-8.") from None
