"""The data of the app: the settings, the secret store and the tokens of this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from authlens_core.desk.credentials import Index
from authlens_core.desk.settings import SettingsFile, read_config
from authlens_tui.terminal.secret_files import passphrase_in_file

if TYPE_CHECKING:
    from textual.screen import Screen

    from authlens_core.desk.credentials import CloudflaredDirectory, CloudflaredToken
    from authlens_core.desk.log_in import Login, Options
    from authlens_core.desk.session import OpenedStore, Session
    from authlens_tui.screens.store_choice import StoreChoice
    from authlens_tui.screens.wizard.demo_login import DemoLogin
    from authlens_tui.screens.wizard.wizard_messages import Then

OpenLogin = Callable[[str], None]


class Workspace:
    """This machine. The demo has another one.

    Args:
        settings: this user's settings file by default.
        options: the options of a login by its URL, where the user gave some.
    """

    keeps_secrets = True
    """True if stored secrets outlive the program and can be moved."""
    waits_for = "Opening the secret store …"
    """The text before the first screen."""
    menu: Screen[None] | None = None
    """A menu of logins, one key from the dashboard."""

    def __init__(
        self, settings: SettingsFile | None = None, options: Mapping[str, Options] | None = None
    ) -> None:
        self._options = options or {}
        self.settings = settings or SettingsFile.open()
        self.config = read_config()
        self._cloudflared: CloudflaredDirectory | None = None

    async def prepare(self) -> str | None:
        """Get ready before the first screen; return a URL to log in to at once, or None."""
        return None

    def begin(self, session: Session, url: str | None, *, start: OpenLogin, offer: OpenLogin) -> None:  # noqa: ARG002
        """Start with a login to `url`, if one was asked for.

        Args:
            start: opens a login to a URL.
            offer: does so after a question if the user is logged in there already.
        """
        if url is not None:
            offer(url)

    async def add_credentials(self, session: Session) -> None:
        """Store what a login that begins needs besides its own credential."""

    def login_left(self, session: Session, login: Login, then: Then) -> None:
        """Continue after the wizard was closed."""

    async def close(self) -> None:
        """Release what `prepare` acquired, after the session is closed."""

    def options(self, url: str) -> Options | None:
        """Return the options of a new login at `url`; None for the ordinary ones."""
        return self._options.get(url)

    def demo_login(self, url: str) -> DemoLogin | None:  # noqa: ARG002 - the demo's
        """Return the extras of a login to `url`, in the demo."""
        return None

    def suggestion(self) -> str:
        """Return the URL that a new login starts with."""
        return ""

    def find_tokens(self) -> tuple[tuple[CloudflaredToken, ...], int]:
        """Return the tokens of cloudflared, and how many more there are than are listed."""
        if self._cloudflared is None:
            from authlens_core.desk.credentials import CloudflaredDirectory

            self._cloudflared = CloudflaredDirectory()
        return self._cloudflared.find(), self._cloudflared.left_out

    def first_look(self) -> Index | None:
        """Return the records to show before the secret store is opened; None if there are none yet."""
        return Index.stored() if self.keeps_secrets else None

    async def open_store(self, choice: StoreChoice | None) -> OpenedStore:
        """Open the store the user chose, or without a choice the remembered one.

        Nothing replaces the keyring unless the user chose it.

        Raises:
            NoSecretStore: it cannot be opened.
        """
        from authlens_core.desk.session import PassphraseNeeded, open_secret_store  # after the first paint

        if choice is None:
            try:
                return await open_secret_store()
            except PassphraseNeeded:
                if (passphrase := passphrase_in_file()) is None:
                    raise
                return await open_secret_store(passphrase=passphrase)
        return await open_secret_store(choice.kind, passphrase=choice.passphrase, create=choice.create)
