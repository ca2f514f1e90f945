"""What the dashboard does with a token itself: copy it, show it, read its claims."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from textual import work

from authlens_core.access.cloudflared_files import CloudflaredToken, read_cloudflared_token
from authlens_core.credentials.inventory.inventory import Holding
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.vault.access_log import Touched, note_touch
from authlens_core.errors import AuthlensError
from authlens_core.oauth.jwt import Jwt, parse_jwt
from authlens_core.secret import Secret
from authlens_core.session import Session
from authlens_core.state.settings import SettingsFile
from authlens_tui.screens.dashboard.actions import DashboardActions
from authlens_tui.screens.dashboard.reveal import RevealScreen

__all__ = ["DashboardToken", "ReadJwts"]


class ReadJwts:
    """The tokens that were read, taken apart; one that was replaced since then is not known any more."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, Jwt | None]] = {}

    def read(self, grant: Grant, token: Secret) -> Jwt | None:
        """Take the access token of a grant apart, and keep that as long as the grant has this token."""
        jwt = parse_jwt(token)
        self._known[grant.grant_id] = _version(grant), jwt
        return jwt

    def of_grant(self, grant: Grant | None) -> Jwt | None:
        """Return the claims that were read of the token that `grant` has now, or None."""
        known = None if grant is None else self._known.get(grant.grant_id)
        return known[1] if grant is not None and known is not None and known[0] == _version(grant) else None

    def of_file(self, token: CloudflaredToken, read: Callable[[], Secret | None]) -> Jwt | None:
        """Return the claims in a file of cloudflared; it is read where its content has changed."""
        known = self._known.get(token.token_id)
        if known is None or known[0] != token.fingerprint:
            found = read()
            known = token.fingerprint, None if found is None else parse_jwt(found)
            self._known[token.token_id] = known
        return known[1]


def _version(grant: Grant) -> tuple[int, datetime]:
    # A token that no store took has no generation of its own; when it was asked for tells it apart.
    return grant.generation, grant.refreshed_at


class DashboardToken(DashboardActions):
    """The actions on the access token of the selected credential."""

    def __init__(
        self, session: Session, settings: SettingsFile, suggestion: str, now: Callable[[], datetime]
    ) -> None:
        super().__init__(session, settings, suggestion, now)
        self.jwts = ReadJwts()

    def claims_of(self, holding: Holding) -> Jwt | None:
        """Return the claims: of a file of cloudflared at once, of a token in the keyring when asked for."""
        token = holding.cloudflared
        if token is None:
            return self.jwts.of_grant(holding.grant)
        return self.jwts.of_file(token, lambda: read_cloudflared_token(token))

    # -- the token itself ------------------------------------------------------------------------------

    def action_copy_token(self) -> None:
        """Copy the access token of the selected credential, after a question."""
        words = "Whoever has the clipboard can use the resource until the token ends. The history notes it."
        self.confirm("Copy the access token?", words, "Copy", self._copy)

    @work(exclusive=True, group="copy", description="copy a token")
    async def _copy(self, holding: Holding) -> None:
        token = await self._access_token(holding)
        if token is not None:
            await self.app.copy(token, "Access token")
            note_touch(self._session.credentials, holding.holding_id, Touched.COPIED, "access token")
            self.show_now(anew=True)

    @work(exclusive=True, group="copy", description="copy a link")
    async def action_copy_login_link(self) -> None:
        """Copy the address that a login of cloudflared waits for, to open it anywhere."""
        holding = self.selected
        link = None if holding is None or holding.cloudflared is None else holding.cloudflared.pending_url
        if link is not None:
            await self.app.copy(link, "The link of the login")

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
        loaded = None if holding is None else await self._load(holding)
        if loaded is None:
            return
        if self.jwts.read(*loaded) is None:
            self.say("This access token is no JWT: only the server can read it.")
        self.show_now(anew=True)

    async def _access_token(self, holding: Holding) -> Secret | None:
        loaded = await self._load(holding)
        return None if loaded is None else loaded[1]

    async def _load(self, holding: Holding) -> tuple[Grant, Secret] | None:
        """Return the grant as it is now and the access token of the same generation."""
        if holding.grant is None:
            return None
        try:
            grant, secrets = await self._session.credentials.load(holding.holding_id)
            return grant, secrets.access_token
        except AuthlensError as error:
            self.say(str(error), good=False)
            return None
