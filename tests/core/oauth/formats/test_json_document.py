"""Strict JSON (H050, H051, H153, H154): one document has one meaning, or is refused with a position."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.oauth.formats.json_document import JsonRefused, load_json, load_object


@pytest.mark.parametrize(
    ("data", "reason", "position"),
    [
        # H051 - duplicates: the honest value first, the hostile last
        (b'{"token_endpoint":1,"token_endpoint":2}', 'duplicate key "token_endpoint"', 20),
        (b'{"token_endpoint":1,"\\u0074oken_endpoint":2}', 'duplicate key "token_endpoint"', 20),
        (b'{"a":{"b":1,"b":2}}', 'duplicate key "b"', 12),
        # H050, H153 - numbers
        (b"[NaN]", "NaN", 1),
        (b"[Infinity]", "Infinity", 1),
        (b"[-Infinity]", "digit after '-'", 1),
        (b"[1e400]", "too large", 1),
        (b"[-1e400]", "too large", 1),
        (b"1" * 41, "40 digits", 0),
        (b"1" * 5_000, "40 digits", 0),
        (b"0." + b"1" * 41, "40 digits", 0),
        (b"01", "follows the end", 1),
        (b"[1.]", "',' or ']'", 2),
        (b"[.5]", "a value belongs", 1),
        (b"[+1]", "a value belongs", 1),
        (b"-", "digit after '-'", 0),
        # structure
        (b"", "empty", 0),
        (b"  \n", "empty", 3),
        (b"[" * 100_000, "64 levels", 64),
        (b'{"a":' * 100_000, "64 levels", 320),
        (b"{} {}", "follows the end", 3),
        (b"{}x", "follows the end", 2),
        (b"[1,]", "unexpected ']'", 3),
        (b'{"a":1,}', "key in double quotes", 7),
        (b"[1 2]", "',' or ']'", 3),
        (b'{"a" 1}', "':'", 5),
        (b'{"a":1', "ends too early", 6),
        (b"[", "ends too early", 1),
        (b'{"a"', "ends too early", 4),
        (b"{1:2}", "key in double quotes", 1),
        (b"// c\n{}", "a comment", 0),
        (b'{/**/"a":1}', "a comment", 1),
        (b"{'a':1}", "single quotes", 1),
        (b"nul", "a value belongs", 0),
        (b"True", "a value belongs", 0),
        (b"\x0c{}", "a value belongs", 0),
        # strings
        (b'"abc', "without an end", 0),
        (b'"a\nb"', "control character", 2),
        (b'"a\x00b"', "control character", 2),
        (b'"a\\xb"', "bad escape", 2),
        (b'"\\u12g4"', "bad escape", 1),
        (b'"' + b"a" * 262_145 + b'"', "262144 characters", 0),
        (b'"' + b"\\u0061" * 262_145 + b'"', "262144 characters", 0),
        # H154 - encodings
        (b"\xff\xfe{\x00}\x00", "not UTF-8", 0),
        (b'{"token":"ab\xffcd"}', "not UTF-8", 12),
        (b'\xef\xbb\xbf{"a":"\xff"}', "not UTF-8", 9),
        (b'"\xed\xa0\x80"', "not UTF-8", 1),
        (b"{\x00}\x00", "key in double quotes", 1),
        (b"+AHsAfQ-", "a value belongs", 0),
    ],
)
def test_what_is_not_strict_json_is_refused_with_reason_and_position(
    data: bytes, reason: str, position: int
) -> None:
    """H050, H051, H153, H154."""
    with pytest.raises(JsonRefused) as refused:
        load_json(data)
    assert reason in str(refused.value)
    assert str(refused.value).endswith(f" at byte {position}")


def test_the_position_counts_bytes() -> None:
    """H154: the offset is one in the data as received, also behind a mark and wide characters."""
    with pytest.raises(JsonRefused) as refused:
        load_json(b"\xef\xbb\xbf" + '["ü€", x]'.encode())
    position = 3 + len('["ü€", '.encode())
    assert str(refused.value).endswith(f" at byte {position}")


def test_ten_thousand_members_are_the_limit() -> None:
    """H050, H153: counted over the whole document."""
    assert len(load_object(json.dumps({str(n): n for n in range(10_000)}).encode())) == 10_000
    for value in ({str(n): n for n in range(10_001)}, [0] * 10_001, [[0] * 5_000, [0] * 5_000]):
        with pytest.raises(JsonRefused, match="10000 members"):
            load_json(json.dumps(value).encode())


def test_sixty_four_levels_are_taken() -> None:
    """H153: the limit itself is allowed."""
    load_json(b"[" * 64 + b"]" * 64)
    with pytest.raises(JsonRefused):
        load_json(b"[" * 65 + b"]" * 65)


def test_the_longest_string_and_number_are_taken() -> None:
    """H153: the limits themselves are allowed."""
    assert load_json(b'"' + b"a" * 262_144 + b'"') == "a" * 262_144
    assert load_json(b"1" * 40) == int("1" * 40)


def test_a_byte_order_mark_is_tolerated() -> None:
    """H023."""
    assert load_object(b'\xef\xbb\xbf{"a": [1, -2.5, true, null, "\\u00fc"]}') == {
        "a": [1, -2.5, True, None, "ü"]
    }


@pytest.mark.parametrize("data", [b"[]", b"null", b'"x"', b"1", b"true"])
def test_the_top_level_is_an_object(data: bytes) -> None:
    """H153: a list or a scalar is no answer of the protocol."""
    with pytest.raises(JsonRefused, match="not an object"):
        load_object(data)
    load_json(data)


def test_keys_that_differ_by_case_are_two_keys() -> None:
    """GEN-5: unknown members are ignored, and `Issuer` is an unknown member."""
    assert load_object(b'{"issuer":1,"Issuer":2}') == {"issuer": 1, "Issuer": 2}


def test_the_reason_is_safe_to_show() -> None:
    """A key of the server is in the reason."""
    with pytest.raises(JsonRefused) as refused:
        load_json(b'{"\\u001b[2J":1,"\\u001b[2J":2}')
    assert "\x1b" not in str(refused.value)


def test_half_of_a_surrogate_pair_is_refused() -> None:
    """RFC 8259 §8.2: readers differ about it, and no record can hold it."""
    with pytest.raises(JsonRefused, match="half of a surrogate pair in a string at byte 1"):
        load_json(b'["\\ud800"]')
    assert load_json(b'"\\ud83d\\ude00"') == "😀"


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**39), 10**39)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_every_ordinary_document_is_read_as_the_standard_library_reads_it(
    value: Any, ascii_only: bool, indent: int | str | None
) -> None:
    """Strictness changes no value."""
    try:
        data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    except UnicodeEncodeError:
        return
    assert load_json(data) == json.loads(data) == value


_TOKENS = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        '"a"',
        '"\\u0061"',
        '"b"',
        "1",
        "-0",
        "1.5",
        "1e5",
        "1e999",
        "NaN",
        "null",
        "true",
        " ",
        "\n",
        '"',
        "\\",
        "é",
        "\x00",
        "'",
        "/*",
        "0",
        "-",
    ]
)


def _agrees(data: bytes) -> None:
    try:
        value = load_json(data)
    except JsonRefused as refused:
        reason, _, position = str(refused).rpartition(" at byte ")
    else:
        expected = json.loads(data.removeprefix(b"\xef\xbb\xbf"))
        assert value == expected
        assert repr(value) == repr(expected)
        return
    assert 0 <= int(position) <= len(data)
    assert reason.isprintable()


@given(st.lists(_TOKENS, max_size=14).map(lambda parts: "".join(parts).encode()))
def test_what_is_accepted_agrees_with_the_standard_library(data: bytes) -> None:
    """H153: on documents that are nearly JSON."""
    _agrees(data)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_read_or_refused(data: bytes) -> None:
    """H153: no RecursionError, no ValueError leak."""
    _agrees(data)
