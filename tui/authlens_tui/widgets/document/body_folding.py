"""Folding of JSON that was laid out: which lines each object or array takes up.

Laid out JSON says by its indentation where a container ends, so nothing needs to be parsed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from authlens_core.values.quick_dataclass import dataclass

_OPENING: Final = ("{", "[")
_CLOSING: Final = ("}", "]", "},", "],")


@dataclass(frozen=True, slots=True)
class Containers:
    """The objects and arrays of one JSON text that take more than one line.

    Attributes:
        ends: for the line on which each begins the line on which it ends, in the order of the lines.
        members: those right below the outermost one.
    """

    ends: dict[int, int]
    members: tuple[int, ...]

    def around(self, number: int) -> int | None:
        """Return the line that begins the innermost container around line `number`, or None."""
        found = None
        for start, end in self.ends.items():
            if start >= number:
                break
            if end >= number:
                found = start
        return found


def containers(texts: Sequence[str]) -> Containers:
    """Return the containers of laid out JSON; one that is cut off at the end is none."""
    open_ones: list[int] = []
    ends: dict[int, int] = {}
    members: list[int] = []
    for number, text in enumerate(texts):
        if text.endswith(_OPENING):
            if len(open_ones) == 1:
                members.append(number)
            open_ones.append(number)
            ends[number] = -1
        elif open_ones and text.endswith(_CLOSING) and text.lstrip(" ") in _CLOSING:
            ends[open_ones.pop()] = number
    for cut_off in open_ones:
        del ends[cut_off]
    return Containers(ends, tuple(one for one in members if one in ends))
