"""`expires_in` (TK-5): the table of H106, and no exception for anything."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.values.formats.duration import LONGEST, Lifetime, parse_expires_in, parse_login_lifetime
from authlens_core.values.formats.json_document import JsonValue


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (3600, 3600),
        ("3600", 3600),
        (3600.0, 3600),
        (3600.5, None),
        (-1, 0),
        ("-1", 0),
        (0, 0),
        (float("inf"), None),
        (float("nan"), None),
        (99999999999999, LONGEST),
        ("99999999999999", LONGEST),
        (10**39, LONGEST),
        (1e300, LONGEST),
        (True, None),
        (False, None),
        (None, None),
        ("soon", None),
        ("", None),
        ("-", None),
        ("1e3", None),
        (" 3600", None),
        ("٣٦٠٠", None),
        ("9" * 5_000, None),
        ([], None),
        ({}, None),
    ],
)
def test_the_table_of_odd_values(value: JsonValue, seconds: int | None) -> None:
    """H106: 3600, "3600" and 3600.0 are a number; zero and less are expired; else unknown or cut."""
    assert parse_expires_in(value).seconds == seconds


def test_the_note_is_safe_to_show() -> None:
    """A value from outside passes the gate."""
    assert "\x1b" not in parse_expires_in("\x1b]0;x\x07").note


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(_JSON)
def test_every_value_gives_a_usable_lifetime(value: JsonValue) -> None:
    """No exception, and what comes out fits a calendar."""
    lifetime = parse_expires_in(value)
    assert lifetime.seconds is None or 0 <= lifetime.seconds <= LONGEST
    assert timedelta(seconds=lifetime.seconds or 0) < timedelta(days=3_651)
    assert lifetime.note.isprintable()


def test_an_end_beyond_the_calendar_is_unknown() -> None:
    """H182: ten years from 9999 is no date."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert Lifetime(LONGEST).ends_after(datetime(9999, 6, 1, tzinfo=UTC)) is None
    assert Lifetime(None).ends_after(now) is None
    assert Lifetime(900).ends_after(now) == now + timedelta(seconds=900)


@pytest.mark.parametrize(
    ("members", "seconds"),
    [
        ({}, None),
        ({"refresh_token_expires_in": 60}, 60),
        ({"refresh_token_timeout": "60", "authorization_expires_in": 30}, 30),
        ({"refresh_expires_in": 0}, None),
        ({"refresh_token_expires_in": -1, "authorization_expires_in": None}, None),
        ({"authorization_expires_in": 10**40}, LONGEST),
    ],
)
def test_a_login_ends_after_the_shortest_time_that_is_stated(
    members: dict[str, JsonValue], seconds: int | None
) -> None:
    assert parse_login_lifetime(members).seconds == seconds
