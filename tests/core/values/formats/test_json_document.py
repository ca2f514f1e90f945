"""Strict JSON (H050, H051, H153, H154): one document has one meaning, or is refused with a position."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.values.formats.json_document import JsonRefused, load_json, load_object

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


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        # H051 - duplicates: the honest value first, the hostile last
        (b'{"token_endpoint":1,"token_endpoint":2}', 'duplicate key "token_endpoint"'),
        (b'{"token_endpoint":1,"\\u0074oken_endpoint":2}', 'duplicate key "token_endpoint"'),
        (b'{"a":{"b":1,"b":2}}', 'duplicate key "b"'),
        # H050, H153 - numbers
        (b"[NaN]", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1e400]", "too large"),
        (b"[-1e400]", "too large"),
        (b"1" * 41, "40 digits"),
        (b"1" * 5_000, "40 digits"),
        (b"0." + b"1" * 41, "40 digits"),
        (b"[" * 100_000, "64 levels"),
        (b'{"a":' * 100_000, "64 levels"),
        # strings
        (b'"' + b"a" * 262_145 + b'"', "262144 characters"),
        (b'"' + b"\\u0061" * 262_145 + b'"', "262144 characters"),
        (b'{"' + b"a" * 262_145 + b'":1}', "262144 characters"),
    ],
)
def test_what_readers_would_read_in_different_ways_is_refused_with_the_reason(
    data: bytes, reason: str
) -> None:
    """H050, H051, H153."""
    with pytest.raises(JsonRefused, match=re.escape(reason)):
        load_json(data)


@pytest.mark.parametrize(
    ("data", "position"),
    [
        (b"01", 1),
        (b"[1.]", 2),
        (b"[.5]", 1),
        (b"[+1]", 1),
        (b"-", 0),
        # structure
        (b"", 0),
        (b"  \n", 3),
        (b"{} {}", 3),
        (b"{}x", 2),
        (b"[1 2]", 3),
        (b'{"a" 1}', 5),
        (b'{"a":1', 6),
        (b"[", 1),
        (b'{"a"', 4),
        (b"{1:2}", 1),
        (b"// c\n{}", 0),
        (b'{/**/"a":1}', 1),
        (b"{'a':1}", 1),
        (b"nul", 0),
        (b"True", 0),
        (b"\x0c{}", 0),
        # strings
        (b'"abc', 0),
        (b'"a\nb"', 2),
        (b'"a\x00b"', 2),
        (b'"a\\xb"', 2),
        # H154 - encodings
        (b"\xff\xfe{\x00}\x00", 0),
        (b'{"token":"ab\xffcd"}', 12),
        (b'\xef\xbb\xbf{"a":"\xff"}', 9),
        (b'"\xed\xa0\x80"', 1),
        (b"{\x00}\x00", 1),
        (b"+AHsAfQ-", 0),
    ],
)
def test_what_is_not_json_is_refused_with_the_position(data: bytes, position: int) -> None:
    """H153, H154."""
    with pytest.raises(JsonRefused) as refused:
        load_json(data)
    assert str(refused.value).endswith(f" at byte {position}")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("data", [b"[1,]", b'{"a":1,}', b'"\\u12g4"'])
def test_what_versions_of_python_place_differently_is_refused(data: bytes) -> None:
    """H153: a comma at the end, an escape without its digits."""
    with pytest.raises(JsonRefused, match="at byte"):
        load_json(data)


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
    for deep in (b"[" * 65 + b"]" * 65, b"[" * 65 + b"1" + b"]" * 65):
        with pytest.raises(JsonRefused, match="64 levels"):
            load_json(deep)


def test_a_file_may_have_any_number_of_members_and_long_strings() -> None:
    """Its size is bounded by the caller; depth and numbers stay limited."""
    assert load_json(json.dumps(["a" * 300_000, *range(20_000)]).encode(), large=True) == [
        "a" * 300_000,
        *range(20_000),
    ]
    with pytest.raises(JsonRefused):
        load_json(b"[" * 65 + b"]" * 65, large=True)


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
    with pytest.raises(JsonRefused, match="half of a surrogate pair"):
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


def _agrees(data: bytes) -> None:
    try:
        value = load_json(data)
    except JsonRefused as refused:
        reason = str(refused)
    else:
        expected = json.loads(data.removeprefix(b"\xef\xbb\xbf"))
        assert value == expected
        assert repr(value) == repr(expected)
        return
    assert reason.isprintable()


@given(st.lists(_TOKENS, max_size=14).map(lambda parts: "".join(parts).encode()))
def test_what_is_accepted_agrees_with_the_standard_library(data: bytes) -> None:
    """H153: on documents that are nearly JSON."""
    _agrees(data)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_read_or_refused(data: bytes) -> None:
    """H153: no RecursionError, no ValueError leak."""
    _agrees(data)
