"""H146, H147: what a server says never acts, on any screen."""

import re
from typing import Final

import pytest
from msgspec.structs import replace
from rich.segment import Segment

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.session import Session
from authlens_core.trace.record import Outcome
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Fault
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.demo import DemoWorkspace
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from support.grants import NOW, grant, keep
from support.screens import link_on, press, raw_segments, run_screen, text_of, until

FORBIDDEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
EVIL: Final = "\x1b]0;owned\x07\x9b2J[@click=app.quit]x[/] \u202eevil[/"


def acting(rows: list[list[Segment]]) -> list[str]:
    """Return the drawn texts that a terminal would obey, and the actions that a click would run."""
    found = [one.text for row in rows for one in row if FORBIDDEN.search(one.text)]
    clicks = [
        one.text
        for row in rows
        for one in row
        if one.style is not None and "@click" in one.style.meta and "quit" in str(one.style.meta["@click"])
    ]
    return found + clicks


def works_on(app: AuthlensApp, *groups: str) -> bool:
    """Say whether workers of these groups are there: between two stages the login itself has none running."""
    return any(worker.group in groups for worker in app.workers)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_hostile_server_draws_text_and_nothing_else(size: tuple[int, int]) -> None:
    """Every stage and every tab of a login at the hostile emulator, and the dashboard after it."""
    app = AuthlensApp(workspace=DemoWorkspace([Fault.HOSTILE_TEXT], port=0), environ={})
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WizardScreen))
        wizard = app.screen
        assert isinstance(wizard, WizardScreen)
        await press(pilot, "a", then=lambda: wizard.login.wait.waiting or not works_on(app, "login"))
        assert acting(raw_segments(app)) == []
        if wizard.login.wait.waiting:
            await until(pilot, lambda: bool(link_on(app)))
            await pilot.press("s")
        await until(pilot, lambda: not works_on(app, "login", "play"))
        for record in wizard.login.trace.records:
            wizard.show_stage(record.stage)
            for _ in range(4):
                wizard.record_view.action_tab(1)
                await pilot.pause()
                assert acting(raw_segments(app)) == []
        if wizard.login.trace.records[-1].outcome is Outcome.PASSED:
            await press(pilot, "d", then=DashboardScreen)
            assert acting(raw_segments(app)) == []


async def test_a_hostile_record_draws_text_in_table_and_detail() -> None:
    """What the index holds may come from a server, or from whoever could write the file."""
    evil = replace(
        grant("a"),
        resource_url=f"https://a.example/{EVIL}",
        issuer=f"https://i.example/{EVIL}",
        scope=EVIL,
        client_id=EVIL,
        note=EVIL,
    )
    async with Session(Wire(), Credentials.memory()) as session:
        await keep(session.credentials, evil)
        async with run_screen(DashboardScreen(session, now=lambda: NOW)) as (app, pilot):
            assert "[@click=app.quit]" in text_of(app)
            assert acting(raw_segments(app)) == []
            await press(pilot, "v", then=ConfirmScreen)
            assert acting(raw_segments(app)) == []


def test_the_check_would_see_it() -> None:
    """The tests above can fail."""
    assert acting([[Segment("a\x1b]0;x"), Segment("b")]]) == ["a\x1b]0;x"]
