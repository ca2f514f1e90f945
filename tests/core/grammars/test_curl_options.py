"""The table of curl's options says what the curl of this machine says."""

from __future__ import annotations

import re
import subprocess

import pytest

from authlens_core.grammars.curl_options import NAME_OF_LETTER, PASSED_ON, STAYS_BEHIND, NotPassedOn, Takes
from support.curl_program import machine_options
from support.needs import program
from support.waiting import PATIENCE

CURL_OF_THE_TABLE = (8, 14)


def known_name(shown: str) -> str:
    """Return the name in the table for one that the help shows, such as --no-buffer."""
    known = shown in PASSED_ON or shown in STAYS_BEHIND
    return shown if known else shown.removeprefix("no-")


def test_each_option_takes_as_many_words_as_this_curl_says() -> None:
    """A drift would let curl read an address where authlens reads a value."""
    ours = {
        option.name: PASSED_ON[known_name(option.name)] is Takes.WORD
        for option in machine_options()
        if known_name(option.name) in PASSED_ON
    }
    assert len(ours) > 90, "the help was not understood"

    assert ours == {option.name: option.takes_word for option in machine_options() if option.name in ours}


def test_each_letter_is_the_option_that_this_curl_says() -> None:
    theirs = {option.letter: known_name(option.name) for option in machine_options() if option.letter}

    assert {letter: NAME_OF_LETTER.get(letter) for letter in theirs} == theirs


def test_each_option_of_the_curl_of_the_table_is_passed_on_or_says_why_not() -> None:
    """What a newer curl has besides is refused as unknown."""
    said = subprocess.run(
        [program("curl"), "--version"], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    version = tuple(map(int, re.findall(r"\d+", said.stdout)[:2]))
    if version > CURL_OF_THE_TABLE:
        pytest.skip(f"this is curl {version}")
    names = {known_name(option.name) for option in machine_options()}

    assert names - PASSED_ON.keys() - STAYS_BEHIND.keys() == set()


def test_no_option_is_in_both_tables() -> None:
    assert PASSED_ON.keys() & STAYS_BEHIND.keys() == set()


@pytest.mark.parametrize("reason", NotPassedOn)
def test_each_reason_names_a_way_on(reason: NotPassedOn) -> None:
    instead = reason.instead.format(url="https://wiki.example.com/")

    assert instead.endswith((".", "}\\n'", "-i", "/", "all", "-sS", "--tlsv1.3"))
    assert not reason.why.endswith(".")
