"""Open the secret store that the user chose."""

from __future__ import annotations

from authlens_core.credentials.store.store_kind import StoreKind
from authlens_core.credentials.vault.open_store import OpenedStore, memory_only, open_store, remembered_place
from authlens_core.state.paths import state_directory
from authlens_tui.screens.store_choice import StoreChoice


async def open_chosen_store(choice: StoreChoice | None) -> OpenedStore:
    """Open the store the user chose, or without a choice the remembered one.

    Nothing replaces the keyring unless the user chose it.

    Raises:
        NoSecretStore: it cannot be opened.
    """
    if choice is None:
        place = remembered_place()
        return await (open_store() if place is StoreKind.KEYRING else open_store(place=place))
    match choice.place:
        case StoreKind.MEMORY:
            return memory_only(in_place_of=state_directory())
        case StoreKind.KEYRING:
            return await open_store()
        case place:
            return await open_store(place=place, passphrase=choice.passphrase, create=choice.create)
