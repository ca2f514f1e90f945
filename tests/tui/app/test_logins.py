"""A login that is still good is named before another one begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from authlens_core.credentials.vault.open_store import OpenedStore
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from support.grants import grant, keep
from support.screens import press, text_of, until
from tui.app.test_app import stores


@pytest.mark.parametrize(("key", "shown"), [("y", WizardScreen), ("n", DashboardScreen)])
async def test_a_login_that_is_still_good_is_named_before_another_one(
    monkeypatch: pytest.MonkeyPatch, key: str, shown: type
) -> None:
    stores(monkeypatch, [OpenedStore.in_memory()])
    app = AuthlensApp(environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        assert app.session is not None
        good = replace(grant(), expires_at=datetime.now(UTC) + timedelta(minutes=9, seconds=30))
        await keep(app.session.credentials, good)
        assert app.controller is not None
        app.controller.logins.offer(app.session, good.resource_url)
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "Already logged in" in text_of(app)
        assert "expires in 9 min" in text_of(app)
        await press(pilot, key, then=shown)
