"""Spans of time in few words, and when something expires, in a cell and in a sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from authlens_tui.words.times import expiry_of, in_words

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "cell", "sentence"),
    [
        (45, "45 s", "expires in 45 s"),
        (723, "12 min 3 s", "expires in 12 min 3 s"),
        (11_100, "3 h 5 min", "expires in 3 h 5 min"),
        (0, "0 s ago", "expired 0 s ago"),
        (-11_100, "3 h ago", "expired 3 h ago"),
    ],
)
def test_an_expiry_is_worded_by_whether_it_has_passed(seconds: int, cell: str, sentence: str) -> None:
    expiry = expiry_of(NOW + timedelta(seconds=seconds), NOW)
    assert (expiry.cell, expiry.sentence, expiry.expired) == (cell, sentence, seconds <= 0)


def test_a_token_without_expiry_says_so() -> None:
    expiry = expiry_of(None, NOW)
    assert (expiry.cell, expiry.sentence, expiry.expired) == ("unknown", "no expiry given", None)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (119, "1 min"),
        (3_600, "1 h"),
        (3_660, "1 h 1 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
        (86_400 + 60, "1 d"),
        (-5, "5 s ago"),
        (-0.5, "0 s ago"),
        (-7_200, "2 h ago"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    """Enough to act on, short enough for a column."""
    assert in_words(seconds) == words
