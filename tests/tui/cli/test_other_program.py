"""The words of another program, in the command line of `run` and `curl`."""

from __future__ import annotations

from argparse import Namespace

import pytest

from authlens_tui.cli import main
from authlens_tui.cli.verbs import VERBS

URL = "https://wiki.example.com/"


@pytest.mark.parametrize(("verb", "where"), [("run", "command"), ("curl", "arguments")])
@pytest.mark.parametrize("before", [[URL], [URL, "--min-ttl", "5"], ["--min-ttl", "5", URL]])
@pytest.mark.parametrize(
    "words", [["git", "checkout", "--", "FILE"], ["a", "--", "--"], ["--", "a"], ["--help"], []]
)
def test_each_word_behind_the_first_dashes_is_kept(
    verb: str, where: str, before: list[str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Namespace] = []

    def note(arguments: Namespace) -> int:
        read.append(arguments)
        return 0

    monkeypatch.setitem(VERBS, verb, note)
    assert main.run([verb, *before, "--", *words]) == 0
    (arguments,) = read
    assert (arguments.url, getattr(arguments, where)) == (URL, words)
