"""What a painted line names of an RFC is a link to that text; other links keep their address."""

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from authlens_tui.terminal.line_filters import RfcLinks

BLACK = Color.parse("#000000")


def links(*segments: Segment) -> list[tuple[str, str | None]]:
    """Return the text of each piece after the filter, with the address it links to."""
    return [
        (piece.text, piece.style.link if piece.style else None)
        for piece in RfcLinks().apply(list(segments), BLACK)
    ]


@pytest.mark.parametrize(
    ("named", "address"),
    [
        ("RFC 7591", "https://www.rfc-editor.org/rfc/rfc7591"),
        ("RFC 6749 §4.1.3", "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3"),
        ("RFC 6749 appendix A.11", "https://www.rfc-editor.org/rfc/rfc6749#appendix-A.11"),
    ],
)
def test_a_reference_is_a_link_to_its_section(named: str, address: str) -> None:
    assert links(Segment(f"See {named}, too.")) == [("See ", None), (named, address), (", too.", None)]


def test_each_of_several_references_is_a_link_and_keeps_its_style() -> None:
    pieces = RfcLinks().apply([Segment("RFC 9110 §11, RFC 6750 §3", Style(bold=True))], BLACK)

    assert [piece.text for piece in pieces] == ["RFC 9110 §11", ", ", "RFC 6750 §3"]
    assert {piece.style.bold for piece in pieces if piece.style} == {True}


def test_a_link_keeps_its_address() -> None:
    login = Style(link="https://login.example")

    assert links(Segment("RFC 6749 §4.1", login)) == [("RFC 6749 §4.1", "https://login.example")]


def test_a_line_without_a_reference_is_left_as_it_is() -> None:
    line = [Segment("No reference here")]

    assert RfcLinks().apply(line, BLACK) is line
