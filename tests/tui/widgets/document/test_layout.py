"""Where lines stand: the same rows as when every line is broken by itself, whatever is folded."""

import json

from hypothesis import given
from hypothesis import strategies as st

from authlens_core.export.pretty_json import pretty_json
from authlens_core.export.redaction import RedactedBody
from authlens_tui.widgets.document.layout import Layout
from authlens_tui.widgets.document.lines import SMALLEST_WIDTH, LazyLines, LineList, containers, line, rows_of
from authlens_tui.widgets.record.diagram import DiagramLine
from authlens_tui.widgets.record.exchange_view import body_lines

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=30,
).filter(lambda value: isinstance(value, (dict, list)))


def laid_out_json(value: object, width: int = 60) -> Layout:
    text = json.dumps(value)
    body = body_lines(RedactedBody(text, len(text)))
    return Layout(LineList([line("before"), *body]), width)


def shown(layout: Layout) -> list[str]:
    return [layout.row(number).text for number in range(layout.height)]


@given(st.lists(st.tuples(st.text(max_size=200), st.booleans(), st.integers(0, 20))), st.integers(1, 60))
def test_rows_are_those_of_each_line_by_itself(texts: list[tuple[str, bool, int]], width: int) -> None:
    """Counting beforehand changes no row, also of lines with a sign before them."""
    lines = [line(text, by_words=words, hang=hang) for text, words, hang in texts]
    room = max(width, SMALLEST_WIDTH)
    layout = Layout(LineList(lines), width)
    assert shown(layout) == [row.text for one in lines for row in rows_of(one, room)]
    signed = [DiagramLine(one.pieces, one.hang, one.by_words) for one in lines]
    rows = [row.text for one in signed for row in rows_of(one, room - DiagramLine.gutter)]
    assert shown(Layout(LineList(signed), width)) == rows
    for number in range(len(lines)):
        assert {layout.line_of_row(row) for row in layout.rows_of_line(number)} == {number}


@given(st.lists(st.text(max_size=100), min_size=1), st.integers(8, 60))
def test_a_passage_stands_like_its_lines_by_themselves(texts: list[str], width: int) -> None:
    """200,000 lines are kept as text alone; they look the same."""
    lines = [line(text) for text in texts]
    passage = LazyLines((), texts=[one.text for one in lines])
    assert shown(Layout(LineList([passage]), width)) == shown(Layout(LineList(lines), width))


@given(JSON)
def test_every_container_ends_where_its_bracket_closes(value: object) -> None:
    """What is folded away is JSON by itself."""
    texts = pretty_json(json.dumps(value)).split("\n")
    found = containers(texts)
    assert sum(text.endswith(("{", "[")) for text in texts) == len(found.ends)
    for start, end in found.ends.items():
        inner = "\n".join(texts[start : end + 1])
        json.loads(inner[inner.index(texts[start].lstrip()[-1], len(texts[start]) - 1) :].rstrip(","))


@given(JSON, st.data())
def test_folding_hides_what_is_inside_and_unfolding_brings_it_back(
    value: object, data: st.DataObject
) -> None:
    """In any order, one inside the other too."""
    layout = laid_out_json(value)
    before = shown(layout)
    starts = [number for number in range(len(layout.lines)) if layout.can_fold(number)]
    chosen = data.draw(st.lists(st.sampled_from(starts), unique=True)) if starts else []
    for start in chosen:
        assert layout.toggle(start)
    hidden = {
        n
        for start in chosen
        for n in range(start + 1, layout.lines.texts.__len__())
        if _inside(layout, start, n)
    }
    visible = {layout.line_of_row(row) for row in range(layout.height)}
    assert visible == set(range(len(layout.lines))) - hidden
    for start in chosen:
        layout.toggle(start)
    assert shown(layout) == before


def _inside(layout: Layout, start: int, number: int) -> bool:
    part, first = layout.lines.part(start)
    return isinstance(part, LazyLines) and number <= first + part.containers.ends[start - first]


def test_a_folded_container_says_how_many_lines_are_in_it() -> None:
    """Nothing is left out without saying so."""
    layout = laid_out_json({"a": {"b": 1, "c": 2}, "d": 3})
    layout.toggle_all()
    assert shown(layout) == ["before", "{", '  "a": { 2 lines },', '  "d": 3', "}"]
    layout.toggle_all()
    assert not layout.folded


def test_what_is_searched_for_is_unfolded() -> None:
    """A match inside a folded object is shown."""
    layout = laid_out_json({"a": {"b": {"c": "needle"}}})
    layout.toggle(2)
    layout.toggle(1)
    layout.reveal(4)
    assert any("needle" in row for row in shown(layout))


def test_the_row_of_a_character_far_into_a_line_is_found() -> None:
    """A megabyte in one line is searched too."""
    layout = Layout(LineList([line("x" * 1_000_000 + "needle")]), 100)
    assert layout.height == 10_001
    assert "needle" in layout.row(layout.row_of_character(0, 1_000_000)).text


def test_two_hundred_thousand_lines_are_all_there() -> None:
    """No line is cut: the last one can be reached."""
    text = "\n".join(str(number) for number in range(200_000))
    layout = Layout(LineList(body_lines(RedactedBody(text, len(text)))), 80)
    assert layout.height == 200_000
    assert layout.row(199_999).text == "199999"


def test_a_cut_off_body_says_so_and_its_open_containers_do_not_fold() -> None:
    """What the wire cut is no JSON any more, and is shown as it came."""
    lines = LineList(body_lines(RedactedBody('{"a": [1, 2', 11, truncated=True)))
    assert not Layout(lines, 80).foldable
    assert "cut after 11 bytes" in lines.texts[-1]
    assert containers(["{", '  "a": [', "    1"]).ends == {}
