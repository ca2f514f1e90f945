"""The list of curl's options says what the curl of this machine says."""

from __future__ import annotations

from authlens_core.grammars.curl import ALONE, GROUPS, LONG_NAMES, WITH_VALUE
from support.request_recorder import machine_options

RENAMED = {"--include": "--show-headers"}  # in curl 8.10; both are read


def test_each_option_takes_as_many_words_as_this_curl_says() -> None:
    """A drift would let curl read an address where authlens reads a value."""
    machine = {f"--{option.name}": option.takes_word for option in machine_options()}
    alone = {spelling for spelling in ALONE if spelling.startswith("--")} - {"--include"}
    with_value = {spelling for spelling in WITH_VALUE if spelling.startswith("--")}

    assert {name: machine.get(name) for name in alone} == dict.fromkeys(alone, False)
    assert {name: machine.get(name) for name in with_value} == dict.fromkeys(with_value, True)


def test_each_letter_that_is_looked_at_is_the_option_that_this_curl_says() -> None:
    machine = {f"-{option.letter}": f"--{option.name}" for option in machine_options() if option.letter}

    assert {letter: RENAMED.get(name, name) for letter, name in LONG_NAMES.items()} == {
        letter: machine[letter] for letter in LONG_NAMES
    }


def test_each_letter_takes_as_many_words_as_this_curl_says() -> None:
    machine = {f"-{option.letter}": option.takes_word for option in machine_options() if option.letter}
    letters = {spelling for spelling in ALONE | WITH_VALUE if spelling[1] != "-"}

    assert {letter: machine.get(letter) for letter in letters} == {
        letter: letter in WITH_VALUE for letter in letters
    }


def test_each_group_is_one_of_letters_of_which_the_last_alone_may_take_a_word() -> None:
    for group in GROUPS:
        *letters, last = (f"-{letter}" for letter in group[1:])
        assert ALONE.issuperset(letters)
        assert last in ALONE | WITH_VALUE
