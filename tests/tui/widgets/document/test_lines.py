"""Lines wrap without losing a character, and continuation never looks like a line of its own."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from authlens_core.export.redaction import NoRedactor
from authlens_core.values.exchange import Headers
from authlens_core.values.secret import Secret
from authlens_tui.widgets.document.lines import Tone, line, rows_of
from authlens_tui.widgets.record.checks_view import check_lines, checks_summary
from authlens_tui.widgets.record.exchange_view import header_lines
from authlens_tui.widgets.record.pieces import value_pieces
from authlens_tui.words.times import clock, duration
from tui.hostile import HOSTILE


def test_a_row_ends_neither_within_a_section_of_a_specification_or_a_time_nor_before_a_lone_mark() -> None:
    for words in ("RFC 7636 §4.6", "→ 200  73 ms"):
        cited = line(f"The server checks it  {words}", hang=2, by_words=True)
        whole = words.rpartition("  ")[2]
        for width in range(18, 40):
            rows = [row.text.strip() for row in rows_of(cited, width)]
            assert any(whole in row for row in rows), (width, rows)
    quoted = line(f'"redirect_uri": "{"x" * 60}"', hang=4)
    for width in range(20, 80):
        rows = [row.text.strip() for row in rows_of(quoted, width)]
        assert "".join(rows) == quoted.text
        assert rows[-1] != '"', (width, rows)


@given(st.text(max_size=300), st.integers(8, 60), st.integers(0, 20), st.booleans())
def test_rows_fit_and_together_say_what_the_line_said(text: str, width: int, hang: int, words: bool) -> None:
    """No row is wider than the view; only the space at which prose breaks is left out."""
    one = line(text, hang=hang, by_words=words)
    rows = rows_of(one, width)
    assert rows
    assert all(cell_len(row.text) <= width for row in rows)
    said = "".join(row.text[row.indent :] for row in rows)
    assert said.replace(" ", "") == one.text.replace(" ", "")
    if not words:
        assert said == one.text


def test_continued_rows_hang() -> None:
    """H151: a server's text cannot begin a row where our labels begin."""
    rows = rows_of(line("name: " + "x" * 40, hang=4), 20)
    assert [row.text for row in rows] == ["name: " + "x" * 14, "    " + "x" * 16, "    " + "x" * 10]


def test_prose_breaks_between_words_and_a_long_word_after_a_label_does_not_leave_it_alone() -> None:
    """A label with nothing beside it looks as if there were nothing."""
    assert [row.text for row in rows_of(line("one two three", by_words=True), 9)] == ["one two", "three"]
    first, *_ = rows_of(line("seen  " + "x" * 40, hang=6, by_words=True), 20)
    assert first.text == "seen  " + "x" * 14


def test_every_hostile_text_becomes_one_printable_line() -> None:
    """The one place where strings enter a document."""
    for text in HOSTILE.values():
        assert line((text, Tone.NAME), text).text.isprintable()


def test_header_fields_keep_order_case_and_number() -> None:
    """Two `Set-Cookie` fields are two rows."""
    headers = Headers((("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("X", "")))
    lines = list(header_lines(headers.fields, NoRedactor()))
    assert [one.text for one in lines] == ["Set-Cookie: a=1", "set-cookie: b=2", "X: "]
    assert list(header_lines((("a", "b"),) * 201, NoRedactor()))[-1].text == "… 1 more fields"


def test_masks_are_set_off_from_the_text_around_them() -> None:
    """A mask is seen to be a mask."""
    mask = Secret("token").masked
    assert list(value_pieces(f"Bearer {mask}!")) == [
        ("Bearer ", Tone.PLAIN),
        (mask, Tone.SECRET),
        ("!", Tone.PLAIN),
    ]


def test_no_checks_are_said_and_not_left_blank() -> None:
    """An empty pane would look like a fault."""
    assert [one.text for one in check_lines(())] == ["Nothing has been checked yet."]
    assert checks_summary(()) == ""


def test_durations_are_told_in_the_unit_that_reads_best() -> None:
    """From a tenth of a millisecond to hours."""
    assert [duration(s) for s in (0.0001, 0.041, 0.5, 0.9997, 2.34, 245)] == [
        "0.1 ms",
        "41 ms",
        "500 ms",
        "1.0 s",
        "2.3 s",
        "4:05",
    ]
    assert [clock(s) for s in (-1, 59.9, 300, 3661)] == ["0:00", "0:59", "5:00", "1:01:01"]
