"""`authlens learn record`, `verify`, `class` and `tickets`."""

from __future__ import annotations

import shlex
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from authlens_core.learning.class_folder import ClassFolder
from authlens_core.learning.desk.course import Course
from authlens_core.learning.tickets import as_csv, tickets_for, write_tickets
from authlens_tui.cli.terminal.output import answer_json, answer_line, say
from authlens_tui.cli.terminal.refused import ADD_FORCE, refusal


async def record(arguments: Namespace, course: Course) -> int:
    """Write a record of what was done, after making all of its moves again.

    Raises:
        LessonRefused: a file of moves cannot be used.
        UsageError: nothing was done yet, or moves of a file are to be of an exam.
        FileExists: there is such a file.
    """
    if arguments.answers and getattr(arguments, "ticket", None):  # it would go around the first prediction
        raise refusal(
            "--answers and --ticket exclude each other: a record of an exam is of your progress.",
            "Make the moves first: authlens learn run ID --ticket FILE --answers FILE",
        )
    made = await course.record([course.answers(source) for source in arguments.answers])
    for reason in made.left_out:
        say(f"! Not in the record: {reason}")
    if not made.outcomes:
        raise refusal("There is nothing to record yet.", ("Start a lesson", "authlens learn"))
    if arguments.output == "-":
        for line in made.text.rstrip().split("\n"):
            answer_line(line)
        return 0
    for file in course.write(
        made, arguments.output, traces=arguments.traces, force=arguments.force, otherwise=ADD_FORCE
    ):
        say(f"✔ Written to {file}")
    passed = sum(outcome.passed for outcome in made.outcomes)
    say(f"  Lessons passed: {passed} of {len(made.outcomes)}. A record of practice, not a proof of identity.")
    return 0


async def verify(arguments: Namespace, course: Course) -> int:
    """Make the moves of records again.

    Raises:
        FileUnusable: the key or the record cannot be read.
    """
    results: list[dict[str, Any]] = []
    code = 0
    async for file, done in course.verify_at(arguments.path, key_file=arguments.key):
        results.append({"file": file, **done.as_json()})
        code = max(code, done.exit_code)
        if not arguments.json:
            student = f" ({done.student}, {done.exam})" if done.exam else ""
            answer_line(f"{'✔' if done.holds else '✖'} {file}{student}: {done.passed}")
            for problem in done.differs:
                answer_line(f"    {problem}")
    if arguments.json:
        answer_json(results)
    if not code:
        say("  Verified: the moves come to what is recorded. Not verified: tries, hints, time and who typed.")
    return code


def show_class(arguments: Namespace, course: Course) -> int:
    """Show who is where: once as JSON, or on a screen until the teacher leaves.

    Raises:
        FileUnusable: the folder cannot be read.
        UsageError: this is no terminal for a full screen.
    """
    folder = ClassFolder(Path(arguments.folder_of_class))
    view = folder.read()
    if arguments.json:
        answer_json(view.as_json(time.time()))
        return 0
    from authlens_tui.cli.full_screen import require_terminal, run_to_end

    require_terminal(f"authlens learn class {shlex.quote(str(folder.path))} --json")
    from authlens_tui.app.learn import class_app

    return run_to_end(class_app(folder, course))


def tickets(arguments: Namespace) -> int:
    """Give each student of a roster a ticket.

    Raises:
        LessonRefused: the roster is none.
        UsageError: the exam has no name, or the folder is none.
        FileUnusable: the key or the roster cannot be used.
    """
    folder = None if arguments.output is None else Path(arguments.output)
    if folder is not None and not folder.is_dir():
        raise refusal(f"{folder} is no directory.", f"Make it first: mkdir {shlex.quote(str(folder))}")
    made, new_key = tickets_for(arguments.roster, arguments.exam, key_file=arguments.key)
    if new_key is not None:
        say(f"✔ New key in {new_key}. Keep it from the students: it makes tickets.")
    if folder is None:
        for line in as_csv(made):
            answer_line(line)
        return 0
    write_tickets(made, folder, force=arguments.force, otherwise=ADD_FORCE)
    how_many = "1 ticket is" if len(made) == 1 else f"{len(made)} tickets are"
    say(f"✔ {how_many} in {folder}, one file for each student.")
    return 0
