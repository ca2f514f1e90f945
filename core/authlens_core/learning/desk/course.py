"""The lessons, how far you are in each, and a record of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from authlens_core.export.saved_file import OTHERWISE, named_path, write_export
from authlens_core.learning.answers_file import AnswersFile, answers_from
from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.catalogue import FOLDER, lessons
from authlens_core.learning.desk.open_lesson import OpenLesson
from authlens_core.learning.guide.summary import (
    LessonSummary,
    lesson_json,
    misconceptions_line,
    record_page,
    summary_json,
)
from authlens_core.learning.guide.verdict_lines import answered, outcome_lines
from authlens_core.learning.lesson import ENGLISH, CourseLesson, LessonPhase, Question
from authlens_core.learning.moves import AnyMove, MoveRefused
from authlens_core.learning.progress.progress_file import LessonProgress, ProgressFile, progress_name
from authlens_core.learning.progress.record import (
    LARGEST_RECORD,
    TRACE,
    LessonRecord,
    MadeRecord,
    PracticeRecord,
    RecordVerification,
    entry_in,
    entry_of,
    misconceptions,
    read_record,
    record_of,
    verified,
)
from authlens_core.learning.tickets import read_key, ticket_of
from authlens_core.learning.verdict import AttemptOutcome
from authlens_core.state.regular_file import read_named
from authlens_core.values.errors import AuthlensError, LessonRefused
from authlens_core.values.quick_dataclass import dataclass

__all__ = [
    "Course",
    "LessonPhase",
    "MissedQuestion",
]

_MOST_RECORDS = 200


class Course:
    """Lessons in one language.

    Args:
        known: the lessons by their identifiers; those of the program if None.
        progress: how far you are in each; what is stored if None.
        language: the one that was asked for.
    """

    def __init__(
        self,
        known: Mapping[str, CourseLesson] | None = None,
        progress: ProgressFile | None = None,
        *,
        language: str = ENGLISH,
    ) -> None:
        self._known = lessons() if known is None else known
        self._progress = progress
        self.language = language

    @classmethod
    def of(cls, folder: Path | None, ticket: str | None = None, *, language: str = ENGLISH) -> Course:
        """Return the lessons of a folder, or of the program if None, as a ticket of an exam draws them.

        Args:
            ticket: the ticket itself, or the file that it is in.

        Raises:
            LessonRefused: a lesson or the ticket cannot be used.
            FileUnusable: the file of the ticket cannot be read.
        """
        known = lessons(FOLDER if folder is None else folder, language)
        if ticket is not None:
            draws = ticket_of(ticket)
            known = {name: lesson.for_ticket(draws) for name, lesson in known.items()}
        return cls(known, language=language)

    @cached_property
    def progress(self) -> ProgressFile:
        """How far you are in each lesson, stored."""
        return self._progress or ProgressFile.open()

    @property
    def names(self) -> tuple[str, ...]:
        """The identifiers of the lessons, in their order."""
        return tuple(self._known)

    def find(self, word: str) -> str:
        """Return the identifier of the lesson that has it, or this number; empty if none has."""
        numbered = {str(number): name for number, name in enumerate(self.names, 1)}
        return numbered.get(word, word if word in self.names else "")

    def lesson(self, name: str) -> CourseLesson:
        """Return a lesson; raises KeyError if there is none of this name."""
        return self._known[name]

    def listed(self) -> list[dict[str, Any]]:
        """Return the lessons as `learn --list --json` prints them."""
        return [summary_json(lesson) for lesson in self._known.values()]

    def shown(self, name: str) -> dict[str, Any]:
        """Return what a learner may know of a lesson before, as `learn show --json` prints it."""
        return lesson_json(self.lesson(name))

    # -- how far you are -------------------------------------------------------------------------------

    def open(self, name: str) -> OpenLesson:
        """Return a lesson to do. Use it as an asynchronous context manager: it goes on where it stopped."""
        return OpenLesson(self.lesson(name), self.progress)

    def summaries(self) -> tuple[LessonSummary, ...]:
        """Return each lesson with how far you are in it.

        Raises:
            LessonRefused: the stored progress cannot be read.
        """
        stored = self.progress.read()
        known_as = {progress_name(lesson): lesson for lesson in self._known.values()}
        return tuple(
            LessonSummary(lesson, stored.get(own, LessonProgress(own))) for own, lesson in known_as.items()
        )

    def summary(self, name: str) -> LessonSummary:
        """Return one lesson with how far you are in it; see `summaries`."""
        return self.summaries()[self.names.index(name)]

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield headings and texts about all lessons: what you can do, and which misconceptions you met."""
        summaries = self.summaries()
        passed = [summary for summary in summaries if summary.passed]
        minutes = sum(summary.minutes for summary in summaries)
        lines = [f"- ✔ {one.lesson.number} {one.lesson.words.texts['can']} ({one.took})" for one in passed]
        yield f"What you can do: {len(passed)} of {len(summaries)} lessons, {minutes} min", "\n".join(lines)
        each = [misconceptions(one.lesson, one.progress) for one in summaries]
        met, refuted = ({name for known in each for name in known[part]} for part in (0, 1))
        if met:
            yield "Misconceptions", misconceptions_line(met, refuted)
        yield "", "This is practice on this machine, and no proof of identity."

    def note(self) -> str:
        """Return how far you are, in a few words."""
        summaries = self.summaries()
        left = sum(summary.lesson.minutes for summary in summaries if not summary.passed)
        hours = f"{left // 60} h {left % 60} min" if left >= 60 else f"{left} min"
        passed = sum(summary.passed for summary in summaries)
        return f"{passed} of {len(summaries)} passed" + (f" · {hours} left" if left else "")

    def to_go_on_with(self) -> str:
        """Return the lesson that you stopped in, or else the first that is not passed; empty if all are."""
        open_ones = [summary for summary in self.summaries() if not summary.passed]
        begun = [summary for summary in open_ones if summary.progress.tries]
        return (begun or open_ones)[0].lesson.name if open_ones else ""

    def next_after(self, name: str) -> str:
        """Return the first lesson behind one that is not passed, or before it; empty if there is none."""
        start = self.names.index(name) + 1 if name else 0
        summaries = self.summaries()
        others = (*summaries[start:], *summaries[: max(start - 1, 0)])
        return next((one.lesson.name for one in others if not one.passed), "")

    def missed_before(self, name: str) -> MissedQuestion | None:
        """Return a question to ask again before a lesson is begun: one of another lesson that was missed."""
        summaries = self.summaries()
        starting = summaries[self.names.index(name)]
        if starting.begun or starting.lesson.ticket is not None:
            return None
        for summary in summaries:
            known = {question.name: question for question in summary.lesson.questions if question.right}
            for missed in summary.progress.missed:
                if missed in known:
                    return MissedQuestion(summary.lesson, known[missed], self.progress)
        return None

    def read_hint(self, name: str, phase: LessonPhase, step: int) -> tuple[str, int]:
        """Return a hint of a phase, from 1, and how many there are; that it was read is stored.

        Raises:
            LessonRefused: it is an exam.
        """
        lesson = self.open(name)
        steps = lesson.hints(phase)
        if not steps:
            raise LessonRefused("There are no hints in an exam.")
        lesson.note_hint(phase, step)
        return steps[step - 1], len(steps)

    async def start_over(self, name: str = "", phase: LessonPhase | None = None) -> int:
        """Start a phase, a lesson or all of them over, and return of how many lessons moves were archived.

        Raises:
            LessonRefused: the stored progress cannot be read.
        """
        if not name:
            return self.progress.start_over()
        if not self.summary(name).progress.goes_on.moves:
            return 0
        if phase is None:
            own = progress_name(self.lesson(name))
            self.progress.change(own, lambda known: known.with_attempt(None))
        else:
            async with self.open(name) as lesson:
                await lesson.start_over(phase)
        return 1

    # -- what moves come to ----------------------------------------------------------------------------

    def answers(self, source: str | bytes, *, lesson: str = "") -> AnswersFile:
        """Return the moves of a file that a user named, or of what was on standard input; see `answers_from`.

        Raises:
            LessonRefused: they are no such file, or for another lesson; any of the course is fit without one.
        """
        given = answers_from(source, lesson=lesson)
        if given.lesson not in self.names:
            where = Path(source).name if isinstance(source, str) else "standard input"
            raise LessonRefused(f"{where}:1:1: there is no lesson “{given.lesson}”.")
        return given

    async def run(self, name: str, answers: AnswersFile, *, seed: int | None = None) -> AttemptOutcome:
        """Make the moves of a file. In an exam they are stored, and what was done before stays.

        Args:
            seed: of the worlds, instead of that of the file; in an exam it is the ticket's.

        Raises:
            MoveRefused: one of them cannot be made.
            TimedOut: they took longer than 20 seconds.
        """
        lesson = self.lesson(name)
        if lesson.ticket is None:
            return await attempt_of(lesson, answers.read(), seed=answers.seed if seed is None else seed)
        async with self.open(name) as exam:
            made = exam.attempt.moves
            for number, move in enumerate(answers.read(), 1):
                if number > len(made):
                    await exam.make(move)
                elif move != (before := made[number - 1]):
                    raise MoveRefused(number, f"in an exam what you did stays, and it was “{before.text}”")
            return exam.attempt.outcome()

    def verdict(self, outcome: AttemptOutcome) -> tuple[str, ...]:
        """Return the verdict on moves, a line for each thing to prove and for what comes nearest to it."""
        return tuple(outcome_lines(outcome))

    async def record(self, answers: Sequence[AnswersFile] = ()) -> MadeRecord:
        """Return a record of what you did, or of the moves of files, all of them made again.

        Raises:
            LessonRefused: the stored progress cannot be read, or a file is for another lesson.
            TimedOut: the moves of a lesson took longer than 20 seconds.
        """
        entries = self._practised() if not answers else map(self._answered, answers)
        return await record_of(entries)

    def write(
        self,
        made: MadeRecord,
        name: str,
        *,
        traces: bool = False,
        force: bool = False,
        otherwise: str = OTHERWISE,
    ) -> Iterator[Path]:
        """Write a record to a file that a user named, and a page to read; yield each once it is there.

        Args:
            traces: true for what each lesson sent, too, masked.
            force: as in `write_export`; so are `otherwise` and the errors.
        """
        path, lessons = named_path(name), [outcome.lesson for outcome in made.outcomes]
        files = {path: made.text, path.with_suffix(".md"): record_page(made.record, lessons)}
        for outcome in made.outcomes if traces else ():
            files[path.with_suffix(f".{outcome.lesson.name}{TRACE}")] = outcome.session()
        for file, text in files.items():
            yield write_export(file, text, force=force, otherwise=otherwise)

    def _practised(self) -> Iterator[tuple[LessonRecord, CourseLesson]]:
        for one in self.summaries():
            if entry := entry_of(one.progress, one.lesson):
                yield entry, one.lesson

    def _answered(self, answers: AnswersFile) -> tuple[LessonRecord, CourseLesson]:
        lesson = self.lesson(answers.lesson)
        return entry_in(lesson, answers.read(), answers.seed), lesson

    async def verify(self, record: PracticeRecord, *, key: bytes | None = None) -> RecordVerification:
        """Make all moves of a record again, and compare; with the key of an exam its ticket, too."""
        return await verified(record, self._known, key=key)

    async def verify_at(
        self, place: str, *, key_file: str | None = None
    ) -> AsyncIterator[tuple[str, RecordVerification]]:
        """Yield the name of a record, or of each of those in a folder, with what came of making it again.

        Args:
            key_file: that of an exam, whose tickets the records have to have.

        Raises:
            LessonRefused: there is none in the folder, or too many.
            FileUnusable: the key cannot be used.
        """
        key = None if key_file is None else read_key(named_path(key_file))
        path = _named(place)
        seen: dict[str, tuple[str, str]] = {}
        made: dict[tuple[str, str], tuple[AnyMove, ...]] = {}
        for file in _records(path):
            try:
                data = read_named(file, LARGEST_RECORD, follow=file == path)
                record = read_record(data, name=file.name)
                done = await self.verify(record, key=key)
                # A student leaves several files in a class, and hands in one record.
                whose = str(_account(file)) if record.now else file.name
                first, hers = seen.setdefault(record.ticket, (file.name, whose))
                differs = [f"{first} has the same ticket."] if hers != whose else _other_moves(record, made)
                if record.ticket and differs:
                    done = RecordVerification(holds=False, differs=tuple(differs))
            except AuthlensError as error:
                done = RecordVerification(holds=False, differs=(error.cause,))
            yield file.name, done


def _other_moves(record: PracticeRecord, made: dict[tuple[str, str], tuple[AnyMove, ...]]) -> Sequence[str]:
    """Return the lessons in which an earlier file of this ticket went another way, and note these moves.

    Each start of authlens leaves a file in a class, so a second attempt shows, whatever became of the first.
    """
    differs = []
    for lesson in record.lessons:
        before = made.get((record.ticket, lesson.lesson), ())
        made[record.ticket, lesson.lesson] = max(before, lesson.moves, key=len)
        if any(one != other for one, other in zip(before, lesson.moves, strict=False)):
            differs.append(f"{lesson.lesson}: an earlier file of this ticket has other moves.")
    return differs


def _named(place: str) -> Path:
    """Return a folder, or else the path of a file; a home directory is that of a file."""
    return Path(place) if Path(place).is_dir() else named_path(place)


def _account(path: Path) -> int:
    """Return whose file it is; -1 if it is gone."""
    try:
        return path.lstat().st_uid
    except OSError:
        return -1


def _records(path: Path) -> tuple[Path, ...]:
    if not path.is_dir():
        return (path,)
    found = sorted(one for one in path.glob("*.json") if not one.name.endswith(TRACE))
    if not 0 < len(found) <= _MOST_RECORDS:
        raise LessonRefused(f"{path.name}:1:1: {len(found)} records, and 1 to {_MOST_RECORDS} can be read.")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class MissedQuestion:
    """A question that was answered wrong, and not right since."""

    lesson: CourseLesson
    question: Question
    progress: ProgressFile

    @property
    def text(self) -> str:
        return self.lesson.words.texts[f"questions/{self.question.name}"]

    @property
    def options(self) -> Mapping[str, str]:
        """The words of each option, by its letter."""
        return self.lesson.words.options(f"questions/{self.question.name}")

    def answer(self, option: str) -> str:
        """Store the answer, and return what to say to it."""
        name, right = self.question.name, self.question.right
        own = progress_name(self.lesson)
        self.progress.change(own, lambda known: known.with_answer(name, right=option == right))
        return answered(self.lesson, name, option, right)
