"""The folder of a class: each student's authlens leaves a record of practice there, which the teacher sees.

`AUTHLENS_CLASS` names the folder. Each process replaces a file of its own there; that it is yours, its owner
says, which no one can choose. Nothing in it is secret.

Anyone can write to it, so a file is looked at as a lesson of a stranger is: regular files only, few and
small, read strictly. One that is refused is named and changes nothing. Only what changed is read again.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from functools import cache, lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import msgspec

from authlens_core.export.saved_file import write_export
from authlens_core.learning.lesson import LessonPhase
from authlens_core.learning.progress.progress_file import LessonProgress, progress_name
from authlens_core.learning.progress.record import PracticeNow, PracticeRecord, entry_of, read_record
from authlens_core.learning.tickets import csv_row, read_ticket
from authlens_core.learning.verdict import AttemptOutcome
from authlens_core.state import private_file
from authlens_core.state.regular_file import kind_of, read_regular, unusable
from authlens_core.values.errors import FileUnusable, LessonRefused
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.safe_text import NAME, safe_line

VARIABLE: Final = "AUTHLENS_CLASS"
LARGEST_CLASS_FILE: Final = 64 * 1024  # bytes
APART: Final = 2.0  # seconds between two writes
_MODE: Final = 0o644


class ClassFile:
    """The file of this process.

    Args:
        folder: of the class.
        clock: seconds that only go on.

    Attributes:
        problem: why the class cannot see you, one sentence; empty if it can.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = folder / f"{secrets.token_hex(8)}.json"
        self.problem = ""
        self._clock = clock
        self._written = -APART
        self._waiting: bytes | None = None
        self._phase: tuple[str, LessonPhase] | None = None
        self._since = 0.0

    def show(self, outcome: AttemptOutcome, known: Mapping[str, LessonProgress]) -> None:
        """Show how far you are, in a running loop: now, or two seconds after the last time.

        Args:
            outcome: of the attempt that goes on.
            known: the progress of all lessons.
        """
        self._waiting = content(self._record(outcome, known))
        wait = self._written + APART - self._clock()
        if wait <= 0:
            self.flush()
            return
        asyncio.get_running_loop().call_later(wait, self.flush)

    def flush(self) -> None:
        """Write what waits to be written."""
        data, self._waiting = self._waiting, None
        if data is None:
            return
        self._written = self._clock()
        try:
            private_file.replace(self.path, data, durable=False, mode=_MODE)
            self.problem = ""
        except OSError as error:
            self.problem = f"{VARIABLE}: the teacher cannot see you, because {self.path.parent} cannot be "
            self.problem += f"written: {error.strerror}."

    def _record(self, outcome: AttemptOutcome, known: Mapping[str, LessonProgress]) -> PracticeRecord:
        lesson = outcome.lesson
        open_phases = (verdict.phase for verdict in outcome.phases if not verdict.passed)
        phase = next(open_phases, LessonPhase.QUESTIONS)
        if self._phase != (lesson.name, phase):
            self._phase, self._since = (lesson.name, phase), self._clock()
        now = PracticeNow(lesson.name, phase, int(self._clock() - self._since), _failing(outcome))
        # A ticket has its own progress: what was practised before the exam is not part of it.
        start = progress_name(lesson).rpartition("/")[0]
        entries = [entry_of(one) for name, one in known.items() if name.rpartition("/")[0] == start]
        ticket = "" if lesson.ticket is None else str(lesson.ticket)
        return PracticeRecord.of([entry for entry in entries if entry], ticket=ticket, now=now)


def _failing(outcome: AttemptOutcome) -> tuple[str, ...]:
    """Return the first claim of each phase that was begun and is not met; those after it are open."""
    failing = []
    for verdict in outcome.phases:
        unmet = [number for number, claim in enumerate(verdict.claims, 1) if not claim.holds]
        if verdict.begun and unmet:
            failing.append(f"{verdict.phase.value}/{unmet[0]}")
    return tuple(failing)


def content(record: PracticeRecord) -> bytes:
    """Return a record for the folder; if it is too large, with the moves of its present lesson alone."""
    data = record.as_bytes(indent=-1)
    if len(data) <= LARGEST_CLASS_FILE or record.now is None:
        return data
    here = record.now.lesson
    lessons = tuple(
        entry if entry.lesson == here else msgspec.structs.replace(entry, moves=())
        for entry in record.lessons
    )
    return msgspec.structs.replace(record, lessons=lessons).as_bytes(indent=-1)


@cache
def class_file() -> ClassFile | None:
    """Return the file of this process; None where no class is named."""
    folder = os.environ.get(VARIABLE)
    return ClassFile(Path(folder)) if folder else None


MOST_FILES: Final = 20_000
MOST_OF_ONE: Final = 50  # files of an owner, the newest: each start of authlens leaves one
_LONGEST: Final = 1.0  # seconds of reading; what is left is read the next time
_AHEAD: Final = 5 * 60  # seconds that another machine's clock may be ahead
STUCK_AFTER: Final = 8 * 60  # seconds in one phase
STUCK_TRIES: Final = 5
GONE_AFTER: Final = 30 * 60  # seconds without a move


class StudentRow(msgspec.Struct, frozen=True):
    """How far a student is, as the table, CSV and JSON have it.

    Attributes:
        verified: whether the system says who the owner of the file is.
        exam: the exam and the name in the ticket, which is not verified; None without one.
        lesson: the one that the student is at; None before the first.
        done: its phases that are passed.
        passed: how many lessons are passed.
        tries: how often its present phase was begun.
        hints: the last hint that was read in it.
        idle: seconds since the last move.
        stuck: whether the phase takes 8 minutes, or 5 tries; not of someone who left half an hour ago.
        failing: the claims that fail now.
    """

    who: str
    verified: bool
    exam: str | None
    lesson: str | None
    phase: LessonPhase | None
    done: tuple[LessonPhase, ...]
    passed: int
    tries: int
    hints: int
    idle: int
    stuck: bool
    failing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Student:
    """A student, by the newest file.

    Attributes:
        who: the owner of the file; the name of the file where the system has no owners.
        changed: when the file was written, in seconds since 1970.
    """

    who: str
    changed: float
    record: PracticeRecord = field(repr=False)

    def row(self, now: float) -> StudentRow:
        """Return how far the student is at a time, in seconds since 1970."""
        at, lessons = self.record.now, self.record.lessons
        entry = next((lesson for lesson in lessons if at and lesson.lesson == at.lesson), None)
        tries = entry.tries.get(at.phase, 0) if at and entry else 0
        idle = max(0, int(now - self.changed))
        goes_on = at is not None and idle < GONE_AFTER and not (entry and entry.verdict.passed)
        is_long = at is not None and at.seconds + idle >= STUCK_AFTER
        return StudentRow(
            who=self.who,
            verified=os.name != "nt",
            exam=self._exam(),
            lesson=at.lesson if at else None,
            phase=at.phase if at else None,
            done=entry.verdict.phases if entry else (),
            passed=sum(lesson.verdict.passed for lesson in lessons),
            tries=tries,
            hints=entry.hints.get(at.phase, 0) if at and entry else 0,
            idle=idle,
            stuck=goes_on and (is_long or tries >= STUCK_TRIES),
            failing=at.failing if at else (),
        )

    def _exam(self) -> str | None:
        try:
            ticket = read_ticket(self.record.ticket)
        except LessonRefused:
            return None
        return f"{ticket.exam}: {ticket.name}"


@dataclass(frozen=True, slots=True)
class ClassView:
    """What is in the folder at one moment.

    Attributes:
        students: by their names.
        refused: the owner, the file and the reason, for each that cannot be used.
    """

    students: tuple[Student, ...]
    refused: tuple[str, ...]

    def failing(self) -> tuple[tuple[str, int], ...]:
        """Return how many students fail a claim now, such as `stolen-code break/2`; most first."""
        at = (student.record.now for student in self.students)
        return tuple(
            Counter(f"{one.lesson} {claim}" for one in at if one for claim in one.failing).most_common()
        )

    def as_json(self, now: float) -> dict[str, Any]:
        """Return what the table shows."""
        return {
            "students": [msgspec.to_builtins(student.row(now)) for student in self.students],
            "failing": [{"claim": claim, "students": count} for claim, count in self.failing()],
            "refused": list(self.refused),
        }

    def as_csv(self, now: float) -> str:
        """Return one row a student (RFC 4180)."""
        students = self.as_json(now)["students"]
        rows = [StudentRow.__struct_fields__, *(map(_cell, student.values()) for student in students)]
        return "".join(f"{csv_row(row)}\r\n" for row in rows)

    def save(self, path: Path, now: float) -> Path:
        """Write the rows to a new file, and return its path; see `write_export`."""
        return write_export(path, self.as_csv(now))


def _cell(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


_Seen = tuple[int, int, int, int]
_Found = tuple[str, os.stat_result]
_Owned = tuple[str, str, os.stat_result]


class ClassFolder:
    """The folder of a class; `read` it as often as you like.

    Args:
        path: the folder.
        owner: whose file it is, by its status and its name.
    """

    def __init__(self, path: Path, owner: Callable[[os.stat_result, str], str] | None = None) -> None:
        self.path = path
        self._owner = owner or owner_of
        self._known: dict[str, tuple[_Seen, PracticeRecord | str]] = {}

    def read(self) -> ClassView:
        """Return the class as it is now.

        Raises:
            FileUnusable: the folder cannot be read.
        """
        newest: dict[str, Student] = {}
        refused: list[str] = []
        until = time.monotonic() + _LONGEST
        found = self._files()
        if len(found) > MOST_FILES:
            refused.append(f"{self.path.name}: more than {MOST_FILES} files; some were not looked at.")
        known, self._known = self._known, {}
        for who, name, status in self._in_turn(found[:MOST_FILES], refused):
            seen = status.st_ino, status.st_mtime_ns, status.st_size, status.st_uid
            before = known.get(name)
            if before is None or before[0] != seen:
                if time.monotonic() > until:
                    continue
                before = seen, self._record(name, status)
            self._known[name] = before
            content = before[1]
            if isinstance(content, str):
                refused.append(f"{who}: {content}")
            elif who not in newest or newest[who].changed < status.st_mtime:
                newest[who] = Student(who, status.st_mtime, content)
        return ClassView(tuple(newest[who] for who in sorted(newest)), tuple(refused))

    def _in_turn(self, found: Iterable[_Found], refused: list[str]) -> list[_Owned]:
        """Return the files with their owners in the order of reading, the newest of each owner first.

        An owner with many files, or who changes them all the time, keeps no one else's from being read.
        """
        by_owner: dict[str, list[_Owned]] = {}
        for name, status in sorted(found, key=lambda one: -one[1].st_mtime):
            who = self._owner(status, name)
            by_owner.setdefault(who, []).append((who, name, status))
        for who, files in by_owner.items():
            if len(files) > MOST_OF_ONE:
                refused.append(f"{who}: {len(files)} files; the newest {MOST_OF_ONE} were looked at.")
        turns = zip_longest(*(files[:MOST_OF_ONE] for files in by_owner.values()))
        return [one for turn in turns for one in turn if one is not None]

    def _files(self) -> list[_Found]:
        """Return the files that can be a student's: a draft that is being written has another name."""
        found: list[_Found] = []
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if len(found) > MOST_FILES:
                        break
                    if entry.name.endswith(".json") and not entry.name.startswith("."):
                        with suppress(FileNotFoundError):  # it was replaced at this moment
                            found.append((entry.name, entry.stat(follow_symlinks=False)))
        except OSError as error:
            raise unusable(self.path, "read", error) from None
        return found

    def _record(self, name: str, status: os.stat_result) -> PracticeRecord | str:
        """Return the record of a file, or why it is refused."""
        shown = safe_line(name, NAME)
        if not stat.S_ISREG(status.st_mode):
            return f"{shown}:1:1: {kind_of(status.st_mode)}, not a regular file."
        if status.st_mtime > time.time() + _AHEAD:  # it would stay the newest, and never be idle
            return f"{shown}:1:1: the file is dated in the future."
        try:
            file = read_regular(self.path / name, LARGEST_CLASS_FILE, shown=Path("It"), follow=False)
            if file.status.st_uid != status.st_uid:
                return f"{shown}:1:1: the file got another owner while it was read."
            return read_record(file.data, name=shown, limit=LARGEST_CLASS_FILE)
        except LessonRefused as error:
            return error.cause
        except FileUnusable as error:
            return f"{shown}:1:1: {error.cause}"
        except FileNotFoundError:
            return f"{shown}:1:1: the file is gone."


def owner_of(status: os.stat_result, name: str) -> str:
    """Return whose file it is; Windows says no owner here, so it is the name of the file."""
    return _name_of(status.st_uid) or safe_line(name.removesuffix(".json"), NAME)


@lru_cache(MOST_FILES)
def _name_of(uid: int) -> str:
    """Return the name of an account, which a directory of a network may tell; empty on Windows."""
    try:
        import pwd
    except ImportError:
        return ""
    try:
        return safe_line(pwd.getpwuid(uid).pw_name, NAME)
    except KeyError:
        return f"uid {uid}"
