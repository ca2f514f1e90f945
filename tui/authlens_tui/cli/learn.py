"""`authlens learn`: lessons and drills as answers on stdout, for scripts and authors of lessons."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from authlens_core.values.errors import LessonRefused
from authlens_lab.learning.desk.course import Course, CourseLesson, LessonPhase, drills
from authlens_lab.learning.desk.lesson_check import LessonCheck, check_lesson, new_lesson, read_catalogue
from authlens_tui.cli.course.plain_course import NOT_PASSED, PlainCourse
from authlens_tui.cli.option_values import named_folder
from authlens_tui.cli.terminal.flags import is_plain, numbered
from authlens_tui.cli.terminal.output import answer_json, answer_line, say
from authlens_tui.cli.terminal.refused import nearest, refusal, unknown_name
from authlens_tui.cli.terminal.standard_input import everything

_MOST_READ: Final = 1024 * 1024  # bytes of standard input; a file of moves is shorter


def learn(arguments: Namespace) -> int | Coroutine[Any, Any, int]:
    """Do what the action says.

    Raises:
        LessonRefused: a lesson or a file of moves cannot be used.
        UsageError: there is no such lesson, or the terminal cannot show a full screen.
        TimedOut: the moves took longer than 20 seconds.
    """
    return _ACTIONS.get(arguments.action, _list)(arguments)


def course_of(arguments: Namespace) -> Course:
    """Return the lessons of the folder that was named, or of the program.

    Raises:
        LessonRefused: a lesson cannot be used.
        UsageError: the folder cannot be used.
    """
    folder = getattr(arguments, "folder", None)
    seed = getattr(arguments, "seed", None)
    course = Course.from_folder(None if folder is None else named_folder(folder), seed=seed)
    for refused in course.refusals:
        say(f"✖ Left out: {refused.cause}")
    return course


def lesson_of(arguments: Namespace, course: Course) -> str:
    """Return the identifier of the lesson that was named, or numbered.

    Raises:
        UsageError: there is none.
    """
    name = course.find(arguments.lesson)
    if not name:
        meant = nearest(arguments.lesson, [*course.names, *_ACTIONS])  # `learn ID` is a short form
        hint = (f"Did you mean {meant}?",) if meant else ()
        raise refusal(f"There is no lesson {arguments.lesson}.", *hint, ("See", "authlens learn --list"))
    return name


async def _play(arguments: Namespace) -> int:
    """Do lessons line by line; `full_screen` is used if there is one."""
    course = course_of(arguments)
    name = lesson_of(arguments, course) if getattr(arguments, "lesson", None) else ""
    if not is_plain():
        say("There is no full screen here. The course goes on line by line.")
    return await PlainCourse(course).run(name)


def _list(arguments: Namespace) -> int | Coroutine[Any, Any, int]:
    """Print lessons and drills as the catalogue has them."""
    if not (arguments.list or arguments.json):
        return _play(arguments)
    course = course_of(arguments)
    listed = drills().values() if course.has_drills else ()
    if arguments.json:
        answer_json([*course.as_json(), *map(_drill_json, listed)])
    else:
        _print_lessons(course)
        _print_drills(listed)
    return LessonRefused.exit_code if course.refusals else 0


def _print_lessons(course: Course) -> None:
    """Print how far you are in each lesson."""
    width = max((len(name) for name in course.names), default=0)
    for summary in course.summaries():
        lesson = summary.lesson
        what = f"{lesson.title} ({lesson.minutes} min)"
        answer_line(f"{lesson.number:>2}  {lesson.name:<{width}}  {summary.state} · {what}")


def _show(arguments: Namespace) -> int:
    course = course_of(arguments)
    members = course.details(lesson_of(arguments, course))
    if arguments.json:
        answer_json(members)
    else:
        _print_members(members)
    return 0


def _print_members(members: Mapping[str, Any], indent: str = "") -> None:
    """Print the members of the JSON, one a line."""
    for name, value in members.items():
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, Mapping):
                answer_line(f"{indent}{name}:")
                _print_members(each, f"{indent}  ")
            else:
                text = " ".join(str(each).split())
                answer_line(f"{indent}{name}: {text}")


def _hint(arguments: Namespace) -> int:
    course = course_of(arguments)
    name = lesson_of(arguments, course)
    text, steps = course.read_hint(name, LessonPhase(arguments.phase), arguments.step)
    for line in text.split("\n"):
        answer_line(line)
    if arguments.step < steps:
        command = f"authlens learn hint {name} {arguments.phase} --step {arguments.step + 1}"
        say(f"  → Next: {command}")
    return 0


async def _run(arguments: Namespace) -> int:
    course = course_of(arguments)
    name = lesson_of(arguments, course)
    source = everything(_MOST_READ) if arguments.answers == "-" else arguments.answers
    outcome = await course.run(name, source, seed=arguments.seed)
    if arguments.trace is not None:
        say(f"✔ Written to {outcome.attempt.save(arguments.trace)}; secrets are replaced by fingerprints.")
    if arguments.json:
        answer_json(outcome.as_json())
    else:
        answer_line(f"{course.lesson(name).title}: {'passed' if outcome.attempt.passed else 'not passed'}")
        for line in outcome.verdict():
            answer_line(line)
    return 0 if outcome.attempt.passed else NOT_PASSED


def _new(arguments: Namespace) -> int:
    """Print a lesson to start from."""
    for line in new_lesson(arguments.lesson).rstrip("\n").split("\n"):
        answer_line(line)
    return 0


async def _check(arguments: Namespace) -> int:
    catalogue = read_catalogue(named_folder(arguments.path))
    results: list[LessonCheck] = []
    refused = list(catalogue.refusals)
    for lesson in catalogue.lessons.values():
        try:
            results.append(await check_lesson(lesson))
        except LessonRefused as error:  # its solution cannot be made
            refused.append(error)
    if arguments.json:
        answer_json([_check_json(result) for result in results])
    else:
        for result in results:
            answer_line(
                f"{'✖' if result.problems else '✔'} {result.lesson.name}: {result.tried} mutations tried"
            )
            for problem in result.problems:
                answer_line(f"    {problem}")
            for warning in result.warnings:
                answer_line(f"    ! {warning}")
    for unusable in refused:
        say(f"✖ {unusable.cause}")
    problems = [problem for result in results for problem in result.problems]
    return LessonRefused.exit_code if problems or refused else 0


def _check_json(result: LessonCheck) -> dict[str, object]:
    return {
        "lesson": result.lesson.name,
        "version": result.lesson.version,
        "sound": not result.problems,
        "mutations": result.tried,
        "problems": list(result.problems),
        "warnings": list(result.warnings),
    }


def _progress(arguments: Namespace) -> int:
    """Print how far you are in each lesson."""
    course = course_of(arguments)
    summaries = course.summaries()
    if course.progress.problem:
        say(f"! {course.progress.problem}")
    if arguments.json:
        answer_json([summary.as_json() for summary in summaries])
        return 0
    _print_lessons(course)
    return 0


async def _reset(arguments: Namespace) -> int:
    """Start a phase, a lesson or the course over; a pass stays."""
    course = course_of(arguments)
    name = lesson_of(arguments, course) if arguments.lesson else ""
    phase = None if arguments.phase is None else LessonPhase(arguments.phase)
    if (name and arguments.all) or (not name and (phase or not arguments.all)):
        raise refusal(
            "Name one lesson, or use --all.",
            "A lesson: authlens learn reset ID. All of them: authlens learn reset --all",
        )
    had_moves = await course.start_over(name, phase)
    if not name:
        say(f"✔ All {len(course.names)} lessons start over.")
    elif not had_moves:
        say(f"– {name} has no moves yet.")
    else:
        phase_text = f" at {phase.value}" if phase else ""
        say(f"✔ {name} starts over{phase_text}.")
    return 0


def _drill_json(drill: CourseLesson) -> dict[str, Any]:
    """Return a drill as JSON, without its claims, which give the answer away."""
    return {
        "id": drill.name,
        "group": drill.drill.group,
        "title": drill.title,
        "question": drill.prediction.text,
        "options": drill.prediction.words,
    }


def _print_drills(listed: Collection[CourseLesson]) -> None:
    widest = max((len(drill.name) for drill in listed), default=0)
    lines = numbered(f"{drill.name:<{widest}}  {drill.watch_for}" for drill in listed)
    for group, entries in groupby(zip(listed, lines, strict=True), key=lambda pair: pair[0].drill.group):
        answer_line(f"{group}:")
        for _, line in entries:
            answer_line(f"  {line}")


def chosen_drills(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names of what the demo plays, or None after listing all scenarios for `list`.

    Raises:
        UsageError: there is no such scenario, or one of another server is combined with others.
    """
    by_name = drills()
    if "list" in names:
        _print_drills(by_name.values())
        return None
    for name in names:
        if name not in by_name:
            raise unknown_name(name, by_name, f"There is no scenario {name!r}.", "authlens demo --fault list")
    whole = next((name for name in names if by_name[name].world.profile != "access"), None)
    if whole is not None and len(names) > 1:
        raise refusal(f"{whole} cannot be combined with other scenarios.", "Name it alone.")
    return tuple(names)


_ACTIONS: Final[Mapping[str, Callable[[Namespace], int | Coroutine[Any, Any, int]]]] = {
    "play": _play,
    "show": _show,
    "hint": _hint,
    "run": _run,
    "new": _new,
    "check": _check,
    "progress": _progress,
    "reset": _reset,
}
