"""The top of the table is the same, read alone or with all the rest."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.credentials.inventory.first_look import first_look, parse_aside
from authlens_core.credentials.inventory.inventory import SortOrder, arranged, inventory_of
from authlens_core.credentials.records.grant import Grant, GrantState, TokenVerdict
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.parsed_logins import ParsedLogins
from authlens_core.credentials.records.record_json import record_from_json
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.records.table import SERVICE_TOKENS, all_service_tokens
from support.grants import NOW, grant

LIMIT = 3


@pytest.fixture
def index() -> Iterator[Index]:
    """Return an empty index."""
    opened = Index(None)
    yield opened
    opened.close()


def spans(least: int, most: int) -> st.SearchStrategy[timedelta]:
    """Draw a span of whole seconds: SQLite knows a moment to the millisecond."""
    return st.integers(least, most).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    """Draw a login in any state, near the moments at which its status changes."""
    refreshed = NOW - draw(spans(0, 400))
    life = draw(st.none() | spans(0, 800))
    return replace(
        grant(f"host-{draw(st.integers(0, 9_999))}"),
        resource_url=draw(
            st.sampled_from(["https://a.example/", "https://b.example/mcp", "http://c.example"])
        ),
        obtained_at=NOW - draw(spans(0, 3)),
        refreshed_at=refreshed,
        expires_at=None if life is None else refreshed + life,
        has_refresh_token=draw(st.booleans()),
        state=draw(st.sampled_from(GrantState)),
        last_verdict=draw(st.sampled_from(TokenVerdict)),
    )


def top(index: Index, now: datetime, limit: int) -> list[str]:
    """Return the ids of the first rows of the whole table."""
    rows = arranged(inventory_of(index.grants()[0], (), all_service_tokens(index)[0]), SortOrder.NEEDS, now)
    return [row.entry_id for row in rows[:limit] if not hasattr(row, "size")]


@given(st.lists(grants(), min_size=LIMIT + 1, max_size=12, unique_by=lambda one: one.grant_id))
def test_the_first_look_is_the_top_of_the_whole_table(logins: list[Grant]) -> None:
    """Whatever their states and clocks."""
    index = Index(None)
    try:
        for login in logins:
            index.switch(replace(login, generation=1), 1)
        found = first_look(index, NOW, LIMIT)
        assert found is not None
        assert [one.entry_id for one in found.entries] == top(index, NOW, LIMIT)
        assert found.more == len(logins) - LIMIT
    finally:
        index.close()


def test_a_service_token_has_its_place_in_the_first_look(index: Index) -> None:
    """The logins are chosen by the index, and it is sorted among them."""
    for number in range(LIMIT + 1):
        index.switch(replace(grant(f"host-{number}"), generation=1), 1)
    token = ServiceToken("token", "https://a.example", "client", NOW, expires_at=NOW - timedelta(days=1))
    SERVICE_TOKENS.put(index, token.token_id, replace(token, generation=1), 1)
    found = first_look(index, NOW, LIMIT)
    assert found is not None
    assert [one.entry_id for one in found.entries] == top(index, NOW, LIMIT)
    assert found.entries[0].entry_id == "token"


def test_few_credentials_are_read_at_once(index: Index) -> None:
    """There is nothing to gain."""
    index.switch(replace(grant("host"), generation=1), 1)
    assert first_look(index, NOW, 1) is None


@pytest.mark.parametrize("record", ["{", "{}"])
def test_a_damaged_record_is_left_to_a_reader_of_them_all(tmp_path: Path, record: str) -> None:
    """That says which one it is."""
    index = Index(tmp_path / "index.sqlite3")
    try:
        for number in range(LIMIT + 1):
            index.switch(replace(grant(f"host-{number}"), generation=1), 1)
        with sqlite3.connect(tmp_path / "index.sqlite3") as other:
            other.execute("UPDATE grants SET record = ? WHERE grant_id = 'id-host-0'", (record,))
        other.close()
        found = first_look(index, NOW, LIMIT)
        assert found is None or "id-host-0" not in {one.entry_id for one in found.entries}
    finally:
        index.close()


async def test_what_was_parsed_aside_is_the_answer_until_someone_writes(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.sqlite3")
    try:
        index.switch(replace(grant("one"), generation=1), 1)
        await parse_aside(index)
        index.switch(replace(grant("two"), generation=1), 1)
        assert len(index.grants()[0]) == 2
    finally:
        index.close()


async def test_two_who_need_every_login_at_once_have_each_parsed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dashboard and the opening of the store, and then a reader on the screen's thread."""
    parsed = Mock(side_effect=record_from_json)
    monkeypatch.setattr(f"{ParsedLogins.__module__}.record_from_json", parsed)
    index = Index(tmp_path / "index.sqlite3")
    try:
        index.switch(replace(grant("one"), generation=1), 1)
        await asyncio.gather(parse_aside(index), parse_aside(index))
        assert [one.grant_id for one in index.grants()[0]] == ["id-one"]
        assert parsed.call_count == 1
    finally:
        index.close()
