"""The next automatic refresh of a grant, in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant, GrantState
from authlens_core.values.settings import Settings
from authlens_tui.widgets.credentials.credential_row import upcoming_refresh
from support.grants import NOW, grant

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
