"""Words of topics and problems: the answer where no phrase is known, and silence where nothing is said."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from authlens_core.diagnosis.causes import CAUSES, client_messages, server_messages
from authlens_core.explain.grid import findings
from authlens_core.explain.pasted_error import explain_text
from authlens_core.values.word_files import words

NOTHING: Final[list[str]] = tomllib.loads(
    Path(__file__).with_name("nothing.toml").read_text(encoding="utf-8")
)["texts"]
TOPICS: Final = words("grid")["topics"]
PROBLEMS: Final = words("grid")["problems"]
CELLS: Final = [
    (topic, problem, cause)
    for cause in (*server_messages(), *client_messages(), *CAUSES)
    for topic, *problems in map(str.split, cause.cells)
    for problem in problems
]


def test_a_cell_is_of_known_words_and_has_one_answer() -> None:
    assert {topic.rpartition(":")[2] for topic, _, _ in CELLS} <= TOPICS.keys()
    assert {problem for _, problem, _ in CELLS} <= PROBLEMS.keys()
    assert [cell for cell, number in Counter((t, p) for t, p, _ in CELLS).items() if number > 1] == []


def test_each_cell_is_found_by_its_words_in_either_order() -> None:
    unfound = []
    for topic, problem, cause in CELLS:
        code, _, name = topic.rpartition(":")
        said = TOPICS[name]["words"][0].lstrip("~!")
        for place, order in (("before", "{word} {said}"), ("after", "the {said} {word}")):
            known = PROBLEMS[problem][place]
            texts = [order.format(word=word, said=said) for word in (known[:2] + known[-2:])]
            found = [one.cause for text in texts for one in findings(text, [code], is_of_a_login=True)]
            if cause not in found:
                unfound.append((texts, cause.name, [one.name for one in found]))
    assert unfound == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("AuthError: RefreshTokenExpired at login", "refresh_token_ended"),
        ("InvalidRedirectUri", "oauth.redirect_uri"),
        ("the redirect_uri in the request doesn't match the client's", "oauth.redirect_uri"),
        ("callback URLs: http://localhost:1/cb is not in the allowlist of callback URLs", None),
        ("code_verifier mismatch", "oauth.pkce"),
        ("signature of the token could not be verified", "jwt.signature"),
        ('{"error":"invalid_grant","error_description":"Unexpected redirect_uri"}', "code_refused"),
        ('{"error":"invalid_request","error_description":"Unexpected redirect_uri"}', "oauth.redirect_uri"),
        ("the request came without the Authorization header, which is missing", "login_not_made"),
        ("OAuth provider requires client_id", "oauth.client_id_missing"),
        ("Error: client secret for app 7 has expired on Monday", "client_not_authenticated"),
    ],
)
def test_many_ways_to_say_it_have_one_answer(text: str, name: str | None) -> None:
    assert next((told.name for told in explain_text(text)), None) == name


@pytest.mark.parametrize("text", NOTHING)
def test_a_text_about_nothing_of_this_is_not_explained(text: str) -> None:
    """That a program failed in its own code, or lacks a package, may be said of what shows it."""
    assert {told.name for told in explain_text(text)} <= {"program.bug", "program.module_missing"}


@pytest.mark.parametrize("word", ["client ", "is not valid ", "redirect_uri ", "a_b", "aB", '"x": ', "a=b "])
def test_the_time_is_linear_in_a_text_that_is_made_to_be_slow(word: str) -> None:
    assert sum(1 for _ in findings(word * 20_000, (), is_of_a_login=True)) < 20_000
