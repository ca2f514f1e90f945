"""`learn record` and `learn verify`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from authlens_core.export.saved_file import named_path
from authlens_core.export.session_file import session_json
from authlens_core.learning.answers_file import answers_in
from authlens_core.learning.claim import LessonRefused
from authlens_core.learning.classroom.exam import read_key
from authlens_core.learning.lesson import CourseLesson
from authlens_core.learning.progress.practice import entries_of, entry_in, record_of
from authlens_core.learning.progress.progress_file import ProgressFile
from authlens_core.learning.progress.record import LessonRecord, record_in
from authlens_core.learning.progress.record_markdown import record_markdown
from authlens_core.learning.progress.verify import Course, RecordVerification, verified
from authlens_core.learning.words_file import ENGLISH
from authlens_core.values.errors import AuthlensError, UsageError
from authlens_core.values.fix import fix, step
from authlens_tui.cli.classroom.ticket_verbs import written
from authlens_tui.cli.terminal.output import answer_json, answer_line, say

_MOST_RECORDS: Final = 200
_TRACE: Final = ".authlens.json"


async def record(arguments: Namespace, course: Course) -> int:
    """Write a record of what was done, after making all of its moves again.

    Raises:
        LessonRefused: a file of moves cannot be used.
        UsageError: nothing was done yet, or moves of a file are to be of an exam.
        FileExists: there is such a file.
    """
    if arguments.answers and getattr(arguments, "ticket", None):  # it would go around the first prediction
        raise UsageError(
            "--answers and --ticket exclude each other: a record of an exam is of your progress.",
            "Make the moves first: authlens learn run ID --ticket FILE --answers FILE",
        )
    made = await record_of(_practised(arguments, course))
    for reason in made.left_out:
        say(f"! Not in the record: {reason}")
    if not made.outcomes:
        raise UsageError("There is nothing to record yet.", fix(step("Start a lesson", "authlens learn")))
    text = made.record.as_bytes().decode()
    if arguments.output == "-":
        for line in text.rstrip().split("\n"):
            answer_line(line)
        return 0
    path = named_path(arguments.output)
    words = {name: by_language[ENGLISH] for name, (_, by_language) in course.items()}
    files = {path: text, path.with_suffix(".md"): record_markdown(made.record, words)}
    if arguments.traces:
        for outcome in made.outcomes:
            trace = path.with_suffix(f".{outcome.lesson.name}{_TRACE}")
            files[trace] = session_json(outcome.trace())
    for file, content in files.items():
        say(f"✔ Written to {written(file, content, force=arguments.force)}")
    passed = sum(outcome.passed for outcome in made.outcomes)
    say(f"  Lessons passed: {passed} of {len(made.outcomes)}. A record of practice, not a proof of identity.")
    return 0


def _practised(arguments: Namespace, course: Course) -> Iterator[tuple[LessonRecord, CourseLesson]]:
    if not arguments.answers:
        yield from entries_of((lesson for lesson, _ in course.values()), ProgressFile.open().read())
    for source in arguments.answers:
        answers = answers_in(named_path(source))
        if answers.lesson not in course:
            raise LessonRefused(f"{Path(source).name}:1:1: there is no lesson “{answers.lesson}”.")
        lesson, _ = course[answers.lesson]
        yield entry_in(lesson, answers.read(), answers.seed), lesson


async def verify(arguments: Namespace, course: Course) -> int:
    """Make the moves of records again.

    Raises:
        FileUnusable: the key or the record cannot be read.
    """
    key = None if arguments.key is None else read_key(named_path(arguments.key))
    results: list[dict[str, Any]] = []
    tickets: dict[str, tuple[str, str]] = {}
    named = Path(arguments.path)
    for path in _records(named):
        try:
            content = record_in(path, follow=path == named)
            done = await verified(content, course, key=key)
            # A student leaves several files in a class, and hands in one record.
            whose = f"{_account(path)}" if content.now else path.name
            first, hers = tickets.setdefault(content.ticket, (path.name, whose))
            if content.ticket and hers != whose:
                done = RecordVerification(holds=False, differs=(f"{first} has the same ticket.",))
        except AuthlensError as error:
            done = RecordVerification(holds=False, differs=(error.cause,))
        results.append({"file": path.name, **done.as_json()})
        if not arguments.json:
            _show(path.name, done)
    if arguments.json:
        answer_json(results)
    if not all(result["holds"] for result in results):
        return LessonRefused.exit_code
    say("  Verified: the moves come to what is recorded. Who typed them, no record shows.")
    return 0


def _account(path: Path) -> int:
    """Return whose file it is; -1 if it is gone."""
    try:
        return path.lstat().st_uid
    except OSError:
        return -1


def _records(path: Path) -> tuple[Path, ...]:
    """Return the record, or those in a folder.

    Raises:
        LessonRefused: there is none in the folder, or too many.
    """
    if not path.is_dir():
        return (named_path(str(path)),)
    found = sorted(one for one in path.glob("*.json") if not one.name.endswith(_TRACE))
    if not 0 < len(found) <= _MOST_RECORDS:
        raise LessonRefused(f"{path.name}:1:1: {len(found)} records, and 1 to {_MOST_RECORDS} can be read.")
    return tuple(found)


def _show(file: str, done: RecordVerification) -> None:
    student = f" ({done.student}, {done.exam})" if done.exam else ""
    answer_line(f"{'✔' if done.holds else '✖'} {file}{student}: {done.passed}")
    for problem in done.differs:
        answer_line(f"    {problem}")
