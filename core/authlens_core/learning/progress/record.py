"""A record of practice: for each lesson the moves, and what they came to. A file of a class is one as well.

It is made from the progress of lessons, or from files of moves. It has no credential in it: a move names
what it uses. docs/learning.md has its form. To verify one, its moves are made again, which shows that they
solve the lesson under that seed. Who typed them, no file can show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec

from authlens_core.learning.answers_file import MOST_MOVES
from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.lesson import QUESTIONS, CourseLesson, LessonPhase
from authlens_core.learning.moves import AnswerMove, AnyMove
from authlens_core.learning.progress.progress_file import LessonProgress
from authlens_core.learning.strict_file import StrictFile, StrictTable, read_strict
from authlens_core.learning.tickets import LONGEST_TICKET, Ticket, read_ticket
from authlens_core.learning.verdict import AttemptOutcome
from authlens_core.values.errors import AuthlensError, LessonRefused
from authlens_core.values.quick_dataclass import dataclass
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
        digest: of the files of the lesson.
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


TRACE = ".authlens.json"
"""How the names of session files end."""


def entry_of(progress: LessonProgress, lesson: CourseLesson | None = None) -> LessonRecord | None:
    """Return the last attempt that passed a lesson, or the one that goes on; None before the first move.

    The verdict is the stored one, and the misconceptions are known only where the lesson is given.
    """
    attempts = [attempt for attempt in progress.attempts if attempt.moves]
    if not attempts:
        return None
    chosen = next((one for one in reversed(attempts) if one.phase is None), attempts[-1])
    met, refuted = misconceptions(lesson, progress) if lesson else ((), ())
    return LessonRecord(
        lesson=progress.lesson.rpartition("/")[2],
        version=chosen.version,
        digest=chosen.digest,
        seed=chosen.seed,
        verdict=RecordedVerdict(chosen.phase is None, chosen.passed, chosen.right),
        tries=progress.tries,
        hints=progress.hints,
        seconds=progress.seconds,
        met=met,
        refuted=refuted,
        moves=chosen.moves,
    )


def misconceptions(lesson: CourseLesson, progress: LessonProgress) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the misconceptions behind wrong answers of every attempt, and those that were refuted since."""
    wrong = _wrong(lesson, [move for attempt in progress.attempts for move in attempt.moves])
    return tuple(wrong), tuple(name for name, question in wrong.items() if question not in progress.missed)


def _wrong(lesson: CourseLesson, moves: Iterable[AnyMove]) -> dict[str, str]:
    """Return the misconceptions behind wrong answers, each with its question."""
    cures = {question.name: question.cures for question in lesson.questions}
    answers = (move for move in moves if isinstance(move, AnswerMove))
    met = ((cures.get(one.question, {}).get(one.option), one.question) for one in answers)
    return {name: question for name, question in met if name}


def entry_in(lesson: CourseLesson, moves: Sequence[AnyMove], seed: int) -> LessonRecord:
    """Return moves of a file, without a verdict."""
    return LessonRecord(
        lesson.name,
        lesson.version,
        lesson.digest,
        seed,
        RecordedVerdict(passed=False),
        met=tuple(_wrong(lesson, moves)),
        moves=tuple(moves),
    )


@dataclass(frozen=True, slots=True)
class MadeRecord:
    """A record whose moves were made just now.

    Attributes:
        outcomes: of its lessons.
        left_out: the lessons whose moves can no longer be made, each with the reason.
    """

    record: PracticeRecord
    outcomes: tuple[AttemptOutcome, ...]
    left_out: tuple[str, ...]

    @property
    def text(self) -> str:
        """The record as it is in a file."""
        return self.record.as_bytes().decode()


async def record_of(entries: Iterable[tuple[LessonRecord, CourseLesson]]) -> MadeRecord:
    """Return a record of entries, their moves made again in the lessons as they are now.

    Raises:
        TimedOut: the moves of a lesson took longer than 20 seconds.
    """
    made: list[LessonRecord] = []
    outcomes: list[AttemptOutcome] = []
    left_out: list[str] = []
    ticket = ""
    for entry, lesson in entries:
        ticket = str(lesson.ticket or "")
        try:
            outcome = await attempt_of(lesson, entry.moves, seed=entry.seed)
        except LessonRefused as error:
            left_out.append(f"{lesson.name}: {error.cause}")
            continue
        now = {"version": lesson.version, "digest": lesson.digest, "verdict": RecordedVerdict.of(outcome)}
        made.append(msgspec.structs.replace(entry, **now))
        outcomes.append(outcome)
    return MadeRecord(PracticeRecord.of(made, ticket=ticket), tuple(outcomes), tuple(left_out))


LONGEST_RECORD: Final = 180.0  # seconds of all moves; fourteen lessons take four on an idle machine
_SAID: Final = {True: "passed", False: "not passed"}


class LessonVerification(msgspec.Struct, frozen=True):
    """A lesson of a record, done again.

    Attributes:
        passed: whether the moves pass it; a record that differs passes nothing.
        differs: what is not as recorded, one sentence each.
    """

    lesson: str
    passed: bool = False
    differs: tuple[str, ...] = ()


class RecordVerification(msgspec.Struct, frozen=True):
    """A record, done again.

    Attributes:
        holds: whether its moves come to what it says, under a ticket that is genuine.
        differs: what is wrong with it as a whole, or in a lesson, one sentence each.
        exam: of its ticket; None without one, as the name of the student.
    """

    holds: bool
    differs: tuple[str, ...]
    lessons: tuple[LessonVerification, ...] = ()
    exam: str | None = None
    student: str | None = None

    @property
    def passed(self) -> str:
        """How many lessons are passed, in words."""
        return f"{sum(lesson.passed for lesson in self.lessons)} of {len(self.lessons)} lessons passed"

    @property
    def exit_code(self) -> int:
        """That of `learn verify`."""
        return 0 if self.holds else LessonRefused.exit_code

    def as_json(self) -> dict[str, Any]:
        """Return it as `learn verify --json` prints it."""
        return dict(msgspec.to_builtins(self))


async def verified(
    record: PracticeRecord, course: Mapping[str, CourseLesson], *, key: bytes | None = None
) -> RecordVerification:
    """Make all moves of a record again, and compare the verdicts.

    Args:
        course: the lessons that it can be about, by their names.
        key: of the exam; the record has to have a ticket that was made with it.
    """
    ticket, problems = _ticket_of(record, key)
    lessons = () if problems else record.lessons
    is_of_class = record.now is not None
    done: list[LessonVerification] = []
    try:
        async with asyncio.timeout(LONGEST_RECORD):
            done = [await _again(one, course, ticket, is_of_class=is_of_class) for one in lessons]
    except TimeoutError:
        problems = (f"Its moves took longer than {LONGEST_RECORD:.0f} seconds.",)
    within = (f"{lesson.lesson}: {why}" for lesson in done for why in lesson.differs)
    differs = (*problems, *within)
    exam, student = (ticket.exam, ticket.name) if ticket else (None, None)
    return RecordVerification(not differs, differs, tuple(done), exam, student)


def _ticket_of(record: PracticeRecord, key: bytes | None) -> tuple[Ticket | None, tuple[str, ...]]:
    if not record.ticket:
        return None, () if key is None else ("The record has no ticket.",)
    try:
        ticket = read_ticket(record.ticket)
    except LessonRefused as error:
        return None, (error.cause,)
    if key is not None and not ticket.is_genuine(key):
        return ticket, ("The ticket was not made with this key.",)
    return ticket, ()


async def _again(
    record: LessonRecord, course: Mapping[str, CourseLesson], ticket: Ticket | None, *, is_of_class: bool
) -> LessonVerification:
    if record.lesson not in course:
        return LessonVerification(record.lesson, differs=("There is no such lesson here.",))
    lesson = course[record.lesson]
    found = list(_other_lesson(record, lesson))
    if ticket is not None:
        lesson = lesson.for_ticket(ticket)
        if record.seed != ticket.seed:
            found.append(f"The seed is {record.seed}, and the ticket's is {ticket.seed}.")
        repeated = [phase.value for phase, tries in record.tries.items() if tries > 1]
        found += [f"{phase}: begun more than once, and an exam has one attempt." for phase in repeated]
    if found:
        return LessonVerification(record.lesson, differs=tuple(found))
    try:
        outcome = await attempt_of(lesson, record.moves, seed=record.seed)
    except AuthlensError as error:
        return LessonVerification(record.lesson, differs=(error.cause,))
    now = RecordedVerdict.of(outcome)
    differs = tuple(_other_verdict(record.verdict, now, is_of_class=is_of_class))
    return LessonVerification(record.lesson, passed=outcome.passed and not differs, differs=differs)


def _other_lesson(record: LessonRecord, lesson: CourseLesson) -> Iterator[str]:
    if record.version != lesson.version:
        yield f"It was version {record.version} of the lesson; here is version {lesson.version}."
    elif record.digest != lesson.digest:
        yield "The lesson had other files (its digest differs)."


def _other_verdict(recorded: RecordedVerdict, now: RecordedVerdict, *, is_of_class: bool) -> Iterator[str]:
    if recorded.passed != now.passed:
        yield f"The record says {_SAID[recorded.passed]}, its moves say {_SAID[now.passed]}."
    for phase in sorted({*recorded.phases} ^ {*now.phases}):
        said, seen = _SAID[phase in recorded.phases], _SAID[phase in now.phases]
        yield f"{phase.value}: the record says {said}, its moves say {seen}."
    if recorded.right != now.right:
        yield f"The record says {recorded.right} right answers, its moves give {now.right}."
    if recorded.ledger != now.ledger and not (is_of_class and recorded.ledger is None):
        yield "What the servers saw differs: another seed, other moves, or another version of authlens."
