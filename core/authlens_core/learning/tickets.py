"""The tickets of an exam: each draws the lessons of one student, and only the holder of the key can make one.

`authlens1.EXAM.NAME.MAC`: the name in base64url, and 128 bits of an HMAC-SHA256 (RFC 2104) of exam and name
in hexadecimal. The first 32 bits of them are the seed, so a student needs no key to start. That a ticket is
genuine, only the key tells, which stays with the teacher.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import io
import os
import re
import secrets
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NoReturn

from authlens_core.export.saved_file import named_path, write_export
from authlens_core.state import private_file
from authlens_core.state.regular_file import read_named, read_regular, unusable
from authlens_core.values.errors import FileUnusable, LessonRefused, UsageError
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.safe_text import NAME, safe_line

LONGEST_TICKET: Final = 512  # characters
LONGEST_NAME: Final = 80  # characters
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠")
EXAM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
PREFIX: Final = "authlens1"
_MAC: Final = re.compile(r"[0-9a-f]{32}")
_LABEL: Final = b"authlens exam ticket 1"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket, as it was written; whether it is genuine, `is_genuine` says."""

    exam: str
    name: str
    mac: str

    @property
    def seed(self) -> int:
        """What draws the lessons, 32 bits."""
        return int(self.mac[:8], 16)

    @property
    def mark(self) -> str:
        """What ends the names of credentials: the moves of another student name none that are held here."""
        return f"-{self.mac[5:8]}"

    def __str__(self) -> str:
        name = base64.urlsafe_b64encode(self.name.encode()).decode().rstrip("=")
        return f"{PREFIX}.{self.exam}.{name}.{self.mac}"

    def is_genuine(self, key: bytes) -> bool:
        """Return whether it was made with this key."""
        return hmac.compare_digest(self.mac, _mac(key, self.exam, self.name))


def issue(key: bytes, exam: str, name: str) -> Ticket:
    """Return the ticket of a student.

    Args:
        exam: a word that `EXAM` matches.
        name: of the student, at most 80 printable characters.
    """
    return Ticket(exam, name, _mac(key, exam, name))


def _mac(key: bytes, exam: str, name: str) -> str:
    message = b"\0".join((_LABEL, exam.encode(), name.encode()))
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:32]


def read_ticket(text: str, *, place: str = "ticket") -> Ticket:
    """Return a ticket.

    Args:
        place: where it was read, for messages.

    Raises:
        LessonRefused: it is none.
    """
    parts = text.strip().split(".")
    if len(text) > LONGEST_TICKET or len(parts) != 4 or parts[0] != PREFIX:
        raise LessonRefused(f"{place}:1:1: a ticket has the form {PREFIX}.EXAM.NAME.CODE.")
    _, exam, encoded, mac = parts
    columns = [sum(len(part) + 1 for part in parts[:index]) + 1 for index in range(4)]
    if not EXAM.fullmatch(exam):
        raise LessonRefused(f"{place}:1:{columns[1]}: the exam of the ticket is no name.")
    try:
        name = base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_", validate=True).decode()
    except ValueError:  # no base64, or no text in it
        name = ""
    ticket = Ticket(exam, name, mac)
    # One name has one spelling: another one would be a second ticket of the same student.
    if not is_name(name) or str(ticket).split(".")[2] != encoded:
        raise LessonRefused(f"{place}:1:{columns[2]}: the ticket names no student.")
    if not _MAC.fullmatch(mac):
        raise LessonRefused(f"{place}:1:{columns[3]}: the code of the ticket has 32 digits from 0 to f.")
    return ticket


def is_name(text: str) -> bool:
    """Return whether a text can be the name of a student."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and text == text.strip()


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


def tickets_for(roster: str, exam: str, *, key_file: str) -> tuple[tuple[Ticket, ...], Path | None]:
    """Return the tickets of the students in a roster, and the file of the exam's key if it was made now.

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
    names, path = names_in(named_path(roster)), named_path(key_file)
    key, is_new = key_for_tickets(path)
    return tuple(issue(key, exam, name) for name in names), path if is_new else None


def write_tickets(tickets: Sequence[Ticket], folder: Path, *, force: bool, otherwise: str) -> None:
    """Write each ticket to a file of its own; see `write_export`."""
    width = len(str(len(tickets)))
    for number, ticket in enumerate(tickets, 1):
        # A name may be the name of no file, or of another one.
        plain = "".join(letter if letter.isalnum() else "-" for letter in ticket.name.lower())
        path = folder / f"{number:0{width}}-{plain}.ticket"
        write_export(path, f"{ticket}\n", force=force, otherwise=otherwise)


def csv_row(cells: Iterable[str]) -> str:
    """Return a row (RFC 4180), without its end, that a spreadsheet opens as text.

    A cell that would be a formula gets an apostrophe in front (OWASP ASVS 5, 1.2.10). Where a spreadsheet
    separates cells by semicolons, quotation marks keep one from starting in the middle of a text.
    """
    texts = [f"'{text}" if text.startswith(_FORMULAS) else text for text in cells]
    out = io.StringIO()
    is_split = any(";" in text for text in texts)
    writer = csv.writer(out, lineterminator="", quoting=csv.QUOTE_ALL if is_split else csv.QUOTE_MINIMAL)
    writer.writerow(texts)
    return out.getvalue()


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
