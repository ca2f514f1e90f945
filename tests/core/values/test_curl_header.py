"""One field of a request as curl's `--header` takes it."""

import pytest

from authlens_core.values.formats.curl_header import NotAField, field_name, header_argument


@pytest.mark.parametrize(
    ("name", "value", "argument"),
    [
        ("Accept", "*/*", "Accept: */*"),
        ("X", "", "X;"),
        ("X", " \t", "X;"),
        ("X", "@file", "X: @file"),
        ("X", "a;b:c", "X: a;b:c"),
        ("X", 'a"b\\c', 'X: a"b\\c'),
    ],
)
def test_each_value_is_sent_as_it_is(name: str, value: str, argument: str) -> None:
    assert header_argument(name, value) == argument


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("@/etc/passwd", "x"),
        ("", "x"),
        ("A B", "x"),
        ("A:", "x"),
        ("A;", ""),
        ("A", "b\r\nHost: c"),
        ("A", "\0"),
    ],
)
def test_what_is_no_field_is_refused(name: str, value: str) -> None:
    with pytest.raises(NotAField):
        header_argument(name, value)


@pytest.mark.parametrize("argument", ["Accept: x", "ACCEPT:", "accept;", "accept:x"])
def test_the_name_is_read_in_each_form(argument: str) -> None:
    assert field_name(argument) == "accept"


@pytest.mark.parametrize("argument", ["@file", "X", "", "A B: x", "A;: x", "A; x", "A: x\ny", ":x"])
def test_what_is_not_one_field_has_no_name(argument: str) -> None:
    assert field_name(argument) == ""
