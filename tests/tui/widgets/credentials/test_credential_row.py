"""A credential as a row, its next refresh in words, and the next 24 hours as a strip."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.inventory import inventory_of
from authlens_core.credentials.records.grant import Grant, GrantState
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.desk.credentials import Expiries
from authlens_core.values.settings import COLUMN_KEYS, Settings
from authlens_tui.widgets.credentials.credential_pane import detail_items
from authlens_tui.widgets.credentials.credential_row import BAR, EXPIRY, columns_for, row_of, upcoming_refresh
from authlens_tui.widgets.credentials.expiry_strip import strip_words
from support.grants import NOW, grant


def test_a_row_has_something_to_show_in_every_column() -> None:
    (entry,) = inventory_of((grant("wiki"),))
    assert set(COLUMN_KEYS) <= set(row_of(entry, NOW, Settings(), {}).cells)


def test_the_first_column_has_room_for_the_bar_and_the_longest_span() -> None:
    widths = {column.key: column.width for column in columns_for(200)}
    assert widths["life"] == BAR + len(" 59 min 59 s")


@pytest.mark.parametrize(
    ("minutes", "tone"), [(-1, "bad"), (5, "warning"), (90, "good"), (60 * 24 * 90, "good")]
)
def test_the_colour_of_an_expiry_says_how_urgent_it_is(minutes: int, tone: str) -> None:
    (entry,) = inventory_of((grant("wiki", minutes=minutes, refresh=False),))
    assert row_of(entry, NOW, Settings(), {}).life_tone == tone


def test_a_service_token_that_was_never_tested_and_lasts_is_not_urgent() -> None:
    token = ServiceToken.new("https://api.example.com", "id.access", expires_at=NOW + timedelta(days=90))
    (entry,) = inventory_of((), (), (token,))
    row = row_of(entry, NOW, Settings(), {})
    assert (row.tone, row.life_tone) == ("warning", "good")


def test_the_last_probe_has_one_name_for_every_kind() -> None:
    token = ServiceToken.new("https://api.example.com", "id.access")
    probed = replace(grant("wiki"), last_tested=NOW)
    for entry in inventory_of((probed,), (), (token,)):
        names = [item.name.plain.strip() for item in detail_items(entry, NOW, Settings())]
        assert [name for name in names if name.startswith("Last ")] == ["Last probe", "Last verified"]


def test_a_service_token_has_no_login_to_show() -> None:
    token = ServiceToken.new("https://api.example.com", "id.access")
    (entry,) = inventory_of((), (), (token,))
    assert row_of(entry, NOW, Settings(), {}).cells["login"] == ""


@pytest.mark.parametrize("state", [7, 13])
def test_on_a_narrow_table_digits_and_addresses_come_before_decoration(state: int) -> None:
    widths = {column.key: column.width for column in columns_for(56, state)}
    assert widths["life"] == EXPIRY
    assert widths["resource"] >= 28
    assert "kind" not in widths


LIVE = replace(
    grant(), has_refresh_token=True, refreshed_at=NOW, expires_at=NOW + timedelta(hours=1), retry_at=None
)


@pytest.mark.parametrize(
    ("changed", "seconds", "cell", "sentence"),
    [
        ({}, 60, "in 47 min", "refresh in 47 min"),
        ({}, 3_500, "is due", "refresh is due"),
        ({"retry_at": NOW + timedelta(seconds=100)}, 60, "try in 40 s", "next try in 40 s"),
        ({"has_refresh_token": False}, 60, "", ""),
        ({"expires_at": None}, 60, "", ""),
        ({"state": GrantState.LOGIN_NEEDED}, 60, "", ""),
    ],
)
def test_the_state_of_the_grant_decides(
    changed: dict[str, object], seconds: int, cell: str, sentence: str
) -> None:
    changed_grant: Grant = replace(LIVE, **changed)
    now = NOW + timedelta(seconds=seconds)
    assert upcoming_refresh(changed_grant, now, Settings()) == (cell, sentence)


def test_a_setting_turns_it_off() -> None:
    settings = replace(Settings(), background_refresh=False)
    assert upcoming_refresh(LIVE, NOW, settings) == ("off", "automatic refresh is off, press r")


def test_trouble_blocks_it_and_the_detail_says_why() -> None:
    assert upcoming_refresh(LIVE, NOW, Settings(), "The store is locked.") == ("see detail", "")


COMING = Expiries(
    coming=(
        ("git.acme.example/mcp", NOW + timedelta(minutes=5)),
        ("wiki.acme.example", NOW + timedelta(minutes=20)),
        ("api.acme.example", NOW + timedelta(hours=12)),
        ("127.0.0.1:8419/mcp", NOW + timedelta(hours=13)),
        ("http://grafana.localhost:8419", NOW + timedelta(hours=20)),
    )
)


@pytest.mark.parametrize("width", [40, 78, 200])
def test_a_mark_is_where_its_time_is_and_its_name_below_it(width: int) -> None:
    axis, names = strip_words(COMING, NOW, width).plain.split("\n")
    assert len(axis) == width
    assert [axis[names.index(name)] for name in ("git", "api", "grafana")] == ["●", "●", "●"]
    assert abs(names.index("api") - width / 2) <= 1


@pytest.mark.parametrize("width", range(12))
def test_a_strip_needs_no_room(width: int) -> None:
    assert all(len(row) <= max(width, 0) for row in strip_words(COMING, NOW, width).plain.split("\n"))
