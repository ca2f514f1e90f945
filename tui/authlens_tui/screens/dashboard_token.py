"""What the dashboard does with a token itself: copy it, show it, read its claims."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from textual import work

from authlens_core.credentials.events import Touched, note_touch
from authlens_core.credentials.holdings import Holding
from authlens_core.credentials.settings import SettingsFile
from authlens_core.errors import AuthlensError
from authlens_core.oauth.jwt import Jwt, parse_jwt
from authlens_core.secret import Secret
from authlens_core.session import Session
from authlens_tui.screens.dashboard_actions import DashboardActions
from authlens_tui.screens.reveal import RevealScreen

__all__ = ["DashboardToken"]


class DashboardToken(DashboardActions):
    """The actions on the access token of the selected credential."""

    def __init__(
        self, session: Session, settings: SettingsFile, suggestion: str, now: Callable[[], datetime]
    ) -> None:
        super().__init__(session, settings, suggestion, now)
        self.jwts: dict[str, Jwt | None] = {}
        """The tokens that were read, taken apart, by the id of the credential; None for no JWT."""

    # -- the token itself ------------------------------------------------------------------------------

    def action_copy_token(self) -> None:
        """Copy the access token of the selected credential, after a question."""
        words = "Whoever has the clipboard can use the resource until the token ends. The history notes it."
        self.confirm("Copy the access token?", words, "Copy", self._copy)

    @work(exclusive=True, group="copy", description="copy a token")
    async def _copy(self, holding: Holding) -> None:
        token = await self._access_token(holding)
        copy = getattr(self.app, "copy", None)
        if token is not None and callable(copy):
            await copy(token, "Access token")
            note_touch(self._session.credentials, holding.holding_id, Touched.COPIED, "access token")
            self.show_now(anew=True)

    @work(exclusive=True, group="copy", description="copy a link")
    async def action_copy_login_link(self) -> None:
        """Copy the address that a login of cloudflared waits for, to open it anywhere."""
        holding = self.selected
        link = None if holding is None or holding.cloudflared is None else holding.cloudflared.pending_url
        copy = getattr(self.app, "copy", None)
        if link is not None and callable(copy):
            await copy(link, "The link of the login")

    @work(exclusive=True, group="reveal", description="reveal a token")
    async def action_reveal(self) -> None:
        """Show the access token of the selected credential for a while."""
        holding = self.selected
        token = None if holding is None else await self._access_token(holding)
        if holding is not None and token is not None and self.is_current:
            note_touch(self._session.credentials, holding.holding_id, Touched.REVEALED, "access token")
            self.app.push_screen(RevealScreen(f"Access token of {holding.title}", token))

    @work(exclusive=True, group="claims", description="read claims")
    async def action_claims(self) -> None:
        """Show the claims of the access token, where it is a JWT."""
        holding = self.selected
        token = None if holding is None else await self._access_token(holding)
        if holding is None or token is None:
            return
        jwt = self.jwts[holding.holding_id] = parse_jwt(token)
        if jwt is None:
            self.say("This access token is no JWT: only the server can read it.")
        self.show_now(anew=True)

    async def _access_token(self, holding: Holding) -> Secret | None:
        if holding.grant is None:
            return None
        try:
            return (await self._session.credentials.load(holding.holding_id))[1].access_token
        except AuthlensError as error:
            self.say(str(error), good=False)
            return None
