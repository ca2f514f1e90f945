"""Start a login from the dashboard: a new one, the selected one again, or a service token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from textual.screen import Screen

from authlens_core.credentials.records.grant import working_logins
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.desk.credentials import InventoryEntry
from authlens_tui.screens.dashboard.context import DashboardContext, LoginWanted
from authlens_tui.screens.dashboard.listing import Listing
from authlens_tui.screens.dashboard.new_login import Known, NewLoginScreen
from authlens_tui.words.logins import already_words


class LoginActions:
    """Asks what a login needs, then requests it; `select` puts the cursor on a credential, by its id."""

    def __init__(
        self,
        context: DashboardContext,
        suggestion: str,
        listing: Listing,
        select: Callable[[str], None],
    ) -> None:
        self._context = context
        self._suggestion = suggestion
        self._listing = listing
        self._select = select

    def new(self) -> None:
        async def question() -> None:
            urls = tuple(dict.fromkeys(entry.url for entry in self._listing.entries if entry.url))
            dialog = NewLoginScreen(self._suggestion, self._known(), urls, self._context.settings)
            choice = await self._context.answer(dialog)
            if choice is not None and choice.entry_id:
                self._select(choice.entry_id)
                self._context.say("This login works. c copies its token, p asks the resource.")
            elif choice is not None:
                self._context.post(LoginWanted(choice.url))

        self._context.ask(question)

    def _known(self) -> Mapping[str, Known]:
        now = self._context.now()
        grants = (entry.grant for entry in self._listing.entries if entry.grant is not None)
        return {
            url: Known(grant.grant_id, already_words(grant, now))
            for url, grant in working_logins(grants, now).items()
        }

    def again(self) -> None:
        """Log in to the selected resource again, with cloudflared if the token is cloudflared's."""
        entry = self._context.selected
        if entry is None:
            return
        if entry.cloudflared is None:
            self._context.post(LoginWanted(entry.url))
            return
        from authlens_tui.screens.cloudflared import CloudflaredScreen

        self._open(CloudflaredScreen(entry.cloudflared.url, self._context.session))

    def switch_account(self) -> None:
        """Log in as another account: copy the address that ends the browser's session first."""
        entry = self._context.selected
        if entry is None:
            return
        logout = f"https://{entry.team}/cdn-cgi/access/logout"
        words = (
            "The browser signs in automatically with the account it remembers. To choose another, use a "
            "private window, or open this address first. It logs you out of every application of the "
            f"team.\n\n{logout}"
        )

        def go(_entry: InventoryEntry) -> None:
            copying = self._context.app.copy(logout, "Logout address")
            self._context.run(copying, group="copy", description="copy an address", exclusive=True)
            self._context.post(LoginWanted(entry.url))

        self._context.confirm("Log in with another account?", words, "Copy and log in", go)

    def add_service_token(self) -> None:
        self._service_token_form(None)

    def edit_service_token(self) -> None:
        entry = self._context.selected
        if entry is not None and entry.service_token is not None:
            self._service_token_form(entry.service_token)

    def _service_token_form(self, token: ServiceToken | None) -> None:
        from authlens_tui.screens.dashboard.service_token import ServiceTokenScreen

        self._open(ServiceTokenScreen(self._context.session, token=token))

    def _open(self, dialog: Screen[Any]) -> None:
        """Open a dialog, and read the credentials again when it is closed."""

        async def question() -> None:
            await self._context.answer(dialog)
            self._context.changed(reread=True)

        self._context.ask(question)
