"""The dashboard: what is kept, how it stands, and what a key does to the credential under the cursor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from authlens_core.credentials.grants import Credentials
from authlens_core.credentials.holdings import Holding
from authlens_core.credentials.model import Grant, describe
from authlens_core.emulator.emulator import Emulator
from authlens_core.emulator.person import play_person
from authlens_core.login.events import AuthorizationReady
from authlens_core.login.facts import Options
from authlens_core.session import Session
from authlens_core.wire.client import Wire
from authlens_tui.screens.confirm import ConfirmScreen
from authlens_tui.screens.dashboard import DashboardScreen
from authlens_tui.screens.new_login import NewLoginScreen
from authlens_tui.widgets.credential_row import GAP, RowText, columns_for
from support.grants import NOW, every_state, grant, keep
from support.screens import Host, footer_keys, run_screen, text_of, until


@asynccontextmanager
async def dashboard(
    *grants: Grant, size: tuple[int, int] = (120, 40), now: datetime = NOW
) -> AsyncIterator[tuple[DashboardScreen, Pilot[int], Host]]:
    """Show the dashboard with `grants` at a moment that stands still."""
    async with Session(Wire(), Credentials.memory()) as session:
        await keep(session.credentials, *grants)
        screen = DashboardScreen(session, now=lambda: now)
        async with run_screen(screen, size=size) as (app, pilot):
            yield screen, pilot, app


@asynccontextmanager
async def earned(
    *faults: str, lifetime: int = 3600
) -> AsyncIterator[tuple[DashboardScreen, Pilot[int], Host]]:
    """Show the dashboard with a credential that was earned at the emulator."""
    async with (
        Emulator(faults=faults, access_token_lifetime=lifetime) as emulator,
        Session(Wire(), Credentials.memory()) as session,
    ):
        login = session.login(emulator.resource_url, Options(port=0))
        links: list[str] = []
        login.watch(lambda event: links.append(event.url) if isinstance(event, AuthorizationReady) else None)
        running = asyncio.create_task(login.run_all())
        async with asyncio.timeout(10):
            while not links:
                await asyncio.sleep(0.01)
            await play_person(links[0])
            await running
        assert login.finished
        async with run_screen(DashboardScreen(session)) as (app, pilot):
            screen = app.screen
            assert isinstance(screen, DashboardScreen)
            yield screen, pilot, app


def said(screen: DashboardScreen) -> str:
    """Return the line under the table."""
    return str(screen.result.content)


async def settled(screen: DashboardScreen, pilot: Pilot[int]) -> None:
    """Wait until nothing is under way."""
    await until(pilot, lambda: not screen._busy and said(screen)[:1] in "✔✖" and bool(said(screen)))


# -- what is shown ---------------------------------------------------------------------------------------


async def test_every_state_is_told_by_a_symbol_and_in_words() -> None:
    """Never by colour alone: each row has both, and no two states read the same."""
    async with dashboard(*every_state()) as (_, _, app):
        shown = text_of(app)
        told = {f"{one.symbol} {one.word}" for one in (describe(each, NOW) for each in every_state())}
        assert len(told) == len(every_state())
        assert [one for one in told if one not in shown] == []


async def test_a_tick_makes_only_the_rows_in_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """H143: what a second costs does not depend on how many credentials there are."""
    async with Session(Wire(), Credentials.memory()) as session:
        for number in range(500):
            session.credentials.index.switch(replace(grant(f"host-{number}"), generation=1), 1)
        screen = DashboardScreen(session, now=lambda: NOW)
        async with run_screen(screen):
            made: list[str] = []
            original = screen.table._make

            def make(holding: Holding) -> RowText:
                made.append(holding.holding_id)
                return original(holding)

            monkeypatch.setattr(screen.table, "_make", make)
            screen.show_now()
            assert 0 < len(made) <= screen.size.height


async def test_a_row_is_drawn_anew_when_its_text_has_changed() -> None:
    """A second later nothing has changed; forty minutes later the countdown has."""
    async with dashboard(grant("a", minutes=90)) as (screen, pilot, app):
        assert "1 h 30 min" in text_of(app)
        screen._now = lambda: NOW + timedelta(minutes=40)
        screen.show_now()
        await pilot.pause()
        assert "50 min" in text_of(app)


@pytest.mark.parametrize("width", [20, 40, 80, 99, 100, 120, 200])
def test_the_columns_fill_the_width_and_the_resource_gives_way_last(width: int) -> None:
    """State, token and resource are always there; more where there is room."""
    columns = {column.key: column for column in columns_for(width)}
    assert {"state", "token", "resource"} <= columns.keys()
    assert ("kind" in columns) is (width >= 60)
    assert ("team" in columns) is (width >= 144)
    if width >= 60:
        assert sum(column.width + GAP for column in columns.values()) - GAP == width


async def test_a_credential_that_another_process_removed_disappears() -> None:
    """The table follows the index; the cursor stands on what is left."""
    async with dashboard(grant("a"), grant("b")) as (screen, pilot, app):
        screen._session.credentials.index.remove("id-a")
        screen.show_now()
        await pilot.pause()
        assert len(screen.table.rows) == 1
        assert screen.selected is not None
        assert screen.selected.holding_id == "id-b"
        assert "a.example.com" not in text_of(app).replace("b.example.com", "")


async def test_a_damaged_record_is_mentioned_and_the_others_can_be_used() -> None:
    """H143: it is set apart, never shown raw."""
    async with dashboard(grant("a"), grant("b")) as (screen, pilot, app):
        with screen._session.credentials.index.writing() as connection:
            connection.execute("UPDATE grants SET record = '{raw' WHERE grant_id = 'id-a'")
        screen.show_now()
        await pilot.pause()
        assert "! 1 record cannot be read" in text_of(app)
        assert "{raw" not in text_of(app)
        assert len(screen.table.rows) == 1


async def test_an_empty_dashboard_says_how_to_begin() -> None:
    """No table of nothing: the one key that matters, and only keys that do something."""
    async with dashboard() as (_, _, app):
        assert "No credentials on this machine yet." in text_of(app)
        assert "n" in footer_keys(app)
        assert not {"r", "p", "v", "f", "l"} & footer_keys(app)


@pytest.mark.parametrize("size", [(200, 60), (80, 24), (40, 12), (20, 5), (1, 1)])
async def test_every_size_works(size: tuple[int, int]) -> None:
    """Design §5: nothing crashes, and where there is room the state and the resource are seen."""
    async with dashboard(*every_state(), size=size) as (_, pilot, app):
        await pilot.resize_terminal(120, 40)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        if size[0] >= 40:
            assert "● live" in text_of(app)


# -- what can be done ------------------------------------------------------------------------------------


async def test_refresh_probe_and_inspect_at_the_emulator() -> None:
    """Each action ends in a sentence, and what was sent can be looked at."""
    async with earned() as (screen, pilot, app):
        await pilot.press("r")
        await settled(screen, pilot)
        assert said(screen).startswith("✔")
        await pilot.press("p")
        await until(pilot, lambda: not screen._busy and "asking" not in said(screen).lower())
        assert said(screen).startswith("✔")
        await pilot.press("i")
        await until(pilot, lambda: app.wanted == ["probe"])


async def test_revoke_asks_first_and_no_is_the_default() -> None:
    """Enter changes nothing; y ends it at the server, with proof, and removes it here."""
    async with earned() as (screen, pilot, app):
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert isinstance(app.focused, Button)
        assert app.focused.id == "no"
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        assert len(screen.table.rows) == 1
        assert not screen._busy
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: len(screen.table.rows) == 0 and not screen._busy)
        assert said(screen).startswith("✔")


async def test_a_revocation_that_the_server_did_not_confirm_is_not_called_one() -> None:
    """P7: revoked means that the server said so; the credential stays."""
    async with earned("revocation-unavailable") as (screen, pilot, app):
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await settled(screen, pilot)
        assert said(screen).startswith("✖")
        assert len(screen.table.rows) == 1
        assert "revocation failed" in text_of(app)


async def test_forget_says_that_the_tokens_live_on() -> None:
    """Forgetting is not revoking, and both the question and the answer say so."""
    async with earned() as (screen, pilot, app):
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "The server is not told" in text_of(app)
        await pilot.press("y")
        await until(pilot, lambda: len(screen.table.rows) == 0 and not screen._busy)
        assert "stay valid at the server" in said(screen)


async def test_two_actions_on_one_credential_at_once_are_refused() -> None:
    """A refresh token is sent once: the second key finds the first at work."""
    async with earned() as (screen, pilot, _):
        screen.action_refresh()
        screen.action_refresh()
        assert "under way" in said(screen)
        await until(pilot, lambda: not screen._busy)
        events = screen._session.credentials.events(screen.shown[0].holding_id, 20)
        assert sum("refresh" in event.kind for event in events) == 1


async def test_a_key_pressed_twice_opens_one_question() -> None:
    """Two presses before the window is there: one window, one answer."""
    async with dashboard(grant("a")) as (screen, pilot, app):
        screen.action_revoke()
        screen.action_revoke()
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is screen)


async def test_yes_acts_on_the_credential_that_was_asked_about() -> None:
    """While the question stands another process removes a row: the answer does not slip to the next one."""
    async with dashboard(grant("a"), grant("b")) as (screen, pilot, app):
        asked = screen.selected
        assert asked is not None
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        screen._session.credentials.index.remove(asked.holding_id)
        screen.show_now()
        await pilot.press("y")
        await until(pilot, lambda: app.screen is screen and not screen._busy)
        assert len(screen.table.rows) == 1


# -- a new login -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["", "http://example.com/", "https://user:pw@example.com/", "ftp://example.com", "https://"]
)
async def test_a_new_login_lets_only_a_usable_address_through(typed: str) -> None:
    """What is wrong is said at once, and the field stays."""
    screen = NewLoginScreen(typed)
    async with run_screen(screen) as (app, pilot):
        await pilot.press("enter")
        await until(pilot, lambda: "That cannot be used" in text_of(app))
        assert app.screen is screen
        assert "pw@" not in text_of(app).replace(typed, "")


async def test_a_new_login_adds_https_and_esc_leaves() -> None:
    """A bare host name means https; Esc starts nothing."""
    async with dashboard() as (screen, pilot, app):
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NewLoginScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert app.wanted == []
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NewLoginScreen))
        await pilot.press(*"wiki.example.com", "enter")
        await until(pilot, lambda: bool(app.wanted))
        assert app.wanted[0].startswith("https://wiki.example.com")
