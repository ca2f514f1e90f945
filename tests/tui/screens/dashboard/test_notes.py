"""Notes cover nothing that a person has to read: no toast on the link, the ssh line or the QR code."""

from functools import partial

import pytest

from authlens_core.credentials.store.secret_store import MemoryStore
from authlens_core.credentials.vault import open_store as store_module
from authlens_core.credentials.vault.open_store import OpenedStore
from authlens_core.values.store_kind import StoreKind
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.demo import DemoWorkspace
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.wizard.link import QrScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from support.screens import press, text_of, until, wizard_on

NOTE = "A note of some words."
URL = "https://wiki.example.com/"


class Lasting(MemoryStore):
    """A store whose index is kept in a file."""

    persistent = True
    place: StoreKind = StoreKind.KEYRING


async def test_on_a_narrow_screen_a_note_stands_in_the_line_under_the_link() -> None:
    """Nothing takes a row from the link."""
    async with wizard_on(size=(80, 24)) as (wizard, pilot, app):
        await press(pilot, "a", then=lambda: wizard.login.wait.waiting and wizard.pane.panel.has_focus)
        rows = wizard.pane.panel.size.height + wizard.status.size.height
        app.notify(NOTE, markup=False)
        await until(pilot, lambda: NOTE in str(wizard.status.content))
        assert len(app._notifications) == 0
        assert wizard.pane.panel.size.height + wizard.status.size.height == rows


async def test_on_a_narrow_screen_a_note_stands_above_what_leads_on() -> None:
    """The keys stay; a second note takes the place of the first."""
    async with wizard_on(size=(80, 24)) as (wizard, pilot, app):
        app.notify("Another one.", title="Before", markup=False)
        await until(pilot, lambda: "Before: Another one." in text_of(app))
        app.notify(NOTE, markup=False)
        await until(pilot, lambda: NOTE in text_of(app))
        said = str(wizard.status.content)
        assert "Another one." not in said
        assert "Next: 1 Detection" in said
        assert len(app._notifications) == 0


async def test_where_there_is_room_a_note_is_a_toast() -> None:
    """From 100 columns on."""
    async with wizard_on(size=(120, 40)) as (wizard, pilot, app):
        app.notify(NOTE, markup=False)
        await until(pilot, lambda: len(app._notifications) == 1)
        assert NOTE not in str(wizard.status.content)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_nothing_lies_over_the_qr_code(size: tuple[int, int]) -> None:
    """Toasts go when it opens; on a narrow screen none comes, and the note waits beneath."""
    async with wizard_on(size=size) as (wizard, pilot, app):
        await press(pilot, "a", then=lambda: wizard.login.wait.waiting and wizard.pane.panel.has_focus)
        app.notify("Before.", markup=False)
        await until(pilot, lambda: len(app._notifications) == (1 if size[0] >= 100 else 0))
        await press(pilot, "k", then=QrScreen)
        assert len(app._notifications) == 0
        app.notify(NOTE, markup=False)
        if size[0] < 100:
            await until(pilot, lambda: NOTE in str(wizard.status.content))
            assert len(app._notifications) == 0


async def test_when_the_link_comes_the_toasts_go() -> None:
    """Whatever was said before, the link is read now."""
    app = AuthlensApp(workspace=DemoWorkspace(port=0), environ={})
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WizardScreen))
        wizard = app.screen
        assert isinstance(wizard, WizardScreen)
        app.notify(NOTE, timeout=600, markup=False)
        await until(pilot, lambda: len(app._notifications) == 1)
        await press(pilot, "a", then=lambda: wizard.pane.panel.has_focus)
        assert NOTE not in [one.message for one in app._notifications]


async def test_where_secrets_are_kept_is_told_when_it_has_changed_and_not_at_each_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same note a second time helps nobody."""
    use(monkeypatch, OpenedStore(Lasting(), (NOTE,)))
    told = []
    for _ in range(2):
        app = AuthlensApp(environ={})
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, partial(_has_begun, app))
            told.append([one.message for one in app._notifications])
    assert told == [[f"{NOTE} On the dashboard, M moves all secrets to another store."], []]


def _has_begun(app: AuthlensApp) -> bool:
    begins = any(worker.group == "begin" for worker in app.workers)
    return app.controller is not None and isinstance(app.screen, DashboardScreen) and not begins


def use(monkeypatch: pytest.MonkeyPatch, opened: OpenedStore) -> None:
    """Let this be the place for secrets."""

    async def open_store(*_store: object, **_options: object) -> OpenedStore:
        return opened

    monkeypatch.setattr(store_module, "open_store", open_store)
