"""Use the access token of the selected credential: copy it, show it, read its claims."""

from __future__ import annotations

from authlens_core.credentials.records.access_kind import AccessKind
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.desk.credentials import CloudflaredToken, InventoryEntry, token_claims
from authlens_core.explain.message import Jwt
from authlens_core.values.errors import AuthlensError
from authlens_core.values.secret import Secret
from authlens_tui.screens.confirm import COPY_TOKEN, NOT_COPIED
from authlens_tui.screens.dashboard.context import DashboardContext, Work
from authlens_tui.screens.dashboard.reveal import RevealScreen


class TokenActions:
    """Reads tokens from the store when asked, and logs each time one is shown or copied."""

    def __init__(self, context: DashboardContext) -> None:
        self._context = context
        self._read: dict[str, tuple[object, Jwt | None]] = {}  # by credential: of which token, and its claims

    def claims_of(self, entry: InventoryEntry) -> Jwt | None:
        """Return the claims: of a cloudflared file always, of a token in the store once it was read."""
        known, version = self._read.get(entry.entry_id), _version(entry.source)
        if entry.cloudflared is not None and (known is None or known[0] != version):
            known = self._read[entry.entry_id] = version, token_claims(entry.cloudflared)
        return known[1] if known is not None and known[0] == version else None

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
        grant, token = loaded
        jwt = token_claims(token)
        self._read[grant.grant_id] = _version(grant), jwt
        if jwt is None:
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


def _version(source: Grant | CloudflaredToken | ServiceToken) -> object:
    """Return what tells a token from the one that replaces it."""
    match source:
        case Grant():
            # A token that no store took has no generation of its own; the time of its request tells it apart.
            return source.generation, source.refreshed_at
        case CloudflaredToken():
            return source.fingerprint
    return None
