"""When something expires, and how long ago something happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from authlens_tui.words.durations import in_words


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


def in_one_unit(seconds: float) -> str:
    """Return a span for a narrow column, such as `3 h`; the sign is left out."""
    return " ".join(in_words(abs(seconds)).split()[:2])
