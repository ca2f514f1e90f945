"""Spans of time in few words."""

from __future__ import annotations

import pytest

from authlens_tui.words.durations import in_words


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
