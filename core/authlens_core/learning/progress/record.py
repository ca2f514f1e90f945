"""A record of practice: for each lesson the moves, and what they came to. A file of a class is one as well.

It has no credential in it: a move names what it uses. docs/learning.md has its form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from authlens_core.learning.answers_file import MOST_MOVES
from authlens_core.learning.classroom.ticket import LONGEST_TICKET
from authlens_core.learning.lesson import QUESTIONS, LessonPhase
from authlens_core.learning.moves import AnyMove
from authlens_core.learning.outcome import AttemptOutcome
from authlens_core.learning.strict_json import StrictFile, StrictTable, read_strict
from authlens_core.values.version import VERSION

LARGEST_RECORD: Final = 512 * 1024  # bytes
MOST_LESSONS: Final = 64
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
# A line in a terminal, whatever wrote it; `$` would let a line end follow.
_Text = Annotated[str, msgspec.Meta(max_length=80, pattern=r"^[ -~]*\Z")]
_Name = Annotated[str, msgspec.Meta(max_length=80, pattern=r"^[a-z][a-z0-9-]*\Z")]
_Claim = Annotated[str, msgspec.Meta(pattern=r"^(run|break|repair)/[1-9][0-9]?\Z")]
_Digest = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]
_Names = Annotated[tuple[_Name, ...], msgspec.Meta(max_length=64)]


class RecordedVerdict(StrictTable, frozen=True):
    """What moves came to.

    Attributes:
        phases: those that were passed, in their order.
        right: how many questions were answered right.
        ledger: a digest of what the servers saw; only a file of a class goes without.
    """

    passed: bool
    phases: tuple[LessonPhase, ...] = ()
    right: Annotated[int, msgspec.Meta(ge=0, le=QUESTIONS)] = 0
    ledger: _Digest | None = None

    @classmethod
    def of(cls, outcome: AttemptOutcome) -> RecordedVerdict:
        """Return the verdict of an attempt."""
        phases = tuple(verdict.phase for verdict in outcome.phases if verdict.passed)
        return cls(outcome.passed, phases, outcome.right_answers, outcome.ledger_digest)


class LessonRecord(StrictTable, frozen=True):
    """One lesson of a record. Only the verdict can be verified; the rest is as it was counted.

    Attributes:
        digest: of the files of the lesson, `sha256:` and hexadecimal.
        tries: how often each phase was begun.
        hints: the last hint that was read in each phase.
        seconds: at it, without long pauses.
        met: the misconceptions behind wrong answers, by name.
        refuted: those of them whose question was answered right later.
    """

    lesson: _Name
    version: _Count
    digest: _Digest
    seed: _Count
    verdict: RecordedVerdict
    tries: Mapping[LessonPhase, _Count] = {}
    hints: Mapping[LessonPhase, _Count] = {}
    seconds: _Count = 0
    met: _Names = ()
    refuted: _Names = ()
    moves: Annotated[tuple[AnyMove, ...], msgspec.Meta(max_length=MOST_MOVES)] = ()


class PracticeNow(StrictTable, frozen=True):
    """What a student is at; only a file of a class has it.

    Attributes:
        seconds: since the phase began.
        failing: the claims that the moves do not meet so far, such as `break/2`.
    """

    lesson: _Name
    phase: LessonPhase
    seconds: _Count = 0
    failing: Annotated[tuple[_Claim, ...], msgspec.Meta(max_length=8)] = ()


class PracticeRecord(StrictFile, frozen=True):
    """A record.

    Attributes:
        authlens: the version that wrote it.
        made_at: when, in UTC, as ISO 8601.
        ticket: of an exam; the lessons were drawn by it. Empty outside of exams.
    """

    authlens: _Text
    made_at: _Text
    lessons: Annotated[tuple[LessonRecord, ...], msgspec.Meta(max_length=MOST_LESSONS)] = ()
    ticket: Annotated[str, msgspec.Meta(max_length=LONGEST_TICKET)] = ""
    now: PracticeNow | None = None

    @classmethod
    def of(
        cls, lessons: Sequence[LessonRecord], *, ticket: str = "", now: PracticeNow | None = None
    ) -> PracticeRecord:
        """Return a record of this moment."""
        return cls(1, VERSION, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", tuple(lessons), ticket, now)

    def as_bytes(self, *, indent: int = 1) -> bytes:
        """Return it as it is in a file; a negative indent leaves the spaces out."""
        return msgspec.json.format(msgspec.json.encode(self), indent=indent) + b"\n"


def read_record(data: bytes, *, name: str, limit: int = LARGEST_RECORD) -> PracticeRecord:
    """Return a record that anyone may have written; `name` is that of its file, and `limit` in bytes.

    Raises:
        LessonRefused: it is none; the message has file, line, column and reason.
    """
    return read_strict(data, PracticeRecord, name=name, limit=limit)
