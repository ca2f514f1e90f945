"""The next 24 hours as a strip."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authlens_core.desk.credentials import Expiries
from authlens_tui.widgets.credentials.expiry_strip import strip_words
from support.grants import NOW

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
