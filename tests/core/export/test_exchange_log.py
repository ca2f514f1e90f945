"""The log of exchanges: which rows words find, and how many it holds."""

import pytest

from authlens_core.export.exchange_log import ExchangeLog, rows_of
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
    ("words", "numbers"),
    [
        ("", [1, 2, 3, 4]),
        ("post", [3, 4]),
        ("401", [1]),
        ("LOCATION", [2]),
        ("as.example /token", [3]),
        ("invalid_grant", [3]),
        ("are who", [1]),
        ("no answer", [4]),
        ("post location", []),
    ],
)
def test_a_row_is_found_by_words_that_all_occur_in_it(words: str, numbers: list[int]) -> None:
    assert [row.number for row in ROWS if row.matches(words)] == numbers


def test_words_cannot_guess_a_secret() -> None:
    """What is looked through is what is shown: masked."""
    assert not any(row.matches("canary-code-1") for row in ROWS)


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
