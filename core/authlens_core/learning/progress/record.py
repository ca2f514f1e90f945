"""A record of practice: for each lesson the moves, and what they came to. A file of a class is one as well.

It is made from the progress of lessons, or from files of moves. It has no credential in it: a move names
what it uses. docs/learning.md has its form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec

from authlens_core.export.markdown import code_span
from authlens_core.learning.answers_file import MOST_MOVES
from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.lesson import QUESTIONS, CourseLesson, LessonPhase, LessonWords
from authlens_core.learning.moves import AnswerMove, AnyMove
from authlens_core.learning.outcome import AttemptOutcome
from authlens_core.learning.progress.progress_file import LessonProgress
from authlens_core.learning.strict_file import StrictFile, StrictTable, read_strict
from authlens_core.learning.tickets import LONGEST_TICKET, read_ticket
from authlens_core.values.errors import LessonRefused
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


def entry_of(progress: LessonProgress) -> LessonRecord | None:
    """Return the last attempt that passed a lesson, or the one that goes on; None before the first move.

    The verdict is the stored one, and the misconceptions are not known.
    """
    attempts = [attempt for attempt in progress.attempts if attempt.moves]
    if not attempts:
        return None
    chosen = next((one for one in reversed(attempts) if one.phase is None), attempts[-1])
    return LessonRecord(
        lesson=progress.lesson.rpartition("/")[2],
        version=chosen.version,
        digest=chosen.digest,
        seed=chosen.seed,
        verdict=RecordedVerdict(chosen.phase is None, chosen.passed, chosen.right),
        tries=progress.tries,
        hints=progress.hints,
        seconds=progress.seconds,
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


def practised(lesson: CourseLesson, progress: LessonProgress) -> LessonRecord | None:
    """Return the entry of a lesson with the misconceptions that were met; None before the first move."""
    entry = entry_of(progress)
    met, refuted = misconceptions(lesson, progress)
    return entry and msgspec.structs.replace(entry, met=met, refuted=refuted)


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

    def files(self, path: Path, *, traces: bool = False) -> Mapping[Path, str]:
        """Return what to write: the record, a page to read, and what each lesson sent, masked."""
        lessons = [outcome.lesson for outcome in self.outcomes]
        files = {path: self.text, path.with_suffix(".md"): record_markdown(self.record, lessons)}
        for outcome in self.outcomes if traces else ():
            trace = path.with_suffix(f".{outcome.lesson.name}{TRACE}")
            files[trace] = outcome.session()
        return files

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


_CLOSING = (
    "This is a record of practice, and no proof of identity: it shows that the moves solve the lessons, not "
    "who made them. Tries, hints and minutes are as this machine counted them, and are not verified. Make "
    "the moves again with `authlens learn verify` and the JSON file beside this one."
)


def record_markdown(record: PracticeRecord, lessons: Sequence[CourseLesson]) -> str:
    """Return a record of your own as Markdown.

    Args:
        lessons: those that its entries are of.
    """
    entries = list(zip(record.lessons, lessons, strict=True))
    passed = sum(entry.verdict.passed for entry, _ in entries)
    lines = [
        "# Record of practice",
        "",
        f"- {passed} of {len(record.lessons)} lessons passed",
        f"- Made {record.made_at} with authlens {record.authlens}",
    ]
    if record.ticket:
        ticket = read_ticket(record.ticket)
        lines.append(f"- Exam {code_span(ticket.exam)}, student {code_span(ticket.name)}")
    lines += [
        "",
        "| | Lesson | What you can do | Tries | Hints | Questions | Minutes |",
        "|---|---|---|---|---|---|---|",
        *(_row(entry, lesson.words) for entry, lesson in entries),
        *_misconceptions(record),
    ]
    for entry, lesson in entries:
        lines += ["", f"## {lesson.words.title}", "", *_moves(entry)]
    return "\n".join([*lines, "", _CLOSING, ""])


def _row(lesson: LessonRecord, words: LessonWords) -> str:
    sign = "✔" if lesson.verdict.passed else "○"
    tries, hints = sum(lesson.tries.values()), sum(lesson.hints.values())
    right = f"{lesson.verdict.right}/{QUESTIONS}"
    cells = (sign, words.title, words.texts["can"], tries, hints, right, -(-lesson.seconds // 60))
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


def _misconceptions(record: PracticeRecord) -> Iterator[str]:
    met = [name for lesson in record.lessons for name in lesson.met]
    refuted = {name for lesson in record.lessons for name in lesson.refuted}
    if not met:
        return
    yield ""
    yield f"Misconceptions met: {len(met)}, refuted: {len(refuted)}."
    if still := [name.replace("-", " ") for name in met if name not in refuted]:
        yield f"Open: {', '.join(still)}."


def _moves(lesson: LessonRecord) -> Iterator[str]:
    yield f"Version {lesson.version}, seed {lesson.seed}, digest `{lesson.digest}`."
    yield ""
    for number, move in enumerate(lesson.moves, 1):
        yield f"{number}. {code_span(move.text)}"
