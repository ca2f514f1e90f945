"""A credential as a row."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.inventory import inventory_of
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.values.settings import COLUMN_KEYS, Settings
from authlens_tui.widgets.credentials.credential_pane import detail_items
from authlens_tui.widgets.credentials.credential_row import BAR, EXPIRY, columns_for, row_of
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
