"""Form encoding: what is sent can be read in one way only, and so can what is received."""

from contextlib import suppress
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.values.formats.form import FormRefused, decode_form, encode_form, encode_query
from authlens_core.values.secret import Secret

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(st.dictionaries(TEXT, TEXT))
def test_what_is_encoded_decodes_to_the_same_pairs(pairs: dict[str, str]) -> None:
    """GEN-7: space, plus, ampersand, percent and non-ASCII survive, for us and for the standard library."""
    body = encode_form(pairs.items()).reveal().decode("ascii")
    assert decode_form(body) == tuple(pairs.items())
    assert decode_form(encode_query(pairs.items())) == tuple(pairs.items())
    assert parse_qsl(body, keep_blank_values=True) == list(pairs.items())


def test_a_pair_without_a_value_is_not_sent() -> None:
    """GEN-6: a parameter without a value is the same as none."""
    assert encode_form([("scope", ""), ("a", "1"), ("token", Secret(""))]).reveal() == b"a=1"


def test_a_name_that_would_stand_twice_is_refused() -> None:
    """GEN-6: no parameter is ever sent twice."""
    with pytest.raises(FormRefused, match="resource"):
        encode_form([("resource", "a"), ("resource", "b")])


def test_a_secret_value_is_sent_in_full_and_not_shown() -> None:
    body = encode_form([("token", Secret("s3cret"))])
    assert body.reveal() == b"token=s3cret"
    assert "s3cret" not in repr(body)


def test_decoding_keeps_order_repetitions_and_empty_values() -> None:
    """GEN-6: a reader can only refuse a repetition that it is shown."""
    assert decode_form("a=1&b=&a=2&c") == (("a", "1"), ("b", ""), ("a", "2"), ("c", ""))


def test_plus_and_percent_20_are_both_a_space() -> None:
    """H090."""
    assert decode_form("a=x+y&b=x%20y") == (("a", "x y"), ("b", "x y"))


@pytest.mark.parametrize(
    "query",
    ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%c0%af", "a=%00", "a=é", "a=x y", "a=x\ny", "a=%ed%a0%80", "%=a"],
)
def test_bad_encoding_is_refused(query: str) -> None:
    """H090: broken escapes, overlong and invalid UTF-8, NUL and bare characters are not guessed at."""
    with pytest.raises(FormRefused):
        decode_form(query)


@given(st.text())
def test_any_text_is_decoded_or_refused(query: str) -> None:
    with suppress(FormRefused):
        decode_form(query)
