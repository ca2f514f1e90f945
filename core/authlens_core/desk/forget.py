"""Remove a credential or a registered client from this machine, and restore what was removed."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from authlens_core.credentials.lifecycle.action_result import ActionOutcome, ActionResult
from authlens_core.credentials.records.client import ClientRecord
from authlens_core.credentials.records.grant import Grant, GrantState
from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.move import erase_left
from authlens_core.credentials.vault.save_login import save_login
from authlens_core.oauth.registration import Deletion, management_request, read_deletion
from authlens_core.values.errors import AuthlensError, Refused, UsageError
from authlens_core.values.fix import fix, step
from authlens_core.values.formats.challenge import is_plain
from authlens_core.values.store_kind import CredentialKind, StoreKind
from authlens_core.values.url import UrlRefused, parse_url
from authlens_core.wire.limits import TOKEN

if TYPE_CHECKING:
    from authlens_core.desk.session import Session

__all__ = [
    "AuthlensError",
    "CredentialKind",
    "Forgotten",
    "ForgottenCredentials",
    "StoredClient",
    "UsageError",
    "client_metadata",
    "forget",
    "forget_client",
    "registered_clients",
]

# Seconds to wait for a refresh that is running: afterwards the refresh token in memory would be spent.
_REFRESH_BOUND: Final = 5.0
_Restore: TypeAlias = Callable[[Credentials], Awaitable[Grant | ServiceToken]]


class Forgotten(Struct, frozen=True):
    """What a removal did.

    Attributes:
        kind: OAuth or service token; tokens of `cloudflared` belong to `cloudflared`.
        left: the places that could not be reached and still hold secrets of removed credentials.
    """

    kind: CredentialKind
    left: tuple[StoreKind, ...]


class ForgottenCredentials:
    """What was forgotten, in memory alone, until the program ends."""

    def __init__(self) -> None:
        self._restores: list[tuple[str, _Restore]] = []

    @property
    def last(self) -> str:
        """The id of the credential that `restore` stores again; empty if there is none."""
        return self._restores[-1][0] if self._restores else ""

    def add(self, record_id: str, restore: _Restore) -> None:
        self._restores.append((record_id, restore))

    async def restore(self, session: Session) -> Grant | ServiceToken:
        """Store what was forgotten last in the store that is open, which reads it back; return its record.

        Raises:
            UsageError: nothing was forgotten, or the same credential was stored again since.
            NoSecretStore: it could not be stored; it stays restorable.
            LockBusy: another process was writing all the time.
        """
        if not self._restores:
            raise UsageError("There is nothing to restore.", "Only what this run forgot can be restored.")
        credentials = session.credentials
        # Taken first: a second undo at the same time takes the one before.
        record_id, restore = self._restores.pop()
        stored = {*credentials.service_tokens.ids(), *(grant.grant_id for grant in credentials.list())}
        # A newer login to the same resource has this id; the old tokens must not replace its tokens.
        if record_id in stored:
            raise UsageError("This credential was stored again since.", "The newer one stays.")
        try:
            restored = await restore(credentials)
        # A Ctrl-C, too: what could not be stored can still be restored later.
        except BaseException:
            self.add(record_id, restore)
            raise
        credentials.record(AccessKind.RESTORED, record_id, "stored again on this machine")
        return restored


async def forget(session: Session, record_id: str, undo: ForgottenCredentials | None = None) -> Forgotten:
    """Remove a grant or a service token with its recorded requests, readable or not.

    Args:
        record_id: the id of its record.
        undo: holds what was removed in memory, to restore it. It cannot be restored if its secrets cannot be
            read, or while another program refreshes it.
    """
    credentials = session.credentials
    if record_id in credentials.service_tokens.ids():
        await _remove_service_token(credentials, record_id, undo)
        credentials.traces.drop(record_id)
        kind = CredentialKind.SERVICE_TOKEN
    else:
        await _remove_grant(credentials, record_id, undo)
        kind = CredentialKind.OAUTH
    # A store that could not be reached at an earlier removal may still hold its secrets.
    return Forgotten(kind, await erase_left(credentials))


async def _remove_grant(credentials: Credentials, grant_id: str, undo: ForgottenCredentials | None) -> None:
    if undo is not None:
        with suppress(AuthlensError):
            async with credentials.lock(credentials.get(grant_id), "forgetting", bound=_REFRESH_BOUND):
                grant, secrets = await credentials.load(grant_id)
                await credentials.forget(grant_id)
            undo.add(grant_id, lambda target: save_login(target, grant, secrets, is_new=False))
            return
    await credentials.forget(grant_id)


async def _remove_service_token(
    credentials: Credentials, token_id: str, undo: ForgottenCredentials | None
) -> None:
    if undo is not None:
        with suppress(AuthlensError):
            token, secret = await credentials.service_tokens.load(token_id)
            await credentials.service_tokens.remove(token_id)
            undo.add(token_id, lambda target: target.service_tokens.put(token, secret))
            return
    await credentials.service_tokens.remove(token_id)


# -- registered clients ------------------------------------------------------------------------------------


_GONE = (401, 403, 404, 410)
_LARGEST_PORT = 65_535
_OUTCOME: Final = {
    Deletion.DELETED: "deleted the client",
    Deletion.GONE: "does not know the client",
    Deletion.UNSUPPORTED: "does not let clients delete themselves",
    Deletion.REFUSED: "did not delete the client",
}


class StoredClient(Struct, frozen=True):
    """A client that a server registered for authlens.

    Attributes:
        used_by: the resource of a login that uses it; empty if none does.
    """

    record: ClientRecord
    used_by: str

    @property
    def is_deletable(self) -> bool:
        """Whether its server lets authlens delete it."""
        return self.record.registration_client_uri is not None


def registered_clients(session: Session) -> tuple[StoredClient, ...]:
    """Return every registered client, those registered first in front."""
    # A login whose refresh token its server refused needs its client no more.
    resources = {
        (grant.issuer, grant.client_id): grant.resource_url
        for grant in session.credentials.list()
        if grant.state is not GrantState.LOGIN_NEEDED
    }
    return tuple(
        StoredClient(record, resources.get((record.issuer, record.client_id), ""))
        for record in session.credentials.clients.list()
    )


async def forget_client(session: Session, client: StoredClient, *, only_here: bool = False) -> ActionResult:
    """Delete the registration at the server, read it to see that it is gone, and remove it from this machine.

    A client that the server did not delete stays here, so that it can be tried again.

    Raises:
        UsageError: a login still uses the client: nothing was sent.
        NoSecretStore: the store could not be read or written.
    """
    # A refresh needs its client: deleting one in use would end the login without a word.
    if client.used_by:
        login = shlex.quote(client.used_by)
        raise UsageError(
            f"The login for {client.used_by} still uses this client.",
            fix(
                step("Revoke it first", f"authlens revoke {login}"),
                step(
                    "If the server refuses that, remove the login from this machine",
                    f"authlens forget {login}",
                ),
            ),
        )
    credentials, wire, record = session.credentials, session.wire, client.record
    if only_here:
        return await _forgotten(credentials, record, "Removed from this machine; the server still has it.")
    loopback = parse_url(record.issuer, loopback_http=True).is_loopback
    loaded = await credentials.clients.load(record)
    try:
        delete = management_request(loaded, "DELETE", loopback_http=loopback)
        read = management_request(loaded, "GET", loopback_http=loopback)
    except UrlRefused as refused:
        return _kept(record, f"The stored management URL is refused: {refused}.", Refused)
    # RFC 7592 is optional, and most servers do not have it.
    if delete is None or read is None:
        words = "Removed from this machine. The server gave no way to delete a registration: it still has it."
        return await _forgotten(credentials, record, words)
    exchange = await wire.send(delete, limits=TOKEN, loopback_http=loopback)
    if exchange.complete_response is None:
        return _kept(record, exchange.no_answer.cause, exchange.no_answer.error_type)
    status, deletion = exchange.complete_response.status, read_deletion(exchange.complete_response.status)
    if deletion in {Deletion.UNSUPPORTED, Deletion.REFUSED}:
        return _kept(record, f"The server {_OUTCOME[deletion]} ({status}).", Refused)
    # RFC 7592 §2.3 promises a 204; some servers answer so and keep the client.
    after = await wire.send(read, limits=TOKEN, loopback_http=loopback)
    seen = after.status or 0
    if 200 <= seen < 300:
        return _kept(record, f"The server answered {status}, and still has the client.", Refused)
    proof = f"reading it returned {seen or 'no answer'}"
    proof += "" if seen in _GONE else ", which verifies nothing"
    return await _forgotten(credentials, record, f"The server {_OUTCOME[deletion]} ({status}); {proof}.")


def client_metadata(url: str, port: int, *, device_only: bool = False) -> Mapping[str, object]:
    """Return the Client ID Metadata Document that a server fetches from `url` to learn about authlens.

    Args:
        port: of the callback; for both host names that a login can use.
        device_only: for a server that gives a client one grant type, and a login by a code on another device.

    Raises:
        UsageError: the URL cannot be a client id, or there is no such port.
    """
    # The stage of the login is loaded for this alone.
    from authlens_core.login.callback.binding import redirect_uri
    from authlens_core.login.stages.registration_stage import CLIENT_NAME
    from authlens_core.oauth.registration import client_document, is_client_metadata_url

    reading = is_client_metadata_url(url)
    if reading.value is None:
        check = reading.checks[0]
        raise UsageError(
            f"{check.seen} cannot be the URL of the document.", f"It has to be {check.expected}."
        )
    if not 0 < port <= _LARGEST_PORT:
        raise UsageError(f"{port} is not a port.", "Leave --port out, or give 1 to 65535.")
    hosts = ("localhost", "127.0.0.1")
    return client_document(
        reading.value.text,
        client_name=CLIENT_NAME,
        redirect_uris=[redirect_uri(host, port) for host in hosts],
        device_only=device_only,
    )


async def _forgotten(credentials: Credentials, record: ClientRecord, words: str) -> ActionResult:
    await credentials.clients.forget(record.issuer, record.redirect_uri)
    return ActionResult(outcome=ActionOutcome.DONE, summary=words)


def _kept(record: ClientRecord, cause: str, error_type: type[AuthlensError]) -> ActionResult:
    # The server chose the id.
    client = shlex.quote(record.client_id) if is_plain(record.client_id) else "ID"
    return ActionResult(
        outcome=ActionOutcome.FAILED,
        summary=f"{cause} The client is still stored here.",
        cure=step(
            "Try again, or remove from this machine only",
            f"authlens clients --forget={client} --here",
        ),
        error_type=error_type,
    )
