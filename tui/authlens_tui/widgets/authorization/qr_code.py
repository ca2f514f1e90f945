"""The link as a QR code, drawn so that a phone reads it from a terminal.

A symbol for a link of 400 characters has 69 × 69 modules. Half blocks (▀▄█, two modules to a cell) are in
every font and need 36 rows; where there are fewer, sextants (🬀…🬻, six modules to a cell) need 24. Modules
are dark on light in any theme: scanners do not expect the reverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from authlens_tui.terminal.measured import Measured

Modules = tuple[tuple[bool, ...], ...]

_INK: Final = Style(color="#000000", bgcolor="#ffffff", bold=False)
_QUIET: Final = 4  # modules around the symbol (ISO/IEC 18004 §9.1), as many as there is room for
_LEAST_QUIET: Final = 2  # both edges of a screen together; decoders read it with one on each side
_CELLS: Final = ((1, 2), (2, 3))  # modules of a cell, across and down: of half blocks and of sextants
_HALVES: Final = " ▀▄█"
_SEXTANTS: Final = 0x1FB00  # 🬀; the blocks that existed before Unicode 13 are left out of the row
_OLDER: Final = {0: " ", 21: "▌", 42: "▐", 63: "█"}


class Drawing(NamedTuple):
    """A symbol in cells, quiet zone included; every line is equally wide.

    Attributes:
        plain: true when drawn with half blocks, which every font has.
    """

    lines: tuple[str, ...]
    plain: bool


def shortened(url: str) -> str:
    """Return `url` with fewer characters and the same meaning.

    In a query `:` and `/` stand for themselves (RFC 3986 §3.4), and decode to what `%3A` and `%2F` decode to.
    """
    base, mark, query = url.partition("?")
    return base + mark + query.replace("%3A", ":").replace("%2F", "/")


def modules_of(text: str) -> Modules | None:
    """Return the smallest symbol that holds `text`, dark modules true; None when none holds it."""
    import segno

    try:
        # The least error correction: on a screen nothing is soiled, and each level more costs rows.
        code = segno.make(text, error="l", boost_error=False, micro=False)
    except segno.DataOverflowError:
        return None
    return tuple(tuple(bool(module) for module in row) for row in code.matrix)


def room_for(modules: Modules) -> tuple[Size, ...]:
    """Return the least room in which the symbol is drawn: with half blocks, and with sextants."""
    side = len(modules) + _LEAST_QUIET
    return tuple(Size(_up(side, wide), _up(side, high)) for wide, high in _CELLS)


def draw(modules: Modules, size: Size) -> Drawing | None:
    """Draw the symbol within `size` cells, with the plainest characters that fit; None when none do."""
    for room, (wide, high) in zip(room_for(modules), _CELLS, strict=True):
        if room.width <= size.width and room.height <= size.height:
            return _draw(modules, size, wide, high)
    return None


def _draw(modules: Modules, size: Size, wide: int, high: int) -> Drawing:
    side = len(modules)
    rows = min(size.height, _up(side + 2 * _QUIET, high))
    columns = min(size.width, _up(side + 2 * _QUIET, wide))
    top, left = (rows * high - side) // 2, (columns * wide - side) // 2

    def dark(x: int, y: int) -> bool:
        return 0 <= y - top < side and 0 <= x - left < side and modules[y - top][x - left]

    def cell(column: int, row: int) -> str:
        bits = [dark(column * wide + x, row * high + y) for y in range(high) for x in range(wide)]
        return _glyph(bits)

    return Drawing(
        tuple("".join(cell(column, row) for column in range(columns)) for row in range(rows)), wide == 1
    )


def _glyph(bits: Sequence[bool]) -> str:
    # Unicode numbers the blocks by these bits: left to right, then down.
    number = sum(1 << index for index, bit in enumerate(bits) if bit)
    if len(bits) == 2:
        return _HALVES[number]
    # The row of sextants has no places for those four, so what is behind them moves up.
    older = sum(1 for other in _OLDER if other < number)
    return _OLDER.get(number) or chr(_SEXTANTS + number - older)


def _up(number: int, by: int) -> int:
    return -(-number // by)


@dataclass(repr=False, eq=False)
class QrCodeWanted(Message):
    """The user wants `url` as a QR code on a screen of its own."""

    url: str


class QrCode(Measured):
    """Shows one drawing, cell by cell."""

    DEFAULT_CSS = """
    QrCode { width: auto; height: auto; }
    """

    drawing: reactive[Drawing | None] = reactive(None, layout=True)

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002
        return len(self.drawing.lines[0]) if self.drawing else 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return len(self.drawing.lines) if self.drawing else 0

    def render_line(self, y: int) -> Strip:
        """Return one row of the drawing, untouched by wrapping."""
        lines = self.drawing.lines if self.drawing else ()
        text = lines[y] if y < len(lines) else ""
        return Strip([Segment(text, _INK)], len(text))
