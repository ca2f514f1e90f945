"""The text of a lesson as content: paragraphs, lists and code of its Markdown."""

from __future__ import annotations

import re
from typing import Final

from authlens_tui.terminal.content import Content

_CODE: Final = re.compile(r"`([^`]*)`|\*{1,2}([^*]+)\*{1,2}")


def lesson_text(markdown: str) -> Content:
    """Return a text of a lesson; lines of one paragraph are one line."""
    paragraphs = re.split(r"\n\s*\n", markdown)
    return Content("\n\n").join(_marked(re.sub(r"\n(?![-*] )", " ", one)) for one in paragraphs)


def _marked(text: str) -> Content:
    pieces: list[tuple[str, str]] = []
    end = 0
    for found in _CODE.finditer(text):
        pieces.append((text[end : found.start()], ""))
        pieces.append((found[1], "bold $text-accent") if found[1] else (found[2], "italic"))
        end = found.end()
    return Content.assemble(*pieces, (text[end:], ""))
