"""Filters over exchanges: which rows they let through, and what they say of a filter that cannot be read."""

from __future__ import annotations

import pytest

from authlens_core.export.exchange_log import ExchangeLog, FilterRefused, next_words, parse_filter, rows_of
from authlens_core.values.exchange import Exchange, FailureKind, Headers, Request, Response, WireFailure
from authlens_core.values.secret import Body
from support.scripted_login import exchange, reply

ASKED = exchange(reply(401, None, ("WWW-Authenticate", "Bearer"), text="who are you"))
MOVED = exchange(
    reply(302, None, ("Location", "https://login.example/")), Request("GET", "https://app.example/old")
)
TOKEN = exchange(
    reply(400, {"error": "invalid_grant"}),
    Request("POST", "https://as.example/token", Headers.of([("Accept", "*/*")]), Body(b"code=canary-code-1")),
)
LOST = exchange(WireFailure(FailureKind.CONNECT, "No answer.", ""), Request("POST", "https://as.example/par"))
ROWS = rows_of(list(enumerate((ASKED, MOVED, TOKEN, LOST), 1)))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [1, 2, 3, 4]),
        ("~m post", [3, 4]),
        ("~c 4..", [1, 3]),
        ("~c 401", [1]),
        ("~h location", [2]),
        ("~hs www-authenticate", [1]),
        ("~hq www-authenticate", []),
        ("~hq accept", [3]),
        ("~d as.example", [3, 4]),
        ("~u /token", [3]),
        ("~b invalid_grant", [3]),
        ("~bs WHO", [1]),
        ("~bs 'who are'", [1]),
        ("~e", [4]),
        ("~q", [4]),
        ("~s", [1, 2, 3]),
        ("~m POST ~c 4..", [3]),
        ("~m POST & !~c 4..", [4]),
        ("~c 302 | ~e", [2, 4]),
        ("!(~c 302 | ~e)", [1, 3]),
        ("location", [2]),
        ("no-such-word", []),
    ],
)
def test_a_filter_lets_through_what_it_names(text: str, numbers: list[int]) -> None:
    wanted = parse_filter(text)
    assert [row.number for row in ROWS if wanted(row)] == numbers


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("~x 1", "not a filter"),
        ("~m", "ends where"),
        ("~c 40", "three digits"),
        ("(~e", "ends where"),
        ("~e )", "close"),
        ("| ~e", "missing before"),
        ("'~e", "quotation mark"),
        ("(" * 40 + "~e", "within each other"),
        ("a" * 301, "at most"),
    ],
)
def test_a_filter_that_cannot_be_read_says_why(text: str, words: str) -> None:
    with pytest.raises(FilterRefused, match=words):
        parse_filter(text)


@pytest.mark.parametrize(
    ("before", "some", "none"),
    [
        ("", {"~m", "~c", "~all", "as.example"}, {"POST", "401"}),
        ("~d as.example ~m ", {"GET", "POST"}, {"~m", "as.example"}),
        ("~c ", {"401", "302", "400"}, {"~c"}),
        ("!(~hs ", {"WWW-Authenticate", "Location"}, {"Accept"}),
        ("~b ", set(), {"~m", "as.example"}),
    ],
)
def test_what_may_follow_in_a_filter_is_offered(before: str, some: set[str], none: set[str]) -> None:
    """Operators, and after one the values that it can have here; a body has no words to offer."""
    offered = set(next_words(before, ROWS))
    assert some <= offered
    assert not none & offered


def test_a_filter_cannot_guess_a_secret() -> None:
    """What is looked through is what is shown: masked."""
    wanted = parse_filter("~b canary-code-1")
    assert [row for row in ROWS if wanted(row)] == []


def test_the_log_drops_the_oldest_and_goes_on_counting() -> None:
    log = ExchangeLog()
    for _ in range(600):
        log.note(ASKED)
    assert (log.count, len(log.exchanges), log.exchanges[0][0], log.exchanges[-1][0]) == (600, 500, 101, 600)


def test_large_bodies_are_dropped_sooner() -> None:
    log = ExchangeLog()
    large = Exchange(
        ASKED.request, Response(200, "", Headers(), Body(b"x" * 6_000_000)), None, ASKED.started_at, 1.0
    )
    for _ in range(5):
        log.note(large)
    assert [number for number, _ in log.exchanges] == [4, 5]
