"""The texts of a lesson as content: its Markdown, its phases, the verdict, and who said what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby
from typing import Final

from authlens_lab.learning.desk.open_lesson import LessonPhase, OpenLesson, Part, StoryLine, VerdictLine
from authlens_tui.screens.learn.action_list import ActionLine
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.hanging_text import Item

_CODE: Final = re.compile(r"`([^`]*)`|\*{1,2}([^*]+)\*{1,2}")
_INDENT: Final = Content("   ")


def lesson_text(markdown: str) -> Content:
    """Return a text of a lesson; lines of one paragraph are one line."""
    paragraphs = re.split(r"\n\s*\n", markdown)
    return Content("\n\n").join(_marked(re.sub(r"\n(?![-*] )", " ", one)) for one in paragraphs)


def _marked(text: str) -> Content:
    pieces: list[tuple[str, str]] = []
    end = 0
    for match in _CODE.finditer(text):
        pieces.append((text[end : match.start()], ""))
        pieces.append((match[1], "bold $text-accent") if match[1] else (match[2], "italic"))
        end = match.end()
    return Content.assemble(*pieces, (text[end:], ""))


def headed(texts: Iterable[tuple[str, str]]) -> list[Item]:
    """Return texts of a lesson, each under its heading; a heading or a text can be empty."""
    items: list[Item] = []
    for heading, text in texts:
        items += [Item(Content())] if items else []
        items += [Item(Content.styled(heading, "bold $text-accent"))] if heading else []
        lines = lesson_text(text).split("\n", allow_blank=True) if text else []
        for line in lines:
            if line.plain.startswith("- "):
                items.append(Item(Content.of(line[2:]), Content.of(line[:2]), 2))
            else:
                items.append(Item(Content.of(line)))
    return items


def phases_line(lesson: OpenLesson, phase: LessonPhase) -> Content:
    """Return the seat, and the phases: passed, current and next."""
    seat = lesson.lesson.attack.seat if phase is LessonPhase.BREAK else "you"
    parts = [Content.styled(f" Seat: {seat.upper()} ", "bold reverse")]
    for verdict in lesson.attempt.verdicts:
        name = verdict.phase.value
        label = (f"✔ {name}", "$text-success") if verdict.passed else (f"· {name}", "$quiet")
        if verdict.phase is phase:
            label = f"▶ {name.upper()}", "bold $text-accent"
        parts.append(Content.styled(*label))
    return Content("  ").join(parts)


def claim_lines(
    lines: Iterable[VerdictLine], open_arrow: Callable[[int, str], object]
) -> Iterator[ActionLine]:
    """Yield each claim with its evidence; Enter opens the arrow that decides it."""
    for line in lines:
        details = [Content.styled(detail, "$quiet") for detail in line.details]
        sentence = Content("\n").join([lesson_text(line.words).stylize_before("$text"), *details])
        act = partial(open_arrow, line.arrow, str(line.arrow)) if line.arrow else None
        yield ActionLine(sentence, Content.styled(f"{line.state.value} ", "bold $text"), act)


def story_lines(
    lines: Iterable[StoryLine],
    opened: int,
    parts: Iterable[Part],
    open_arrow: Callable[[int, str], object],
    point: Callable[[Part], object],
) -> Iterator[ActionLine]:
    """Yield the messages, with the parts of the open arrow below it; 0 for none."""
    for line in lines:
        if not line.receiver:
            yield ActionLine(Content.styled(line.text, "$quiet"), _INDENT)
            continue
        sentence = Content.assemble(
            (f"{line.sender} ──▶ {line.receiver}", "$text-primary"),
            f"  {line.action} → ",
            (line.answer, "bold"),
        )
        aside = Content.styled(f"\n{line.aside}" if line.aside else "", "$quiet")
        arrow, is_open = str(line.arrow), line.arrow == opened
        act = partial(open_arrow, 0 if is_open else line.arrow, arrow)
        yield ActionLine(
            Content.assemble(sentence, aside), Content.styled(f"{arrow:>2} ", "bold"), act, arrow
        )
        if is_open:
            yield ActionLine(Content.styled(line.meaning, "$text-accent"), _INDENT)
            yield from _part_lines(parts, point)


def _part_lines(parts: Iterable[Part], point: Callable[[Part], object]) -> Iterator[ActionLine]:
    for heading, same in groupby(parts, key=lambda element: element.group):
        yield ActionLine(Content.styled(heading, "bold $text-accent"), _INDENT)
        for element in same:
            text = Content.assemble((element.title, "bold"), f"  {element.value}")
            yield ActionLine(text, _INDENT, partial(point, element), element.name)
