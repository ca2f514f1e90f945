"""Open the session before the first screen, asking the user if the secret store cannot be opened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from authlens_core.credentials.records.index import Index
from authlens_core.desk.session import Session, session_on
from authlens_core.values.errors import NoSecretStore
from authlens_core.values.exchange import Exchange
from authlens_tui.app.workspace import Workspace
from authlens_tui.screens.store_choice import StoreChoice, StoreChoiceScreen, choice_after

Ask = Callable[[StoreChoiceScreen], Awaitable[StoreChoice | None]]


async def open_session(
    workspace: Workspace, ask: Ask, note: Callable[[Exchange], None], index: Index | None
) -> tuple[Session, tuple[str, ...]] | None:
    """Return the session and what the user should know about its store; None to quit.

    Args:
        note: called with each exchange.
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
            return await session_on(opened, index=index, chosen=choice is not None, note=note)
