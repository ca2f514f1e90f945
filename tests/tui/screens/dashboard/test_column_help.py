"""The help and the footer of the dashboard: what is there, and what is used most at 80 columns."""

import pytest

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.session import Session
from authlens_core.wire.client import Wire
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.dashboard.words import column_help
from authlens_tui.screens.help import HelpScreen
from authlens_tui.terminal.measured import Static
from support.grants import NOW, grant, keep
from support.screens import press, run_screen, text_of


def test_a_column_without_room_is_named_but_not_described() -> None:
    words = column_help(["life"], ["life", "proven"])
    assert "Expires is how long the token is valid." in words
    assert "Verified is" not in words
    assert "A wider terminal also shows Verified." in words


@pytest.mark.parametrize(("width", "described"), [(80, False), (200, True)])
async def test_the_help_follows_the_width(width: int, described: bool) -> None:
    async with Session(Wire(), Credentials.memory()) as session:
        await keep(session.credentials, grant("a"))
        async with run_screen(DashboardScreen(session, now=lambda: NOW), size=(width, 40)) as (app, pilot):
            await press(pilot, "question_mark", then=HelpScreen)
            shown = str(app.screen.query_one("#help-words", Static).content)
            assert "Expires is how long the token is valid" in shown
            assert ("Verified is when the resource last accepted it" in shown) is described


async def test_the_palette_says_what_it_searches_and_what_it_does_not_find() -> None:
    async with Session(Wire(), Credentials.memory()) as session:
        await keep(session.credentials, grant("a"))
        async with run_screen(DashboardScreen(session, now=lambda: NOW)) as (_, pilot):
            await press(pilot, "ctrl+p", then="Search actions and credentials")
            await press(pilot, *"qqzz", then="No matches found")


async def test_g_leads_from_the_help_to_the_words_at_80_columns() -> None:
    async with Session(Wire(), Credentials.memory()) as session:
        await keep(session.credentials, grant("a"))
        async with run_screen(DashboardScreen(session, now=lambda: NOW), size=(80, 24)) as (app, pilot):
            await press(pilot, "question_mark", then=HelpScreen)
            assert "authorization server" not in text_of(app)
            await press(pilot, "tab", then="Scheme, host and port of a URL")


async def test_copying_and_revealing_the_token_are_in_the_footer_at_80_columns() -> None:
    async with Session(Wire(), Credentials.memory()) as session:
        await keep(session.credentials, grant("a"))
        async with run_screen(DashboardScreen(session, now=lambda: NOW), size=(80, 24)) as (app, _):
            footer = text_of(app).splitlines()[-1]
            assert "c Copy token" in footer
            assert "x Reveal" in footer
            assert "v Revoke" in footer
            assert "? Help" in footer
