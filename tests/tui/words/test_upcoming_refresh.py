"""The next automatic refresh of a grant, as a value and in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from authlens_core.credentials.records.grant import Grant, GrantState
from authlens_core.values.settings import Settings
from authlens_tui.words.upcoming_refresh import NextRefresh, UpcomingRefresh, upcoming_refresh
from support.grants import NOW, grant

LIVE = replace(
    grant(), has_refresh_token=True, refreshed_at=NOW, expires_at=NOW + timedelta(hours=1), retry_at=None
)


@pytest.mark.parametrize(
    ("changed", "seconds", "expected"),
    [
        ({}, 60, NextRefresh.LATER),
        ({}, 3_500, NextRefresh.DUE),
        ({"retry_at": NOW + timedelta(seconds=100)}, 60, NextRefresh.RETRY),
        ({"has_refresh_token": False}, 60, NextRefresh.NOTHING),
        ({"expires_at": None}, 60, NextRefresh.NOTHING),
        ({"state": GrantState.LOGIN_NEEDED}, 60, NextRefresh.NOTHING),
    ],
)
def test_the_state_of_the_grant_decides(
    changed: dict[str, object], seconds: int, expected: NextRefresh
) -> None:
    changed_grant: Grant = replace(LIVE, **changed)  # type: ignore[arg-type]
    now = NOW + timedelta(seconds=seconds)
    assert upcoming_refresh(changed_grant, now, Settings()).next is expected


def test_a_setting_turns_it_off() -> None:
    settings = replace(Settings(), background_refresh=False)
    assert upcoming_refresh(LIVE, NOW, settings).next is NextRefresh.TURNED_OFF


def test_trouble_blocks_it() -> None:
    assert upcoming_refresh(LIVE, NOW, Settings(), "The store is locked.").next is NextRefresh.BLOCKED


@pytest.mark.parametrize("kind", NextRefresh)
def test_each_kind_has_a_cell_and_a_sentence_that_fits_it(kind: NextRefresh) -> None:
    words = UpcomingRefresh(kind, 40.0)
    assert (
        words.cell
        == {
            NextRefresh.NOTHING: "",
            NextRefresh.TURNED_OFF: "off",
            NextRefresh.RETRY: "try in 40 s",
            NextRefresh.BLOCKED: "see detail",
            NextRefresh.LATER: "in 40 s",
            NextRefresh.DUE: "is due",
        }[kind]
    )
    assert words.sentence in {"", "automatic refresh is off, press r"} or words.cell in words.sentence
