"""Folding of JSON that was laid out: which lines an object or array takes up, and its one line when folded.

Laid out JSON says by its indentation where a container ends, so nothing needs to be parsed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

__all__ = ["enclosing", "fold_end", "folds_below", "opens"]

_OPENING: Final = ("{", "[")


def opens(text: str) -> bool:
    """Say whether an object or array begins at the end of this line and goes on below it."""
    return text.endswith(_OPENING)


def fold_end(texts: Sequence[str], start: int, stop: int) -> int | None:
    """Return the line that closes what line `start` opens, or None where it opens nothing or is cut off.

    Args:
        texts: the lines.
        start: the line that may open a container.
        stop: the line after the last one of this JSON.
    """
    if not opens(texts[start]):
        return None
    depth = _depth(texts[start])
    following = depth + 1
    return next((n for n in range(start + 1, stop) if texts[n][depth:following] != " "), None)


def enclosing(texts: Sequence[str], number: int, first: int) -> int | None:
    """Return the line that opens the container around line `number`, or None at the outermost."""
    depth = _depth(texts[number])
    for above in range(number - 1, first - 1, -1):
        if _depth(texts[above]) < depth and opens(texts[above]):
            return above
    return None


def folds_below(texts: Sequence[str], first: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield where the containers right below the outermost one begin and end."""
    depth = _depth(texts[first]) if first < stop else 0
    number = first + 1
    while number < stop:
        end = fold_end(texts, number, stop) if _depth(texts[number]) > depth else None
        if end is not None:
            yield number, end
            number = end
        number += 1


def _depth(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
