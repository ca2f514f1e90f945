"""A record as Markdown, for people: what was passed, and what was in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from authlens_core.export.markdown import code_span
from authlens_core.learning.classroom.ticket import read_ticket
from authlens_core.learning.lesson import QUESTIONS
from authlens_core.learning.progress.record import LessonRecord, PracticeRecord
from authlens_core.learning.words_file import LessonWords

_CLOSING = (
    "This is a record of practice, and no proof of identity: it shows that the moves solve the lessons, not "
    "who made them. Make them again with `authlens learn verify` and the JSON file beside this one."
)


def record_markdown(record: PracticeRecord, words: Mapping[str, LessonWords]) -> str:
    """Return a record of your own as Markdown.

    Args:
        words: of its lessons, by their names.
    """
    passed = sum(lesson.verdict.passed for lesson in record.lessons)
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
        *(_row(lesson, words[lesson.lesson]) for lesson in record.lessons),
        *_misconceptions(record),
    ]
    for lesson in record.lessons:
        lines += ["", f"## {words[lesson.lesson].title}", "", *_moves(lesson)]
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
