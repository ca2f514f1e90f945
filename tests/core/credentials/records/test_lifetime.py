"""When a grant is refreshed, and when one that failed is tried again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.records.lifetime import next_attempt, refresh_due, seconds_until_retry
from support.grants import make_grant

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
Make = Callable[..., Grant]


@pytest.mark.parametrize(
    ("life", "due"),
    [
        (3_600, 2_880),  # 80 % of an hour
        (900, 720),
        (300, 240),  # where 80 % and 60 s before the end are the same
        (200, 140),  # 60 s before the end comes first
        (60, 30),  # but not in the first half of its life
        (1, 0.5),
        (0, 0),
    ],
)
def test_a_token_is_due_at_80_percent_or_60_seconds_before_its_end(life: int, due: float) -> None:
    grant = make_grant(refreshed_at=NOW, expires_at=NOW + timedelta(seconds=life))
    assert refresh_due(grant, NOW) == NOW + timedelta(seconds=due)


def test_a_token_without_a_known_end_is_never_due() -> None:
    """Only a 401 says that it is over."""
    assert refresh_due(make_grant(expires_at=None), NOW) is None


def test_after_a_clock_that_was_put_back_it_is_due_at_once() -> None:
    """H182: its age is not known."""
    grant = make_grant(refreshed_at=NOW, expires_at=NOW + timedelta(hours=1))
    assert refresh_due(grant, NOW - timedelta(days=1)) == NOW - timedelta(days=1)


@given(
    st.integers(-5, 10**6),
    st.none() | st.integers(-5, 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_the_next_attempt_is_later_and_within_bounds(attempts: int, asked: int | None, jitter: float) -> None:
    """Property: at least what the server asks for, at most a day and a fifth."""
    wait = next_attempt(attempts, NOW, asked=asked, jitter=jitter) - NOW
    assert timedelta(seconds=10) <= wait <= timedelta(days=1.2)
    if asked is None:
        assert wait <= timedelta(minutes=12)
    elif asked <= 86_400:
        assert wait >= timedelta(seconds=asked)


def test_each_wait_is_twice_as_long_up_to_ten_minutes() -> None:
    waits = [next_attempt(n, NOW, asked=None, jitter=0) - NOW for n in range(1, 9)]
    assert [wait.total_seconds() for wait in waits] == [10, 20, 40, 80, 160, 320, 600, 600]


def test_a_wait_that_a_clock_step_made_endless_is_over() -> None:
    """H182: the clock was in the future when it failed."""
    grant = make_grant(retry_at=NOW + timedelta(seconds=40))
    assert seconds_until_retry(grant, NOW) == 40
    assert seconds_until_retry(grant, NOW + timedelta(seconds=40)) == 0
    assert seconds_until_retry(grant, NOW - timedelta(days=300)) == 0
    assert seconds_until_retry(make_grant(), NOW) == 0
