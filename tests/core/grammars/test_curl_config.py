"""A line of curl's configuration holds one option, whatever its value is."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authlens_core.grammars.curl import config_line
from support.needs import program
from support.waiting import PATIENCE

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=40)
VALUES = TEXT.filter(lambda text: not text.startswith("@"))  # --write-out reads @FILE


@settings(max_examples=4, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=8))
def test_curl_reads_the_value_itself(values: list[str]) -> None:
    """Quotes, backslashes, number signs, spaces and dashes end no value and start no option."""
    lines = [config_line("write-out", f"{value.replace('%', '%%')}%{{urlnum}}") for value in values]
    for line, value in zip(lines, values, strict=True):
        done = subprocess.run(
            [program("curl"), "-q", "-s", "--config", "-", "--url", "file:///dev/null"],
            input=line.encode(),
            capture_output=True,
            timeout=PATIENCE,
        )
        assert done.stdout.decode() == f"{unescaped(value)}0"


def unescaped(value: str) -> str:
    r"""Return what --write-out makes of a text: it knows \n, \r and \t."""
    for written, meant in (("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t")):
        value = value.replace(written, meant)
    return value


@pytest.mark.parametrize("value", ["a\nurl = evil", "a\r", "a\0", "a\x0b", "a\x7f"])
def test_a_value_with_a_line_end_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="control"):
        config_line("header", value)
