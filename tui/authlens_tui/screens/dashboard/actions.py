"""The actions of the dashboard's keys on the selected credential and its token."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from msgspec.structs import replace
from textual.widgets.option_list import Option

from authlens_core.desk.credentials import (
    AccessKind,
    AuthlensError,
    CloudflaredToken,
    Grant,
    GrantState,
    InventoryEntry,
    Jwt,
    Secret,
    ServiceToken,
    token_claims,
)
from authlens_core.desk.forget import (
    ForgottenCredentials,
    StoredClient,
    forget,
    forget_client,
    registered_clients,
)
from authlens_core.desk.lifecycle import ActionResult, probe, refresh, revoke
from authlens_core.values.fix import fix
from authlens_tui.screens.dashboard.access_events import EventsScreen
from authlens_tui.screens.dashboard.batch_actions import BatchActions, Result, ResultsScreen
from authlens_tui.screens.dashboard.context import DashboardContext
from authlens_tui.screens.dashboard.listing import Listing
from authlens_tui.screens.dashboard.new_login import LoginActions
from authlens_tui.screens.dashboard.reveal import RevealScreen
from authlens_tui.screens.dashboard.sent_requests import SentRequests
from authlens_tui.screens.dialog import ChoiceDialog, ConfirmScreen
from authlens_tui.screens.settings_dialog import SettingsScreen
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.key_binding import keys
from authlens_tui.words.outcomes import what_stays_valid, where_secrets_are_left, with_validity

# Many servers end a login whose refresh token comes a second time (RFC 9700 §4.14.2).
_MAY_BE_SPENT: Final = frozenset({GrantState.UNKNOWN, GrantState.INTERRUPTED})
_REFRESH_AGAIN: Final = (
    "The result of the last refresh is unknown. If the server replaced the refresh token, sending the old "
    "one again may end this login. Then you log in again."
)
_REVOKE: Final = (
    "The server ends the refresh token and the access token. authlens calls the resource to verify that it "
    "refuses them, and only then removes them here. To use the resource again, log in again."
)
_FORGET: Final = (
    "The tokens are not revoked: they stay valid at the server until they expire. To end them, "
    "revoke instead (v). Until you quit, z restores what was forgotten, but not its recorded requests."
)
_FORGET_OF_ACCESS: Final = (
    "The service token stays valid at Access. To end it, revoke it in Zero Trust. Until you quit, z "
    "restores it here."
)
_UNDO: Final = "z undoes this until you quit."
_NO_UNDO: Final = "This cannot be undone: its secrets could not be read safely."
_RESTORED: Final = "Its secrets were read back. Its recorded requests stay deleted."
_REGISTERED: Final = (
    "A login registered these clients, and their servers let authlens delete them. A client that a login "
    "uses stays: revoke that login first."
)
_DELETE_CLIENT: Final = (
    "authlens deletes the client at the server, reads it to verify that, and then removes it here. The next "
    "login there registers a new one."
)

_Action = Callable[[InventoryEntry], Coroutine[Any, Any, None]]


class CredentialActions:
    """Runs one action at a time for each credential and reports its result."""

    def __init__(self, context: DashboardContext, sent: SentRequests) -> None:
        self._context = context
        self._sent = sent
        self._forgotten = ForgottenCredentials()

    def refresh(self) -> None:
        """Refresh the selected credential; ask first if its refresh token may be spent."""
        entry = self._context.selected
        if entry is None or entry.grant is None or entry.grant.state not in _MAY_BE_SPENT:
            self._start(entry, "refreshing", self._refresh)
            return
        again = partial(self._refresh, despite_unknown=True)
        self._ask("Try the refresh again?", _REFRESH_AGAIN, "Try again", doing="refreshing", action=again)

    def probe(self) -> None:
        self._start(self._context.selected, "probing", self._probe)

    def revoke(self) -> None:
        self._ask("Revoke at the server?", _REVOKE, "Revoke", doing="revoking", action=self._revoke)

    def forget(self) -> None:
        """Remove the selected credential from this machine, after a question."""
        entry = self._context.selected
        is_service_token = entry is not None and entry.service_token is not None
        explanation = _FORGET_OF_ACCESS if is_service_token else _FORGET
        self._ask("Forget on this machine?", explanation, "Forget", doing="forgetting", action=self._forget)

    async def _refresh(self, entry: InventoryEntry, *, despite_unknown: bool = False) -> None:
        grant = entry.require_grant()
        result = await refresh(self._context.session, grant, despite_unknown=despite_unknown)
        self._report(entry, with_validity(result))

    async def _revoke(self, entry: InventoryEntry) -> None:
        def waiting(seconds: float) -> None:
            self._context.say(
                f"The server confirmed the revocation. {entry.title} still accepts the "
                f"token; asking again for up to {seconds:.0f} s …"
            )

        result = await revoke(self._context.session, entry.require_grant(), waiting=waiting)
        if not result.good:
            self._report(entry, result)
            return
        result = replace(result, cure=fix(result.cure, "Press I on the dashboard for the requests."))
        self._report(entry, result)
        # The row is gone, so the dashboard cannot show what verified it.
        proof = Result(entry.title, True, " ".join(result.details), result.cure)
        self._context.show(ResultsScreen("Revoked, and verified", result.summary, [proof]))

    async def _probe(self, entry: InventoryEntry) -> None:
        result = await probe(self._context.session, entry)
        if not result.good:
            result = replace(result, summary=f"Answered by {result.layer}: {result.summary}")
        self._report(entry, result)

    async def _forget(self, entry: InventoryEntry) -> None:
        session = self._context.session
        forgotten = await forget(session, entry.entry_id, self._forgotten)
        undo = _UNDO if self._forgotten.last == entry.entry_id else _NO_UNDO
        leftovers = where_secrets_are_left(forgotten.left, session.credentials.store.place)
        sentence = f"Removed from this machine. {what_stays_valid(forgotten)} {undo} {leftovers}"
        self._context.say(sentence.rstrip(), good=True)

    @property
    def can_undo(self) -> bool:
        """True if a forgotten credential can be restored."""
        return bool(self._forgotten.last)

    def undo_forget(self) -> None:
        self._context.run(self._undo_forget())

    async def _undo_forget(self) -> None:
        try:
            restored = await self._forgotten.restore(self._context.session)
        except AuthlensError as error:
            self._context.say(f"Not restored: {error}", good=False)
        else:
            url = restored.resource_url if isinstance(restored, Grant) else restored.url
            self._context.say(f"{url} is stored again. {_RESTORED}", good=True)
        self._context.changed(reread=True)

    def _ask(self, title: str, explanation: str, yes: str, *, doing: str, action: _Action) -> None:
        self._context.confirm(title, explanation, yes, lambda entry: self._start(entry, doing, action))

    def _start(self, entry: InventoryEntry | None, doing: str, action: _Action) -> None:
        if entry is None:
            self._context.say("Select a credential first, or press N for a new login.")
        # A second key press while the first action still runs does nothing; two refreshes would race.
        elif not self._context.is_busy(entry):
            self._context.begin(doing, (entry,))
            self._context.say(f"{doing.capitalize()} {entry.title} …")
            self._context.run(self._perform(entry, action))

    async def _perform(self, entry: InventoryEntry, action: _Action) -> None:
        try:
            await action(entry)
        finally:
            self._context.end((entry,))

    def _report(self, entry: InventoryEntry, result: ActionResult) -> None:
        self._sent.note(entry.entry_id, result.trace)
        sentences = (result.summary, *result.details, self._context.fixes(result.cure))
        self._context.say(" ".join(sentences), good=result.good)


class TokenActions:
    """Reads tokens from the store when asked, and logs each time one is shown or copied."""

    def __init__(self, context: DashboardContext) -> None:
        self._context = context
        self._read: dict[str, tuple[object, Jwt | None]] = {}  # by credential: of which token, and its claims

    def claims_of(self, entry: InventoryEntry) -> Jwt | None:
        """Return the claims: of a cloudflared file always, of a token in the store once it was read."""
        reading, version = self._read.get(entry.entry_id), _version(entry.source)
        if entry.cloudflared is not None and (reading is None or reading[0] != version):
            reading = self._read[entry.entry_id] = version, token_claims(entry.cloudflared)
        return reading[1] if reading is not None and reading[0] == version else None

    def copy(self) -> None:
        self._context.confirm(
            "Copy the access token?",
            "Anyone who can read the clipboard can use the resource until the token expires. "
            "The copy is logged.",
            "Copy",
            lambda entry: self._context.run(self._copy(entry)),
            otherwise="Nothing copied.",
        )

    async def _copy(self, entry: InventoryEntry) -> None:
        _, token = await self._load(entry)
        await self._context.screen.app.copy(token, "Access token")
        credentials = self._context.session.credentials
        # After the copy, not before: the history says what happened, not what was asked for.
        credentials.record(AccessKind.COPIED, entry.entry_id, "access token")
        self._context.changed(reread=True)

    async def copy_login_link(self) -> None:
        entry = self._context.selected
        link = None if entry is None or entry.cloudflared is None else entry.cloudflared.pending_url
        if link is not None:
            await self._context.screen.app.copy(link, "Login link")

    async def reveal(self) -> None:
        entry = self._context.selected
        if entry is None:
            return
        _, token = await self._load(entry)
        # To read the store takes time: a secret is not to appear over a screen that was opened meanwhile.
        if self._context.screen.is_active:
            credentials = self._context.session.credentials
            credentials.record(AccessKind.REVEALED, entry.entry_id, "access token")
            self._context.show(RevealScreen(f"Access token of {entry.title}", token))

    async def read_claims(self) -> None:
        entry = self._context.selected
        if entry is None:
            return
        grant, token = await self._load(entry)
        jwt = token_claims(token)
        self._read[grant.grant_id] = _version(grant), jwt
        if jwt is None:
            self._context.say("This access token is not a JWT: only the server can read it.")
        self._context.changed(reread=True)

    async def _load(self, entry: InventoryEntry) -> tuple[Grant, Secret]:
        grant, secrets = await self._context.session.credentials.load(entry.entry_id)
        return grant, secrets.access_token


def _version(source: Grant | CloudflaredToken | ServiceToken) -> object:
    """Return the identity of a token, which differs from that of its replacement."""
    match source:
        case Grant():
            # A token that no store took has no generation of its own; the time of its request tells it apart.
            return source.generation, source.refreshed_at
        case CloudflaredToken():
            return source.fingerprint
    return None


class RegisteredClientsScreen(ChoiceDialog[StoredClient]):
    """Offers the clients that can be deleted; one that is in use is shown with the login that uses it."""

    BINDINGS = keys("clients")

    def __init__(self, clients: Sequence[StoredClient]) -> None:
        choices = [
            (Option(_client_words(client), disabled=bool(client.used_by)), client) for client in clients
        ]
        hint = "Enter deletes one at its server."
        super().__init__("Registered clients", choices, text=Content(_REGISTERED), hint=hint)


def ask_which_client(context: DashboardContext) -> None:
    """Ask which registered client to forget, and forget it with the core of `authlens clients --forget`."""

    def chosen(client: StoredClient | None) -> None:
        if client is None:
            return
        record = client.record
        explanation = f"{record.client_id}\n{record.issuer}\n\n{_DELETE_CLIENT}"
        context.screen.app.push_screen(
            ConfirmScreen("Delete the client at its server?", explanation, "Delete"),
            lambda agreed: context.run(_forget_client(context, client)) if agreed else None,
        )

    clients = [client for client in registered_clients(context.session) if client.is_deletable]
    context.screen.app.push_screen(RegisteredClientsScreen(clients), chosen)


async def _forget_client(context: DashboardContext, client: StoredClient) -> None:
    name = client.record.client_id
    context.say(f"Deleting {name} …")
    result = await forget_client(context.session, client)
    context.say(f"{name}: {result.summary} {result.cure}".rstrip(), good=result.good)
    context.changed(reread=True)


def _client_words(client: StoredClient) -> Content:
    record = client.record
    state = f"used by {client.used_by}" if client.used_by else "not used by a login here"
    return Content(f"{record.client_id}\n  {record.issuer} · {state}")


class DashboardActions:
    """The objects that the dashboard's keys name; `select` moves the cursor to a credential, by its id."""

    def __init__(
        self,
        context: DashboardContext,
        listing: Listing,
        suggest: Callable[[], str],
        select: Callable[[str], None],
    ) -> None:
        self._context = context
        self._listing = listing
        self.sent = SentRequests(context)
        self.tokens = TokenActions(context)
        self.selected = CredentialActions(context, self.sent)
        self.batches = BatchActions(context, self.sent, listing)
        self.login = LoginActions(context, suggest, listing, select)

    def forget_client(self) -> None:
        ask_which_client(self._context)

    def show_settings(self) -> None:
        self._context.show(SettingsScreen(self._context.settings))

    def show_events(self) -> None:
        entry = self._context.selected
        names = {entry.entry_id: entry.title for entry in self._listing.entries}
        only = None if entry is None else entry.entry_id
        self._context.show(EventsScreen(self._context.session, names, selected=only))
