"""Open the stored credentials before the first screen, asking the user if the store cannot be opened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from authlens_core.credentials.inventory.first_look import parse_aside
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import OpenedStore
from authlens_core.values.errors import NoSecretStore
from authlens_tui.app.workspace import Workspace
from authlens_tui.screens.store_choice import StoreChoice, StoreChoiceScreen, choice_after

Ask = Callable[[StoreChoiceScreen], Awaitable[StoreChoice | None]]


async def open_credentials(
    workspace: Workspace, ask: Ask, index: Index | None
) -> tuple[Credentials, tuple[str, ...]] | None:
    """Return the credentials and what the user should know about their store; None to quit.

    Args:
        index: the records that the dashboard shows already, if it does.

    Raises:
        AuthlensError: the records cannot be read.
    """
    choice: StoreChoice | None = None
    while True:
        try:
            opened = await workspace.open_store(choice)
        except NoSecretStore as error:
            choice = await ask(choice_after(error))
            if choice is None:
                return None
        else:
            return await _records_of(opened, index, remember=choice is not None)


async def _records_of(
    opened: OpenedStore, index: Index | None, *, remember: bool
) -> tuple[Credentials, tuple[str, ...]]:
    credentials = await Credentials.on(opened.store, index=index)
    try:
        await parse_aside(credentials.index)  # `recover` reads every record, and the screen would wait for it
        await credentials.recover()
        # Read before `note_store` writes it.
        known = credentials.index.fact("store") == opened.store.name
        moved = credentials.note_store()
        if remember and not credentials.index.read_only:
            credentials.remember_place()
    except BaseException:
        await credentials.aclose()
        raise
    # A store's notes are shown once, when it comes into use.
    return credentials, (*(() if known else opened.notes), *((moved,) if moved else ()))
