"""A ticket of an exam: it draws the lessons of one student, and only the holder of the key can make one.

`authlens1.EXAM.NAME.MAC`: the name in base64url, and 128 bits of an HMAC-SHA256 (RFC 2104) of exam and name
in hexadecimal. The first 32 bits of them are the seed, so a student needs no key to start. That a ticket is
genuine, only the key tells.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

from authlens_core.values.errors import LessonRefused
from authlens_core.values.quick_dataclass import dataclass

LONGEST_TICKET: Final = 512  # characters
LONGEST_NAME: Final = 80  # characters
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
