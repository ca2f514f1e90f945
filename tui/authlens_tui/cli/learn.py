"""`authlens learn`: lessons as answers on stdout, for scripts, teachers and authors of lessons."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from authlens_core.export.saved_file import named_path, write_export
from authlens_core.export.session_file import session_json
from authlens_core.learning.answers_file import LARGEST_FILE, AnswersFile, answers_in, read_answers
from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.catalogue import FOLDER, lessons
from authlens_core.learning.claim import LessonRefused
from authlens_core.learning.classroom.draw import drawn
from authlens_core.learning.guide.move_text import text_of, usage
from authlens_core.learning.judge import ClaimVerdict
from authlens_core.learning.lesson import QUESTIONS, CourseLesson, LessonPhase
from authlens_core.learning.lesson_check import LessonCheck, checked, lessons_at
from authlens_core.learning.moves import MoveRefused
from authlens_core.learning.outcome import AttemptOutcome
from authlens_core.learning.progress.lesson_progress import progress_name
from authlens_core.learning.progress.progress_file import ProgressFile
from authlens_core.learning.progress.recorded_attempt import RecordedAttempt
from authlens_core.learning.shown_lesson import hints, lesson_json, summary_json
from authlens_core.learning.words_file import ENGLISH, LessonWords
from authlens_core.values.errors import UsageError
from authlens_core.values.fix import fix, step
from authlens_tui.cli.classroom.class_verb import show_class
from authlens_tui.cli.classroom.record_verbs import record, verify
from authlens_tui.cli.classroom.ticket_verbs import ticket_of, tickets
from authlens_tui.cli.course.drill_verbs import are_meant, check_drills, list_drills
from authlens_tui.cli.course.plain_course import NOT_PASSED, plain_course
from authlens_tui.cli.course.progress_verbs import reset, show_progress
from authlens_tui.cli.option_values import named_folder, nearest
from authlens_tui.cli.terminal.output import answer_json, answer_line, say
from authlens_tui.cli.terminal.plain import is_plain
from authlens_tui.cli.terminal.standard_input import everything

_Read = tuple[CourseLesson, Mapping[str, LessonWords]]


def learn(arguments: Namespace) -> int | Coroutine[Any, Any, int]:
    """Do what the action says.

    Raises:
        LessonRefused: a lesson or a file of moves cannot be used.
        FileUnusable: the folder of the class cannot be read.
        UsageError: there is no such lesson, or this is no terminal for a full screen.
        TimedOut: the moves took longer than 20 seconds.
    """
    return _ACTIONS.get(arguments.action, _list)(arguments)


def course_of(arguments: Namespace) -> Mapping[str, _Read]:
    """Return the lessons that are meant, by their names: of a folder, or as a ticket draws them.

    Raises:
        LessonRefused: a lesson or the ticket cannot be used.
        UsageError: the folder cannot be used.
    """
    known = _read(arguments)
    ticket = ticket_of(arguments)
    return known if ticket is None else {name: drawn(*read, ticket) for name, read in known.items()}


def _read(arguments: Namespace) -> Mapping[str, _Read]:
    folder = getattr(arguments, "folder", None)
    return lessons(FOLDER if folder is None else named_folder(folder))


def lesson_of(arguments: Namespace) -> tuple[CourseLesson, LessonWords]:
    """Return a lesson with its words in the language that was asked for.

    The locale does not choose it: a class, a script and a recording see the same on every machine.
    """
    known = course_of(arguments)
    if arguments.lesson in {str(number) for number in range(1, len(known) + 1)}:
        arguments.lesson = list(known)[int(arguments.lesson) - 1]
    if arguments.lesson not in known:
        meant = nearest(arguments.lesson, [*known, *_ACTIONS])  # `learn ID` is a short form
        hint = f"Did you mean {meant}? " if meant else ""
        raise UsageError(
            f"There is no lesson {arguments.lesson}.", fix(hint, step("See", "authlens learn --list"))
        )
    lesson, by_language = known[arguments.lesson]
    if arguments.lang not in by_language:
        languages = ", ".join(sorted(by_language))
        raise UsageError(f"{lesson.name} is not translated to {arguments.lang}.", f"There is: {languages}.")
    return lesson, by_language[arguments.lang]


async def _play(arguments: Namespace) -> int:
    """Do lessons line by line; `full_screen` does them where there is one."""
    given = getattr(arguments, "lesson", None)
    name = lesson_of(arguments)[0].name if given else ""
    if not is_plain():
        say("There is no full screen here. The course goes on line by line.")
    return await plain_course(course_of(arguments), lesson=name, language=getattr(arguments, "lang", ENGLISH))


def _list(arguments: Namespace) -> int | Coroutine[Any, Any, int]:
    if arguments.drills:
        return list_drills(arguments)
    if not (arguments.list or arguments.json):
        return _play(arguments)
    read = course_of(arguments)
    summaries = [summary_json(lesson, words) for lesson, words in read.values()]
    if arguments.json:
        answer_json(summaries)
        return 0
    width = max((len(name) for name in read), default=0)
    for number, entry in enumerate(summaries, 1):
        answer_line(f"{number:>2}  {entry['id']:<{width}}  {entry['minutes']:>2} min  {entry['title']}")
    return 0


def _show(arguments: Namespace) -> int:
    shown = lesson_json(*lesson_of(arguments))
    if arguments.json:
        answer_json(shown)
    else:
        _show_text(shown)
    return 0


def _show_text(shown: Mapping[str, Any]) -> None:
    answer_line(f"{shown['title']} · {shown['minutes']} min · {', '.join(shown['specs'])}")
    _paragraph(shown["task"])
    _paragraph(f"Predict: {shown['predict']['text']}")
    for option, text in shown["predict"]["options"].items():
        answer_line(f"  {option}  {text}")
    for phase in ("run", "observe", "break", "repair"):
        part = shown[phase]
        _paragraph(f"{phase.capitalize()}: {part['text']}")
        for claim in part.get("claims", ()):
            answer_line(f"  ○ {claim['words']}")
        if loot := part.get("loot"):
            answer_line(f"  You hold: {', '.join(loot)}")
        if causes := part.get("causes"):
            answer_line(f"  Causes: {', '.join(causes)}")
        for switch, text in part.get("offer", {}).items():
            answer_line(f"  {switch}  {text}")
        for move in part["moves"]:
            answer_line(f"  Move: {usage(move)}")
    for question in shown["questions"]:
        _paragraph(f"{question['id']}: {question['text']}")
        for option, text in question["options"].items():
            answer_line(f"  {option}  {text}")


def _paragraph(text: str) -> None:
    answer_line("")
    for line in text.split("\n"):
        answer_line(line)


def _hint(arguments: Namespace) -> int:
    lesson, words = lesson_of(arguments)
    if lesson.ticket is not None:
        raise LessonRefused("There are no hints in an exam.")
    phase = LessonPhase(arguments.phase)
    steps = hints(words, phase)
    for line in steps[arguments.step - 1].split("\n"):
        answer_line(line)
    ProgressFile.open().change(progress_name(lesson), lambda known: known.with_hint(phase, arguments.step))
    if arguments.step < len(steps):
        language = "" if arguments.lang == ENGLISH else f" --lang {arguments.lang}"
        command = f"authlens learn hint {lesson.name} {arguments.phase} --step {arguments.step + 1}"
        say(f"  → Next: {command}{language}")
    return 0


async def _run(arguments: Namespace) -> int:
    lesson, words = lesson_of(arguments)
    answers = _answers(arguments.answers, lesson.name)
    if lesson.ticket is None:
        seed = answers.seed if arguments.seed is None else arguments.seed
        outcome = await attempt_of(lesson, answers.read(), seed=seed)
    elif arguments.seed is not None:
        raise UsageError("--seed and --ticket exclude each other.", "The ticket has its seed: omit --seed.")
    else:
        outcome = await _in_the_exam(lesson, answers)
    if arguments.trace is not None:
        path = write_export(named_path(arguments.trace), session_json(outcome.trace()))
        say(f"✔ Written to {path}; secrets are replaced by fingerprints.")
    if arguments.json:
        answer_json(outcome.as_json())
    else:
        _show_outcome(outcome, words)
    return 0 if outcome.passed else NOT_PASSED


async def _in_the_exam(lesson: CourseLesson, answers: AnswersFile) -> AttemptOutcome:
    """Make the moves as the attempt of the exam: they are stored, and what was done before stays."""
    async with RecordedAttempt(lesson, ProgressFile.open()) as recorded:
        made = recorded.attempt.moves
        for number, move in enumerate(answers.read(), 1):
            if number > len(made):
                await recorded.make(move)
            elif move != (before := made[number - 1]):
                raise MoveRefused(number, f"in an exam what you did stays, and it was “{text_of(before)}”")
        return recorded.attempt.outcome()


def _answers(source: str, lesson: str) -> AnswersFile:
    if source == "-":
        return read_answers(everything(LARGEST_FILE + 1), name="standard input", lesson=lesson)
    return answers_in(named_path(source), lesson=lesson)


def _show_outcome(outcome: AttemptOutcome, words: LessonWords) -> None:
    answer_line(f"{words.title}: {'passed' if outcome.passed else 'not passed'}")
    if outcome.option:
        held = " and ".join(outcome.held)
        seen = f"Your moves say {held}." if held else "Your moves do not say yet which option is right."
        answer_line(f"  You predicted {outcome.option}. {seen}")
    for verdict in outcome.phases:
        sign = "✔" if verdict.passed else "✖" if verdict.begun else "○"
        answer_line(f"{sign} {verdict.phase.value}{'' if verdict.begun else ': to do'}")
        for number, claim in enumerate(verdict.claims, 1):
            sign = "✔" if claim.holds and verdict.begun else "✖" if verdict.begun else "○"
            answer_line(f"  {sign} {words.texts[f'{verdict.phase.value}/claim {number}']}")
            if not claim.holds and verdict.begun:
                _show_unmet(claim)
        if verdict.honest is False:
            answer_line("  ✖ The honest login no longer works.")
        if verdict.phase is LessonPhase.QUESTIONS and verdict.begun:
            answer_line(f"  {outcome.right_answers} of {QUESTIONS} right")


def _show_unmet(verdict: ClaimVerdict) -> None:
    answer_line(f"      {verdict.claim.text}")
    if verdict.nearest is not None:
        arrow = verdict.nearest.row.arrow
        where = f"arrow {arrow}" if arrow else "an event at the server"
        answer_line(f"      nearest: {where}; it differs in {', '.join(verdict.nearest.unmet)}")
    elif verdict.rows:
        answer_line("      this must not happen, and it did")


async def _check(arguments: Namespace) -> int:
    found = lessons_at(named_folder(arguments.path))
    if arguments.solution is not None and len(found) != 1:
        raise UsageError("--solution is for one lesson.", "Name the folder of that lesson.")
    results: list[LessonCheck] = []
    for authored in found:
        name = authored.lesson.name
        given = arguments.solution
        solutions = authored.solutions() if given is None else (_answers(given, name),)
        results.append(await checked(authored.lesson, solutions))
    if arguments.json:
        answer_json([_check_json(result) for result in results])
    else:
        for result in results:
            answer_line(
                f"{'✖' if result.problems else '✔'} {result.lesson.name}: {result.tried} mutations tried"
            )
            for problem in result.problems:
                answer_line(f"    {problem}")
    return LessonRefused.exit_code if any(result.problems for result in results) else 0


def _check_json(result: LessonCheck) -> dict[str, object]:
    return {
        "lesson": result.lesson.name,
        "version": result.lesson.version,
        "sound": not result.problems,
        "mutations": result.tried,
        "problems": list(result.problems),
        "solution": result.outcome.as_json(),
    }


_ACTIONS: Final[Mapping[str, Callable[[Namespace], int | Coroutine[Any, Any, int]]]] = {
    "class": lambda arguments: show_class(arguments, _read(arguments)),
    "play": _play,
    "show": _show,
    "hint": _hint,
    "run": _run,
    "check": lambda arguments: (check_drills if are_meant(arguments) else _check)(arguments),
    "record": lambda arguments: record(arguments, course_of(arguments)),
    "verify": lambda arguments: verify(arguments, _read(arguments)),
    "tickets": tickets,
    "progress": lambda arguments: show_progress(arguments, course_of(arguments)),
    "reset": lambda arguments: reset(
        arguments, course_of(arguments), lesson_of(arguments)[0] if arguments.lesson else None
    ),
}
