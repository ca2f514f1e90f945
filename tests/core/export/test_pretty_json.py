"""Laying JSON out never changes a word of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.export.pretty_json import json_tokens, pretty_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_equal_keys_and_the_text_of_numbers_and_escapes_survive() -> None:
    """An inspector that merges two equal keys shows something that was never sent."""
    shown = pretty_json(r'{"n":1.0e2,"n":0.10,"s":"\u0041\/"}')
    assert shown == '{\n  "n": 1.0e2,\n  "n": 0.10,\n  "s": "\\u0041\\/"\n}'


@pytest.mark.parametrize("text", ["", "{", '{"a":1,}', "[1 2]", "plain", '"text"', "{'a':1}", '{"a":"\n"}'])
def test_what_is_not_an_object_or_array_is_shown_as_it_is(text: str) -> None:
    assert pretty_json(text) == text


@pytest.mark.parametrize("text", ["[" * 10_000 + "]" * 10_000, "[" * 10_000, "[" * 65 + "]" * 65])
def test_a_bottomless_document_is_shown_as_it_is(text: str) -> None:
    """H149: a 10,000-deep object."""
    assert pretty_json(text) == text


@given(JSON.filter(lambda value: isinstance(value, list | dict)))
def test_the_layout_means_what_the_document_meant(value: object) -> None:
    assert json.loads(pretty_json(json.dumps(value))) == value


@given(st.text(alphabet='{}[]:,"\\ \n0a\u2028', max_size=60) | st.text())
def test_the_tokens_are_the_text(text: str) -> None:
    assert "".join(token.text for token in json_tokens(text)) == text
