"""What a grant is, and how it stands at one moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.credentials.records.grant import StatusKind, grant_id_for
from support.grants import make_grant

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "refreshable", "kind"),
    [
        (900, True, StatusKind.LIVE),
        (61, True, StatusKind.LIVE),
        (60, True, StatusKind.SOON),
        (1, False, StatusKind.SOON),
        (0, True, StatusKind.REFRESHABLE),
        (0, False, StatusKind.EXPIRED),
    ],
)
def test_the_clock_decides_for_a_live_grant(seconds: int, refreshable: bool, kind: StatusKind) -> None:
    """H183: the words follow the clock."""
    grant = make_grant(
        refreshed_at=NOW - timedelta(hours=1),
        expires_at=NOW + timedelta(seconds=seconds),
        has_refresh_token=refreshable,
    )
    status = grant.status(NOW)
    assert (status.kind, status.remaining_seconds) == (kind, seconds)
    assert status.refreshable == refreshable


def test_an_expiry_that_the_server_did_not_state_is_unknown_and_not_for_ever() -> None:
    """TK-5: absent is unknown."""
    status = make_grant(expires_at=None).status(NOW)
    assert (status.word, status.remaining_seconds) == ("live, no expiry", None)


@pytest.mark.parametrize("year", [1, 1970, 2038, 9999])
def test_any_clock_is_survived_and_a_wrong_one_is_named(year: int) -> None:
    """H182: no exception; a token obtained in the future means that the clock is wrong."""
    status = make_grant().status(datetime(year, 12, 31, tzinfo=UTC))
    assert ("clock" in status.note) == (year < 2026)


def test_a_time_without_a_zone_or_before_its_start_is_refused() -> None:
    """Claude-code #91009: no record with a zero or a past expiry is ever made."""
    with pytest.raises(ValueError, match="time zone"):
        make_grant(expires_at=datetime(2026, 5, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="before refreshed_at"):
        make_grant(expires_at=datetime.fromtimestamp(0, UTC))


@given(st.lists(st.text(), min_size=4, max_size=4), st.lists(st.text(), min_size=4, max_size=4))
def test_different_logins_are_different_grants(one: list[str], other: list[str]) -> None:
    """H185: no two of (issuer, resource, client, redirect URI) share an id, however they are cut."""
    assert (grant_id_for(*one) == grant_id_for(*other)) == (one == other)


@pytest.mark.parametrize(
    ("redirect_uri", "is_same"),
    [
        ("http://localhost:8400/callback", True),
        ("http://localhost:49152/callback", True),
        ("http://127.0.0.1:49152/callback", False),
        ("http://localhost:49152/elsewhere", False),
        ("https://app.example.com:8400/callback", False),
    ],
)
def test_the_port_of_a_loopback_callback_is_no_other_grant(redirect_uri: str, is_same: bool) -> None:
    """RFC 8252 §7.3: each login with `--port 0` comes back on another port, as the same client."""
    first = grant_id_for("https://as.example", "r", "client", "http://localhost:8400/callback")
    assert (grant_id_for("https://as.example", "r", "client", redirect_uri) == first) == is_same


def test_a_grant_shows_no_secret(secrets: Any) -> None:
    """V-7: the secrets of a grant have no printable form."""
    assert "canary" not in repr(secrets)
    assert "canary" not in f"{secrets}"
