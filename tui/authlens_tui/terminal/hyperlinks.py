"""A link that is drawn in several pieces is one link all the same.

A terminal takes two pieces for the same hyperlink (OSC 8) only if they have the same `id`; Rich gives each
piece of a wrapped link an id of its own, so that a terminal marks and opens them one by one.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.filter import LineFilter

if TYPE_CHECKING:
    from rich.style import Style
    from textual.color import Color


class OneLink(LineFilter):
    """Gives all pieces of a link in a painted line one id, made of the address alone."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """Return the segments with that id."""
        if not any(segment.style is not None and segment.style.link for segment in segments):
            return segments
        return [
            Segment(segment.text, _with_id(segment.style), segment.control)
            if segment.style is not None and segment.style.link
            else segment
            for segment in segments
        ]


@lru_cache(maxsize=256)
def _id_of(address: str) -> str:
    return hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:12]


def _with_id(style: Style) -> Style:
    same = style.copy()
    same._link_id = _id_of(style.link or "")  # noqa: SLF001 - Rich has no public way to choose it
    return same
