"""A small terminal has rows to read: what surrounds the document leaves it fourteen of twenty-four."""

from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from textual.pilot import Pilot

from authlens_core.login.login import Login
from authlens_tui.screens.wizard.wizard import WizardScreen
from authlens_tui.widgets.record.record_lines import Tab
from support.screens import Host, press, raw_segments, scripted, until, wizard_on
from support.scripted_login import come_back, reply
from tui.screens.test_snapshots_wizard import to_the_tampered_record

LEAST: Final = 14
SAID: Final = {"error": "invalid_client_metadata", "error_description": "redirect_uri is not allowed " * 9}
REFUSED: Final = reply(400, SAID, ("CF-Ray", "8f1d2c3b4a5e6f70-VIE"))
WRONG: Final = reply(400, {"error": "invalid_grant", "error_description": "The code verifier is wrong."})
Walk = Callable[[Pilot[int]], Awaitable[None]]


def honest_login() -> Login:
    return watched(scripted()[0])


def failing_login() -> Login:
    return scripted(register=REFUSED)[0]


def attacked_login() -> Login:
    return watched(scripted(token=WRONG)[0])


def watched(login: Login) -> Login:
    login.watch(come_back(login))
    return login


async def one_stage(pilot: Pilot[int]) -> None:
    login = wizard_of(pilot).login
    await press(pilot, "n", then=lambda: bool(login.trace.records) and login.running is None)


async def all_stages(pilot: Pilot[int]) -> None:
    login = wizard_of(pilot).login
    await press(pilot, "a", then=lambda: login.finished or wizard_of(pilot).runner.failed is not None)


def wizard_of(pilot: Pilot[int]) -> WizardScreen:
    return next(one for one in pilot.app.screen_stack if isinstance(one, WizardScreen))


def rows_to_read(app: Host) -> int:
    rows = ("".join(one.text for one in row) for row in raw_segments(app))
    return sum(row[:1] in ("│", "┃") for row in rows)


@pytest.mark.parametrize(
    ("made", "walk"),
    [
        (honest_login, one_stage),
        (honest_login, all_stages),
        (failing_login, all_stages),
        (attacked_login, to_the_tampered_record),
    ],
    ids=["under way", "authenticated", "failed", "attack refused"],
)
async def test_every_tab_has_rows_to_read(made: Callable[[], Login], walk: Walk) -> None:
    """Whatever the status says."""
    async with wizard_on(made(), size=(80, 24)) as (wizard, pilot, app):
        await walk(pilot)
        found = {}
        for number, tab in enumerate(Tab, 1):
            await pilot.press(f"{number}")
            await until(pilot, lambda tab=tab: wizard.record_view.tab is tab)  # type: ignore[misc]
            found[tab.value] = rows_to_read(app)
        assert {tab: rows for tab, rows in found.items() if rows < LEAST} == {}


async def test_another_tab_names_the_one_with_cause_and_fix() -> None:
    """What a failure means is one key away."""
    async with wizard_on(failing_login(), size=(80, 24)) as (wizard, pilot, _):
        await all_stages(pilot)
        await press(pilot, "3", then=lambda: wizard.record_view.tab is Tab.RESPONSE)
        assert "1 shows cause and fix" in str(wizard.status.content)
        await press(pilot, "1", then=lambda: "Cause and fix are above" in str(wizard.status.content))
