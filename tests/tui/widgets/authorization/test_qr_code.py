"""The link as a QR code: a decoder of another make reads what is drawn."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from textual.geometry import Size

from authlens_tui.widgets.authorization.qr_code import draw, modules_of, room_for, shortened
from support.cell_picture import Cell, decoded, painted

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
    modules = modules_of(url)
    assert modules is not None
    drawing = draw(modules, Size(columns, rows))
    assert drawing is not None
    assert drawing.plain is plain
    assert len(drawing.lines) <= rows
    blank = " " * columns
    screen = [line.ljust(columns) for line in drawing.lines] + [blank] * (rows - len(drawing.lines))
    assert decoded(painted([[Cell(letter) for letter in line] for line in screen])) == url


def test_without_room_nothing_is_drawn_and_the_room_is_told() -> None:
    """Half a symbol is none."""
    modules = modules_of(CLOUDFLARE)
    assert modules is not None
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
