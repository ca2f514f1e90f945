"""What a student's authlens shows the teacher: a record of practice, in a folder that the class shares.

`AUTHLENS_CLASS` names the folder. Each process replaces a file of its own there; that it is yours, its owner
says, which no one can choose. Nothing in it is secret.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from authlens_core.learning.lesson import LessonPhase
from authlens_core.learning.outcome import AttemptOutcome
from authlens_core.learning.progress.progress_file import LessonProgress, progress_name
from authlens_core.learning.progress.record import PracticeNow, PracticeRecord, entry_of
from authlens_core.state import private_file

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
