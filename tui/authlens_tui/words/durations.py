"""Spans of time in few words."""

from __future__ import annotations

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def in_words(seconds: float) -> str:
    """Return a span such as `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`; a negative one as `… ago`."""
    whole = int(abs(seconds))
    text = f"{whole} s"
    for size, unit in _UNITS:
        if whole >= size:
            text = f"{whole // size} {unit}"
            text += _rest(whole % size, size)
            break
    return f"{text} ago" if seconds < 0 else text


def _rest(seconds: int, above: int) -> str:
    for size, unit in _UNITS:
        if size < above:
            return f" {seconds // size} {unit}" if seconds >= size else ""
    return ""
