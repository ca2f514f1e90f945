"""`authlens learn record` and `authlens learn verify`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from authlens_core.export.saved_file import named_path
from authlens_core.learning.answers_file import AnswersFile, answers_in
from authlens_core.learning.desk.course import Course
from authlens_core.learning.desk.tickets import read_key
from authlens_core.values.errors import LessonRefused, UsageError
from authlens_core.values.fix import fix, step
from authlens_tui.cli.classroom.ticket_verbs import written
from authlens_tui.cli.terminal.output import answer_json, answer_line, say


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
    made = await course.record(tuple(_answers(arguments, course)))
    for reason in made.left_out:
        say(f"! Not in the record: {reason}")
    if not made.outcomes:
        raise UsageError("There is nothing to record yet.", fix(step("Start a lesson", "authlens learn")))
    if arguments.output == "-":
        for line in made.text.rstrip().split("\n"):
            answer_line(line)
        return 0
    for file, content in made.files(named_path(arguments.output), traces=arguments.traces).items():
        say(f"✔ Written to {written(file, content, force=arguments.force)}")
    passed = sum(outcome.passed for outcome in made.outcomes)
    say(f"  Lessons passed: {passed} of {len(made.outcomes)}. A record of practice, not a proof of identity.")
    return 0


def _answers(arguments: Namespace, course: Course) -> Iterator[AnswersFile]:
    for source in arguments.answers:
        answers = answers_in(named_path(source))
        if answers.lesson not in course.names:
            raise LessonRefused(f"{Path(source).name}:1:1: there is no lesson “{answers.lesson}”.")
        yield answers


async def verify(arguments: Namespace, course: Course) -> int:
    """Make the moves of records again.

    Raises:
        FileUnusable: the key or the record cannot be read.
    """
    key = None if arguments.key is None else read_key(named_path(arguments.key))
    results: list[dict[str, Any]] = []
    async for file, done in course.verify_at(_named(arguments.path), key=key):
        results.append({"file": file, **done.as_json()})
        if not arguments.json:
            student = f" ({done.student}, {done.exam})" if done.exam else ""
            answer_line(f"{'✔' if done.holds else '✖'} {file}{student}: {done.passed}")
            for problem in done.differs:
                answer_line(f"    {problem}")
    if arguments.json:
        answer_json(results)
    if not all(result["holds"] for result in results):
        return LessonRefused.exit_code
    say("  Verified: the moves come to what is recorded. Who typed them, no record shows.")
    return 0


def _named(text: str) -> Path:
    """Return a folder, or else the path of a file; a home directory is that of a file."""
    return Path(text) if Path(text).is_dir() else named_path(text)
