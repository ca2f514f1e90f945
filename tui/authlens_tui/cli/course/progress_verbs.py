"""`authlens learn progress` and `authlens learn reset`."""

from __future__ import annotations

from argparse import Namespace

from authlens_core.learning.desk.course import Course
from authlens_core.learning.lesson import LessonPhase
from authlens_core.values.errors import UsageError
from authlens_tui.cli.terminal.output import answer_json, answer_line, say


def show_progress(arguments: Namespace, course: Course) -> int:
    """Print how far you are in each lesson.

    Raises:
        LessonRefused: the file cannot be read.
    """
    summaries = course.summaries()
    if course.progress.problem:
        say(f"! {course.progress.problem}")
    if arguments.json:
        answer_json([summary.as_json() for summary in summaries])
        return 0
    width = max((len(name) for name in course.names), default=0)
    for one in summaries:
        answer_line(f"{one.number:>2}  {one.lesson.name:<{width}}  {one.state} · {one.words.title}")
    return 0


async def reset(arguments: Namespace, course: Course, name: str) -> int:
    """Start a phase, a lesson or the course over; what was done is archived in `learn.json`.

    Args:
        name: of the lesson; empty for all.

    Raises:
        LessonRefused: the file cannot be read.
        UsageError: it is not clear what starts over.
    """
    phase = None if arguments.phase is None else LessonPhase(arguments.phase)
    if bool(name) is arguments.all or (phase and not name):
        raise UsageError(
            "Name one lesson, or use --all.",
            "A lesson: authlens learn reset ID. All of them: authlens learn reset --all",
        )
    archived = await course.start_over(name, phase)
    if not name:
        say(f"✔ All {len(course.names)} lessons start over. Your earlier attempts are archived.")
    elif not archived:
        say(f"– {name} has no moves yet.")
    else:
        at = f" at {phase.value}" if phase else ""
        say(f"✔ {name} starts over{at}. Your earlier attempt is archived.")
    return 0
