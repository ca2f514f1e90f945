"""A URL whose parts are told apart: where it leads is quiet, path and query stand out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from authlens_tui.widgets.document.lines import Piece, Tone
from authlens_tui.widgets.record.header_table import value_pieces

_LONGEST: Final = 4_000  # characters that are told apart: each part is a style at every repaint
_URL: Final = re.compile(r"(?P<origin>[a-z][a-z0-9+.-]*://[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)", re.DOTALL)


def url_pieces(url: str) -> Iterator[Piece]:
    """Yield a URL as it is, masked before; what is none is plain."""
    found = _URL.fullmatch(url[:_LONGEST])
    if found is None:
        yield from value_pieces(url)
        return
    yield from value_pieces(found["origin"], Tone.MUTED)
    yield from value_pieces(found["path"], Tone.PLAIN) if found["path"] else ()
    for part in re.findall(r"[?&#][^?&#]*", found["rest"]):
        name, equals, value = part[1:].partition("=")
        yield part[0], Tone.MUTED
        yield from value_pieces(name, Tone.KEY) if name else ()
        yield from ((equals, Tone.MUTED),) if equals else ()
        yield from value_pieces(value, Tone.STRING) if value else ()
    if len(url) > _LONGEST:
        yield from value_pieces(url[_LONGEST:])


def cut_middle(text: str, cells: int) -> str:
    """Return `text` with its middle left out where it is longer: the end of a path says most."""
    if len(text) <= cells:
        return text
    if cells < 3:
        return text[: max(cells, 0)]
    head = (cells - 1) // 2
    return f"{text[:head]}…{text[len(text) - (cells - 1 - head) :]}"
