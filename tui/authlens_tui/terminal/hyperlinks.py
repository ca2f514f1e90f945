"""Hyperlinks (OSC 8): one id for a link drawn in several pieces, and links to the sections of RFCs.

A terminal takes two pieces for the same hyperlink (OSC 8) only if they have the same `id`; Rich gives each
piece of a wrapped link an id of its own, so that a terminal marks and opens them one by one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter

if TYPE_CHECKING:
    from textual.color import Color

_REFERENCE: Final = re.compile(r"RFC (\d{3,5})(?: §(\d+(?:\.\d+)*)| appendix ([A-Z](?:\.\d+)*))?")


class RfcLinks(LineFilter):
    """Links each RFC, or section of one, that a painted line names to its text at the RFC Editor."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        if not any("RFC " in segment.text for segment in segments):
            return segments
        return [piece for segment in segments for piece in _linked(segment)]


def _linked(segment: Segment) -> Iterator[Segment]:
    text, style, control = segment
    if control or (style is not None and style.link):
        yield segment
        return
    at = 0
    for found in _REFERENCE.finditer(text):
        number, section, appendix = found.groups()
        part = f"#section-{section}" if section else f"#appendix-{appendix}" if appendix else ""
        link = Style(link=f"https://www.rfc-editor.org/rfc/rfc{number}{part}")
        if found.start() > at:
            yield Segment(text[at : found.start()], style)
        yield Segment(found[0], link if style is None else style + link)
        at = found.end()
    if at < len(text):
        yield Segment(text[at:], style)


class OneLink(LineFilter):
    """Gives all pieces of a link in a painted line one id, made of the address alone."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
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
