"""Use the access token of the selected credential: copy it, show it, read its claims."""

from __future__ import annotations

from datetime import datetime

from authlens_core.access.cloudflared_files import read_cloudflared_token
from authlens_core.access.cloudflared_token import CloudflaredToken
from authlens_core.credentials.inventory.inventory import InventoryEntry
from authlens_core.credentials.records.access_kind import AccessKind
from authlens_core.credentials.records.grant import Grant
from authlens_core.errors import AuthlensError
from authlens_core.oauth.jwt import Jwt, parse_jwt
from authlens_core.secret import Secret
from authlens_tui.screens.confirm import COPY_TOKEN, NOT_COPIED
from authlens_tui.screens.dashboard.context import DashboardContext, Work
from authlens_tui.screens.dashboard.reveal import RevealScreen


class ReadJwts:
    """Tokens that were read and decoded; a token replaced since then is unknown again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, Jwt | None]] = {}

    def read(self, grant: Grant, token: Secret) -> Jwt | None:
        """Decode the access token of a grant, and hold the claims as long as the grant has this token."""
        jwt = parse_jwt(token)
        self._known[grant.grant_id] = _version(grant), jwt
        return jwt

    def of_grant(self, grant: Grant | None) -> Jwt | None:
        """Return the claims read from the current token of `grant`, or None."""
        known = None if grant is None else self._known.get(grant.grant_id)
        return known[1] if grant is not None and known is not None and known[0] == _version(grant) else None

    def of_file(self, token: CloudflaredToken) -> Jwt | None:
        """Return the claims in a file of cloudflared, reading it again only if its content changed."""
        known = self._known.get(token.token_id)
        if known is None or known[0] != token.fingerprint:
            found = read_cloudflared_token(token)
            known = token.fingerprint, None if found is None else parse_jwt(found)
            self._known[token.token_id] = known
        return known[1]


def _version(grant: Grant) -> tuple[int, datetime]:
    # A token that no store took has no generation of its own; the time of its request tells it apart.
    return grant.generation, grant.refreshed_at


class TokenActions:
    """Reads tokens from the store when asked, and logs each time one is shown or copied."""

    def __init__(self, context: DashboardContext) -> None:
        self._context = context
        self.jwts = ReadJwts()

    def claims_of(self, entry: InventoryEntry) -> Jwt | None:
        """Return the claims: of a cloudflared file always, of a token in the store once it was read."""
        token = entry.cloudflared
        return self.jwts.of_grant(entry.grant) if token is None else self.jwts.of_file(token)

    def copy(self) -> None:
        self._context.confirm(
            *COPY_TOKEN, lambda it: self._run(self._copy(it), "copy a token"), otherwise=NOT_COPIED
        )

    async def _copy(self, entry: InventoryEntry) -> None:
        loaded = await self._load(entry)
        if loaded is not None:
            await self._context.app.copy(loaded[1], "Access token")
            credentials = self._context.session.credentials
            credentials.record(AccessKind.COPIED, entry.entry_id, "access token")
            self._context.changed(reread=True)

    def copy_login_link(self) -> None:
        entry = self._context.selected
        link = None if entry is None or entry.cloudflared is None else entry.cloudflared.pending_url
        if link is not None:
            self._run(self._context.app.copy(link, "Login link"), "copy a link")

    def reveal(self) -> None:
        self._run(self._reveal(), "reveal a token")

    async def _reveal(self) -> None:
        entry = self._context.selected
        loaded = None if entry is None else await self._load(entry)
        # To read the store takes time: a secret is not to appear over a screen that was opened meanwhile.
        if entry is not None and loaded is not None and self._context.is_current:
            credentials = self._context.session.credentials
            credentials.record(AccessKind.REVEALED, entry.entry_id, "access token")
            self._context.show(RevealScreen(f"Access token of {entry.title}", loaded[1]))

    def read_claims(self) -> None:
        self._run(self._read_claims(), "read claims")

    async def _read_claims(self) -> None:
        entry = self._context.selected
        loaded = None if entry is None else await self._load(entry)
        if loaded is None:
            return
        if self.jwts.read(*loaded) is None:
            self._context.say("This access token is not a JWT: only the server can read it.")
        self._context.changed(reread=True)

    async def _load(self, entry: InventoryEntry) -> tuple[Grant, Secret] | None:
        if entry.grant is None:
            return None
        try:
            grant, secrets = await self._context.session.credentials.load(entry.entry_id)
            return grant, secrets.access_token
        except AuthlensError as error:
            self._context.say(str(error), good=False)
            return None

    def _run(self, work: Work, description: str) -> None:
        self._context.run(work, group="token", description=description, exclusive=True)
