"""Opening the stored credentials: a store that is open is closed where its records cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from authlens_core.credentials.vault.open_store import OpenedStore
from authlens_core.values.errors import StateUnusable
from authlens_tui.app.controller import open_session
from authlens_tui.app.workspace import Workspace
from authlens_tui.screens.store_choice import StoreChoice, StoreChoiceScreen
from tui.watched_store import WatchedStore


class Persistent(WatchedStore):
    """Its index is a file, as that of a keyring is."""

    persistent = True


class Opened(Workspace):
    """Its store is open at once."""

    def __init__(self, store: Persistent) -> None:
        super().__init__()
        self.store = store

    async def open_store(self, choice: StoreChoice | None) -> OpenedStore:
        return OpenedStore(self.store, ())


async def _ask(_: StoreChoiceScreen) -> StoreChoice | None:
    return None


@pytest.mark.parametrize("broken", ["directory", "records"])
async def test_records_that_cannot_be_used_leave_no_store_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("AUTHLENS_HOME", str(home))
    workspace = Opened(Persistent())
    if broken == "directory":
        home.chmod(0o777)
    else:
        (home / "index.sqlite3").write_text("no database" * 100)
    with pytest.raises(StateUnusable):
        await open_session(workspace, _ask, lambda _: None, None)
    assert workspace.store.closed
