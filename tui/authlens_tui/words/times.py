"""Spans of time in few words, when something expires, and how long ago something happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


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


def clock(seconds: float) -> str:
    """Return whole seconds as `m:ss` or `h:mm:ss`."""
    whole = max(0, int(seconds))
    hours, remainder = divmod(whole, 3600)
    return (
        f"{hours}:{remainder // 60:02}:{remainder % 60:02}"
        if hours
        else f"{remainder // 60}:{remainder % 60:02}"
    )


def _rest(seconds: int, above: int) -> str:
    for size, unit in _UNITS:
        if size < above:
            return f" {seconds // size} {unit}" if seconds >= size else ""
    return ""


def duration(seconds: float) -> str:
    """Return `seconds` in the unit that reads best, such as `41 ms`, `2.3 s` or `4:05`."""
    if seconds < 0.9995:  # what is rounded to 1000 ms is a second
        # A request on this machine may take less than a millisecond: `0 ms` would look like an error.
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.00095 else f"{seconds * 1000:.1f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def in_one_unit(seconds: float) -> str:
    """Return a span for a narrow column, such as `3 h`; the sign is left out."""
    return " ".join(in_words(abs(seconds)).split()[:2])


class Expiry(NamedTuple):
    """The expiry of a token at one moment.

    Attributes:
        span: how long until then, or how long ago it was, such as `12 min 3 s`; empty if there is no expiry.
        expired: None if there is no expiry.
    """

    span: str
    expired: bool | None

    @property
    def sentence(self) -> str:
        if self.expired is None:
            return "no expiry given"
        return f"expired {self.span}" if self.expired else f"expires in {self.span}"

    @property
    def cell(self) -> str:
        """The same below the title Expires."""
        return self.span or "unknown"


def expiry_of(moment: datetime | None, now: datetime) -> Expiry:
    if moment is None:
        return Expiry("", None)
    seconds = (moment - now).total_seconds()
    if seconds <= 0:
        return Expiry(f"{in_one_unit(seconds)} ago", True)
    if 60 <= seconds < 3600:  # a token that lasts minutes is watched by the second
        return Expiry(f"{int(seconds) // 60} min {int(seconds) % 60} s", False)
    return Expiry(in_words(seconds), False)


def ago(moment: datetime | None, now: datetime, span: Callable[[float], str] = in_words) -> str:
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    return "just now" if seconds < 5 else f"{span(seconds)} ago"


def already_words(expires_at: datetime | None, now: datetime) -> str:
    """Return that the user is logged in, and how long the access token works."""
    if expires_at is None:
        return "Already logged in, no expiry given."
    return f"Already logged in, expires in {in_words((expires_at - now).total_seconds())}."
