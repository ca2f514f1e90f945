"""What the members of a document mean: a muted list below it, of those that are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from authlens_core.explain.meaning import Explanation
from authlens_tui.widgets.document.lines import Line, Tone, line
from authlens_tui.widgets.record.header_table import meaning_words

_NAME_WIDTH: Final = 28


def member_lines(members: Iterable[tuple[str, Explanation]]) -> Iterator[Line]:
    known = list(members)
    if not known:
        return
    width = min(_NAME_WIDTH, max(len(name) for name, _ in known))
    yield line(("What the members mean", Tone.TITLE))
    for name, meaning in known:
        lead = f"  {name:<{width}}  "
        words = meaning_words(meaning).strip()
        hang = min(len(lead), _NAME_WIDTH + 4)
        yield line((lead, Tone.NAME), (words, Tone.MUTED), hang=hang, words=True)
