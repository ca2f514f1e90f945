"""A terminal's screen as a picture, so that a scanner's decoder can look at it.

Block characters are painted by their geometry, as terminals that draw them themselves do; any other character
is a blot in the middle of its cell. The decoder (zxing-cpp) shares no code with what draws the symbol.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import zxingcpp

__all__ = ["Cell", "decoded", "painted"]

CELL_WIDTH: Final = 8
CELL_HEIGHT: Final = 18
MARGIN: Final = 16
WINDOW: Final = 0x30  # the dark around the terminal

HALVES: Final = {"▀": {1}, "▄": {2}, "█": {1, 2}}
OLD_SEXTANTS: Final = {"▌": {1, 3, 5}, "▐": {2, 4, 6}}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its character, and how light ink and ground are (0 to 255)."""

    text: str
    ink: int = 0
    ground: int = 255


def painted(rows: Sequence[Sequence[Cell]]) -> list[bytearray]:
    """Paint the cells, row of pixels by row of pixels, with the window around them."""
    width = len(rows[0]) * CELL_WIDTH + 2 * MARGIN
    picture = [bytearray([WINDOW] * width) for _ in range(len(rows) * CELL_HEIGHT + 2 * MARGIN)]
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            for dy in range(CELL_HEIGHT):
                line = picture[MARGIN + y * CELL_HEIGHT + dy]
                start = MARGIN + x * CELL_WIDTH
                line[start : start + CELL_WIDTH] = _pixels(cell, dy)
    return picture


def decoded(picture: Sequence[bytearray]) -> str | None:
    """Return what the only QR code in the picture says; None when there is none.

    Of all kinds that the decoder knows it takes one symbol in two hundred for another kind, too.
    """
    pixels = b"".join(picture)
    view = memoryview(pixels).cast("B", (len(picture), len(picture[0])))
    kinds = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    found: list[Any] = zxingcpp.read_barcodes(view, formats=kinds)
    return found[0].text if len(found) == 1 else None


@lru_cache(maxsize=16_384)
def _pixels(cell: Cell, y: int) -> bytes:
    return bytes(cell.ink if _inked(cell.text, x, y) else cell.ground for x in range(CELL_WIDTH))


def _inked(text: str, x: int, y: int) -> bool:
    if text in HALVES:
        return 1 + y * 2 // CELL_HEIGHT in HALVES[text]
    sextant = OLD_SEXTANTS.get(text) or _named_sextant(text)
    if sextant:
        return 1 + x * 2 // CELL_WIDTH + 2 * (y * 3 // CELL_HEIGHT) in sextant
    return not text.isspace() and 2 <= x < CELL_WIDTH - 2 and 5 <= y < CELL_HEIGHT - 5


def _named_sextant(text: str) -> set[int]:
    """Read the parts of a sextant from its name in the Unicode database."""
    name = unicodedata.name(text, "")
    if not name.startswith("BLOCK SEXTANT-"):
        return set()
    return {int(digit) for digit in name.removeprefix("BLOCK SEXTANT-")}
