"""Making the moves of a record again, to see whether they come to what it says.

It shows that the moves solve the lesson under that seed. Who typed them, no file can show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.draw import drawn
from authlens_core.learning.lesson import CourseLesson
from authlens_core.learning.progress.record import LessonRecord, PracticeRecord, RecordedVerdict
from authlens_core.learning.tickets import Ticket, read_ticket
from authlens_core.values.errors import AuthlensError, LessonRefused

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
        lesson = drawn(lesson, ticket)
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
