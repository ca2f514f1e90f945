"""The texts of a lesson as content: its Markdown, its phases, the verdict, what to do in each phase."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from textual.widgets.option_list import Option

from authlens_core.learning.desk.open_lesson import LessonPhase, MoveForm, OpenLesson, VerdictLine
from authlens_core.values.word_files import words
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.hanging_text import Item

_CODE: Final = re.compile(r"`([^`]*)`|\*{1,2}([^*]+)\*{1,2}")


def lesson_text(markdown: str) -> Content:
    """Return a text of a lesson; lines of one paragraph are one line."""
    paragraphs = re.split(r"\n\s*\n", markdown)
    return Content("\n\n").join(_marked(re.sub(r"\n(?![-*] )", " ", one)) for one in paragraphs)


def headed(texts: Iterable[tuple[str, str]]) -> list[Item]:
    """Return texts of a lesson, each under its heading; a heading or a text can be empty."""
    items: list[Item] = []
    for heading, text in texts:
        items += [Item(Content())] if items else []
        items += [Item(Content.styled(heading, "bold $text-accent"))] if heading else []
        lines = lesson_text(text).split("\n", allow_blank=True) if text else []
        for line in lines:
            is_listed = line.plain.startswith("- ")
            words, sign = (line[2:], line[:2]) if is_listed else (line, Content())
            items.append(Item(Content.of(words), Content.of(sign), 2 * is_listed))
    return items


def hanging(lines: Iterable[Content], width: int, indent: int) -> Content:
    """Return lines that are broken at a width, with every line but the first one indented."""
    return Content(f"\n{' ' * indent}").join(row for line in lines for row in line.wrap(width - indent))


def _marked(text: str) -> Content:
    pieces: list[tuple[str, str]] = []
    end = 0
    for found in _CODE.finditer(text):
        pieces.append((text[end : found.start()], ""))
        pieces.append((found[1], "bold $text-accent") if found[1] else (found[2], "italic"))
        end = found.end()
    return Content.assemble(*pieces, (text[end:], ""))


def asked_in(phase: LessonPhase, offered: Sequence[MoveForm]) -> str:
    """Return what to do in a phase, in which a move can have one of these forms."""
    if offered:
        can_change = len(offered) > 1 or any(
            len(one.choices) > 1 for form in offered for one in form.arguments
        )
        phase = LessonPhase.BREAK if can_change else LessonPhase.RUN
    return str(words("course")["asked"][phase])


def phases_line(lesson: OpenLesson, phase: LessonPhase) -> Content:
    """Return whose seat it is, and the phases: done, shown and to come."""
    attack = lesson.lesson.attack
    seat = attack.seat if attack and phase is LessonPhase.BREAK else "you"
    parts = []
    for verdict in lesson.attempt.verdicts:
        name = verdict.phase.value
        if verdict.phase is phase:
            parts.append(Content.styled(f"▶ {name.upper()}", "bold $text-accent"))
        elif verdict.passed:
            parts.append(Content.styled(f"✔ {name}", "$text-success"))
        else:
            parts.append(Content.styled(f"· {name}", "$quiet"))
    return Content.assemble((f" Seat: {seat.upper()} ", "bold reverse"), "  ", Content("  ").join(parts))


def claim_options(lines: Sequence[VerdictLine], width: int) -> Iterator[Option]:
    """Yield each claim with what decides it."""
    for line in lines:
        details = [Content.styled(detail, "$quiet") for detail in line.details]
        words = hanging([lesson_text(line.words), *details], width, 2)
        yield Option(Content.assemble((f"{line.state.value} ", "bold"), words))


def prediction_options(lesson: OpenLesson) -> Iterator[Option]:
    """Yield what was predicted, and what the requests show."""
    for text in lesson.prediction():
        yield Option(lesson_text(text).stylize_before("$quiet"), disabled=True)


def answer_options(lesson: OpenLesson, question: str) -> Iterator[Option]:
    """Yield the options of a question that was answered, with their signs."""
    options = lesson.options(LessonPhase.QUESTIONS, question)
    for mark, option in lesson.marks(question):
        yield Option(Content.assemble(f"{mark} {option}  ", lesson_text(options[option])))
