"""The words of a curl command line are read as curl reads them, or refused."""

import pytest

from authlens_core.grammars.curl import ALONE, GROUPS, LONG_NAMES, WITH_VALUE, read_request
from authlens_core.values.errors import UsageError
from support.request_recorder import machine_options

URL = "https://wiki.example.com/app"


def curl_words(*typed: str) -> list[str]:
    """Return the words that curl gets for those that were typed."""
    return list(read_request(typed, URL).arguments)


@pytest.mark.parametrize(
    ("typed", "passed"),
    [
        ([], []),
        (["-sS"], ["-s", "-S"]),
        (["-fsS", "-o", "out.json"], ["-f", "-s", "-S", "-o", "out.json"]),
        (["-sSL"], ["-s", "-S"]),
        (["-fsSL", "--location"], ["-f", "-s", "-S"]),
        (["-XPOST", "-d", "x=y"], ["-X", "POST", "-d", "x=y"]),
        (["-so", "file"], ["-s", "-o", "file"]),
        (["-fsSLo", "-sS"], ["-f", "-s", "-S", "-o", "-sS"]),
        (["-sSI"], ["-s", "-S", "-I"]),
        (["-X", "POST", "-d", "a=b"], ["-X", "POST", "-d", "a=b"]),
        (["-o", "-"], ["-o", "-"]),
        (["-o", "-s"], ["-o", "-s"]),
        (["--output", "--silent"], ["--output", "--silent"]),
        (["-d", "--"], ["-d", "--"]),
        (["-d", ""], ["-d", ""]),
        (["-w", "%{http_code}"], ["-w", "%{http_code}"]),
        (["--no-buffer", "-N"], ["--no-buffer", "-N"]),
        (["-#", "-4"], ["-#", "-4"]),
        (["-H", "https://evil.test/: x"], ["-H", "https://evil.test/: x"]),
    ],
)
def test_each_word_is_an_option_or_the_value_of_one(typed: list[str], passed: list[str]) -> None:
    assert curl_words(*typed) == passed


@pytest.mark.parametrize(
    "typed",
    [
        ["--location-trusted"],
        ["--no-location"],
        ["--loc"],
        ["--Silent"],
        ["--silent=x"],
        ["--request=POST"],
        ["--no-silent"],
        ["--new-in-9.0"],
        ["-é"],
        ["-D", "head.txt"],
        ["--expand-data", "{{x}}"],
        ["-K", "x"],
        ["--variable", "x=y"],
        ["--next"],
        ["-:"],
        ["--url", "https://evil.test/"],
        ["https://evil.test/"],
        ["-s", "evil.test"],
        ["-X", "POST", "evil.test"],
        ["--"],
        ["-"],
        [""],
        ["–s"],
        ["-x", "http://evil.test:3128"],
        ["--noproxy", "*"],
        ["--resolve", "a:443:10.0.0.1"],
        ["--connect-to", "::evil.test:"],
        ["--unix-socket", "/s"],
        ["--request-target", "/admin"],
        ["-k"],
        ["--cacert", "ca.pem"],
        ["--ciphers", "aNULL"],
        ["-v"],
        ["--trace", "-"],
        ["--libcurl", "x.c"],
        ["-u", "ada:secret"],
        ["-uada:secret"],
        ["--user=ada:secret"],
        ["-n"],
        ["--proto", "=http"],
        ["-V"],
    ],
)
def test_what_is_not_on_the_list_is_refused_with_a_way_on(typed: list[str]) -> None:
    """TK-10, H350, H351: curl gives header fields to every address that it is led to."""
    with pytest.raises(UsageError) as refused:
        curl_words(*typed)
    assert URL in str(refused.value.cure)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "word", ["-sk", "-s-", "-gN4", "-dx=y", "-ofile", "-sofile", "-o-s", "-sxhttp://evil.test:3128"]
)
def test_letters_that_are_no_common_group_are_refused_with_how_to_write_them(word: str) -> None:
    with pytest.raises(UsageError, match="with these letters behind it") as refused:
        curl_words(word)
    assert "a word of its own" in str(refused.value.cure)


@pytest.mark.parametrize("typed", [["-o"], ["-sS", "-o"], ["--output"], ["-s", "-H"]])
def test_an_option_without_its_value_takes_none_of_ours(typed: list[str]) -> None:
    with pytest.raises(UsageError, match="needs a value"):
        curl_words(*typed)


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
