"""Opening the stored credentials: a store that is open is closed where its records cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from authlens_core.credentials.store.secret_store import MemoryStore
from authlens_core.credentials.vault.open_store import OpenedStore
from authlens_core.state.paths import StateUnusable
from authlens_tui.app.opening import open_credentials
from authlens_tui.app.workspace import Workspace
from authlens_tui.screens.store_choice import StoreChoice, StoreChoiceScreen


class Watched(MemoryStore):
    """Says whether it was closed, as a keyring's helper must be."""

    persistent = True
    closed = False

    async def aclose(self) -> None:
        self.closed = True


class Opened(Workspace):
    """Its store is open at once."""

    def __init__(self, store: Watched) -> None:
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
    workspace = Opened(Watched())
    if broken == "directory":
        home.chmod(0o777)
    else:
        (home / "index.sqlite3").write_text("no database" * 100)
    with pytest.raises(StateUnusable):
        await open_credentials(workspace, _ask, None)
    assert workspace.store.closed
