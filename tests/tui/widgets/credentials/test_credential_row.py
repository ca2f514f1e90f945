"""A credential as a row."""

from __future__ import annotations

from authlens_core.credentials.lifecycle.inventory import inventory_of
from authlens_core.values.settings import COLUMN_KEYS, Settings
from authlens_tui.widgets.credentials.credential_row import BAR, columns_for, row_of
from support.grants import NOW, grant


def test_a_row_has_something_to_show_in_every_column() -> None:
    (entry,) = inventory_of((grant("wiki"),))
    assert set(COLUMN_KEYS) <= set(row_of(entry, NOW, Settings(), {}).cells)


def test_the_first_column_has_room_for_the_bar_and_the_longest_span() -> None:
    widths = {column.key: column.width for column in columns_for(200)}
    assert widths["life"] == BAR + len(" 59 min 59 s")
