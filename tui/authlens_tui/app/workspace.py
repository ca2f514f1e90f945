"""What the app works on: the settings, the secret store and the tokens of this machine."""

from __future__ import annotations

from authlens_core.access.cloudflared_files import CloudflaredToken, find_cloudflared_tokens
from authlens_core.credentials.store.store_kind import StoreKind
from authlens_core.credentials.vault.open_store import OpenedStore, memory_only, open_store, remembered_place
from authlens_core.login.facts import Options
from authlens_core.state.paths import state_directory
from authlens_core.state.settings import SettingsFile
from authlens_tui.screens.store_choice import StoreChoice
from authlens_tui.screens.wizard.authorization_link import Player

__all__ = ["Workspace"]


class Workspace:
    """This machine. The demo has another one."""

    keeps_secrets = True
    """Whether stored secrets outlive the program, and are worth moving."""

    def __init__(self, settings: SettingsFile | None = None) -> None:
        self.settings = settings or SettingsFile.open()

    async def prepare(self) -> str | None:
        """Get ready before the first screen; return a URL to log in to at once, or None."""
        return None

    async def close(self) -> None:
        """Release what `prepare` acquired, after the session is closed."""

    def options(self) -> Options:
        """Return the options of a new login."""
        return Options()

    def suggestion(self) -> str:
        """Return the URL that a new login starts with."""
        return ""

    def find_tokens(self) -> tuple[CloudflaredToken, ...]:
        """Return the tokens that cloudflared stores."""
        return find_cloudflared_tokens()

    def player(self) -> Player | None:
        """Return what signs in for the user, or None."""
        return None

    async def open_store(self, choice: StoreChoice | None) -> OpenedStore:
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
