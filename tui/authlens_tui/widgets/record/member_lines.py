"""What the members of a document mean: a muted list below it, of those that are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from authlens_core.explain.meaning import Explanation
from authlens_tui.widgets.document.lines import Line, Tone, line

_NAME_WIDTH: Final = 28


def heading(text: str, tone: Tone = Tone.TITLE) -> Line:
    return line((text, tone))


def member_lines(members: Iterable[tuple[str, Explanation]]) -> Iterator[Line]:
    known = list(members)
    if not known:
        return
    width = min(_NAME_WIDTH, max(len(name) for name, _ in known))
    yield heading("What the members mean")
    for name, meaning in known:
        lead = f"  {name:<{width}}  "
        yield meaning_line(meaning, lead, min(len(lead), _NAME_WIDTH + 4))


def meaning_line(meaning: Explanation, lead: str, hang: int) -> Line:
    return line(
        (lead, Tone.NAME), (f"{meaning.sentence}  {meaning.spec}".rstrip(), Tone.MUTED), hang=hang, words=True
    )
