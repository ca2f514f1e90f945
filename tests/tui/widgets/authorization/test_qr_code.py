"""The link as a QR code: a decoder of another make reads what is drawn."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest
import zxingcpp
from textual.geometry import Size

from authlens_tui.widgets.authorization.qr_code import draw, modules_of, room_for, shortened
from support.made_checks import present

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


CLOUDFLARE = (
    "https://team.cloudflareaccess.com/cdn-cgi/access/oauth/authorization?response_type=code"
    "&client_id=0f0d4b1e-1c1d-4c39-9a15-1c9e0a2b3c4d&redirect_uri=http%3A%2F%2Flocalhost%3A8400%2Fcallback"
    "&state=1_uPXaAK5j0rPvWCkQhg1nt9lSc0yuJBcTXByEXfRTE"
    "&code_challenge=AcgAg8r9W_giviVRrEHXX0bosukhTiOX2rAsdzEcQUc&code_challenge_method=S256"
    "&resource=https%3A%2F%2Fwiki.example.com%2F"
)


@pytest.mark.parametrize(
    ("columns", "rows", "plain"), [(80, 24, False), (120, 40, True), (80, 50, True), (40, 24, False)]
)
@pytest.mark.parametrize("characters", [len(CLOUDFLARE), 420])
def test_what_is_drawn_is_read(columns: int, rows: int, plain: bool, characters: int) -> None:
    """It scans at 80×24; with more rows by characters that every font has."""
    url = CLOUDFLARE.ljust(characters, "x")
    modules = present(modules_of(url))
    drawing = present(draw(modules, Size(columns, rows)))
    assert drawing.plain is plain
    assert len(drawing.lines) <= rows
    blank = " " * columns
    screen = [line.ljust(columns) for line in drawing.lines] + [blank] * (rows - len(drawing.lines))
    assert decoded(painted([[Cell(letter) for letter in line] for line in screen])) == url


def test_without_room_nothing_is_drawn_and_the_room_is_told() -> None:
    """Half a symbol is none."""
    modules = present(modules_of(CLOUDFLARE))
    _, least = room_for(modules)
    assert draw(modules, Size(80, least.height - 1)) is None
    assert draw(modules, Size(least.width - 1, 24)) is None
    assert draw(modules, Size(least.width, least.height)) is not None
    assert least.height <= 24


def test_no_symbol_holds_a_novel() -> None:
    """A link that long is told about, not cut."""
    assert modules_of("x" * 3_000) is None


def test_the_shorter_spelling_says_the_same_to_a_server() -> None:
    """RFC 3986 §3.4: `:` and `/` stand for themselves in a query. The rest of the link is not touched."""
    short = shortened(f"{CLOUDFLARE}&x=%26%3D%23%253A&path=/a%2Fb")
    assert len(shortened(CLOUDFLARE)) < len(CLOUDFLARE) - 12
    assert parse_qsl(urlsplit(short).query) == [
        *parse_qsl(urlsplit(CLOUDFLARE).query),
        ("x", "&=#%3A"),
        ("path", "/a/b"),
    ]
    assert shortened("https://h/a%2Fb%3Ac?d=e") == "https://h/a%2Fb%3Ac?d=e"
