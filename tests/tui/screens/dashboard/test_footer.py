"""The footer of the dashboard: what is used most is there at 80 columns, too."""

from __future__ import annotations

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.session import Session
from authlens_core.wire.client import Wire
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from support.grants import NOW, grant, keep
from support.screens import run_screen, text_of


async def test_copying_and_revealing_the_token_are_in_the_footer_at_80_columns() -> None:
    async with Session(Wire(), Credentials.memory()) as session:
        await keep(session.credentials, grant("a"))
        async with run_screen(DashboardScreen(session, now=lambda: NOW), size=(80, 24)) as (app, _):
            footer = text_of(app).splitlines()[-1]
            assert "c Copy token" in footer
            assert "x Reveal" in footer
            assert "v Revoke" in footer
            assert "? Help" in footer
