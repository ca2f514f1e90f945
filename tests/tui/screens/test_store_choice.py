"""The choice of a place for secrets: a passphrase typed twice, a plain file asked for twice, remembered."""

import stat
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.store.secret_store import NoKeyring
from authlens_core.credentials.vault import open_store as core
from authlens_core.credentials.vault import open_store as store_module
from authlens_core.credentials.vault.open_store import OpenedStore, file_path, remembered_place
from authlens_core.values.errors import NoSecretStore
from authlens_core.values.store_kind import StoreKind
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.store_choice import StoreChoiceScreen
from support.screens import press, text_of, until

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be no keyring; everything else is real."""
    real = core.open_store

    async def open_store(store: KeyringStore, **options: Any) -> OpenedStore:
        if store.place is StoreKind.KEYRING:
            raise NoSecretStore("There is no keyring here.", "Start gnome-keyring.")
        return await real(store, **options)

    monkeypatch.setattr(store_module, "open_store", open_store)


async def _asked(pilot: Pilot[int], app: AuthlensApp) -> None:
    await until(pilot, lambda: isinstance(app.screen, StoreChoiceScreen) and bool(app.screen.query("#words")))


async def _type(pilot: Pilot[int], app: AuthlensApp, *lines: str) -> None:
    for line in lines:
        focused = app.focused
        assert isinstance(focused, Input)
        focused.value = line
        await pilot.press("enter")


async def _on_dashboard(pilot: Pilot[int], app: AuthlensApp) -> None:
    await until(pilot, lambda: isinstance(app.screen, DashboardScreen))


async def test_the_choices_are_counted_from_one_and_each_is_offered_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command that moves secrets to an encrypted file is one of the choices here."""
    monkeypatch.setattr(store_module, "open_store", AsyncMock(side_effect=NoKeyring("none is running")))
    app = AuthlensApp(environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await _asked(pilot, app)
        shown = text_of(app)
        for choice in ("1  Encrypted file", "2  Plain file", "3  Memory only"):
            assert shown.count(choice) == 1
        assert "authlens store" not in shown
        await pilot.press("3")
        await _on_dashboard(pilot, app)


async def test_an_encrypted_file_is_made_once_and_asks_for_its_passphrase_from_then_on() -> None:
    """Typed twice the first time; remembered; a wrong one is said and asked for again."""
    app = AuthlensApp(environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await _asked(pilot, app)
        await pilot.press("1")
        await _type(pilot, app, "short")
        await until(pilot, lambda: "At least 8 characters." in text_of(app))
        await _type(pilot, app, PASSPHRASE, "something else")
        await until(pilot, lambda: "passphrases differ" in text_of(app))
        assert PASSPHRASE not in text_of(app)
        await _type(pilot, app, PASSPHRASE)
        await _on_dashboard(pilot, app)
    assert remembered_place() is StoreKind.ENCRYPTED_FILE
    app = AuthlensApp(environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await _asked(pilot, app)
        await until(pilot, lambda: "is locked" in text_of(app))
        await _type(pilot, app, "another passphrase")
        await until(pilot, lambda: "Wrong passphrase" in text_of(app))
        await _type(pilot, app, PASSPHRASE)
        await _on_dashboard(pilot, app)


async def test_a_plain_file_is_chosen_only_by_asking_twice() -> None:
    """After a plain warning; and then it opens by itself, with its note."""
    app = AuthlensApp(environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await _asked(pilot, app)
        await press(pilot, "2", then="Choose Plain file again")
        assert not file_path(StoreKind.FILE).exists()
        await press(pilot, "escape", then="1  Encrypted file")
        await pilot.press("2", "2")
        await _on_dashboard(pilot, app)
    path = file_path(StoreKind.FILE)
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    app = AuthlensApp(environ={})
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: "readable by you and root" in text_of(app))


async def test_the_file_with_the_passphrase_opens_the_encrypted_file_without_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on the command line: `AUTHLENS_PASSPHRASE_FILE` is for who cannot or will not type it."""
    named = tmp_path / "passphrase"
    named.write_text(f"{PASSPHRASE}\n")
    named.chmod(0o600)
    app = AuthlensApp(environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await _asked(pilot, app)
        await pilot.press("1")
        await _type(pilot, app, PASSPHRASE, PASSPHRASE)
        await _on_dashboard(pilot, app)
    monkeypatch.setenv("AUTHLENS_PASSPHRASE_FILE", str(named))
    app = AuthlensApp(environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen) and app.session is not None)
    named.write_text("another passphrase\n")
    app = AuthlensApp(environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await _asked(pilot, app)
        await until(pilot, lambda: "Wrong passphrase" in text_of(app))
        assert "Unlock the encrypted file" in text_of(app)
        await pilot.click("#passphrase")
        app.screen.query_one("#passphrase", Input).value = PASSPHRASE
        await pilot.click("#typed")
        await _on_dashboard(pilot, app)
