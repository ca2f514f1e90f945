"""The text of a lesson as content: paragraphs, lists and code of its Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

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
