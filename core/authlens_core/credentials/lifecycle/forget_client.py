"""Delete a registered client at its server and verify that (RFC 7592 §2.3), then forget it here."""

from __future__ import annotations

import shlex

from authlens_core.credentials.lifecycle.action_result import ActionOutcome, ActionResult
from authlens_core.credentials.records.grant import ClientRecord
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.oauth.client_management import Deletion, management_request, read_deletion
from authlens_core.values.errors import AuthlensError, Refused, UsageError
from authlens_core.values.url import UrlRefused, parse_url
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import TOKEN

_GONE = (401, 403, 404, 410)


async def forget_client(
    credentials: Credentials, wire: Wire, record: ClientRecord, *, only_here: bool = False
) -> ActionResult:
    """Delete the registration at the server, read it to see that it is gone, and remove it from this machine.

    A client that the server did not delete stays here, so that it can be tried again.

    Raises:
        UsageError: a login still uses the client: nothing was sent.
        NoSecretStore: the store could not be read or written.
    """
    _refuse_in_use(credentials, record)
    if only_here:
        return await _forgotten(credentials, record, "Removed from this machine; the server still has it.")
    loopback = parse_url(record.issuer, loopback_http=True).is_loopback
    client = await credentials.clients.load(record)
    try:
        delete = management_request(client, "DELETE", loopback_http=loopback)
        read = management_request(client, "GET", loopback_http=loopback)
    except UrlRefused as refused:
        return _kept(record, f"The stored management URL is refused: {refused}.", Refused)
    if delete is None or read is None:
        words = "Removed from this machine. The server gave no way to delete a registration: it still has it."
        return await _forgotten(credentials, record, words)
    exchange = await wire.send(delete, limits=TOKEN, loopback_http=loopback)
    if exchange.answer is None:
        return _kept(record, exchange.no_answer.cause, exchange.no_answer.error_type)
    status, deletion = exchange.answer.status, read_deletion(exchange.answer.status)
    if deletion is Deletion.UNSUPPORTED:
        return _kept(record, f"The server does not let clients delete themselves ({status}).", Refused)
    if deletion is Deletion.REFUSED:
        return _kept(record, f"The server did not delete the client ({status}).", Refused)
    # RFC 7592 §2.3 promises a 204; some servers answer so and keep the client.
    after = await wire.send(read, limits=TOKEN, loopback_http=loopback)
    seen = None if after.response is None else after.response.status
    if seen is not None and 200 <= seen < 300:
        return _kept(record, f"The server answered {status}, and still has the client.", Refused)
    said = "deleted the client" if deletion is Deletion.DELETED else "does not know the client"
    proof = f"reading it returned {seen or 'no answer'}"
    proof += "" if seen in _GONE else ", which verifies nothing"
    return await _forgotten(credentials, record, f"The server {said} ({status}); {proof}.")


def _refuse_in_use(credentials: Credentials, record: ClientRecord) -> None:
    for grant in credentials.list():
        if (grant.issuer, grant.client_id) == (record.issuer, record.client_id):
            raise UsageError(
                f"The login for {grant.resource_url} still uses this client.",
                f"Revoke it first: authlens revoke {shlex.quote(grant.resource_url)}",
            )


async def _forgotten(credentials: Credentials, record: ClientRecord, words: str) -> ActionResult:
    await credentials.clients.forget(record.issuer, record.redirect_uri)
    return ActionResult(outcome=ActionOutcome.DONE, summary=words)


def _kept(record: ClientRecord, cause: str, error_type: type[AuthlensError]) -> ActionResult:
    return ActionResult(
        outcome=ActionOutcome.FAILED,
        summary=f"{cause} The client is still stored here.",
        cure="Try again, or remove from this machine only: authlens clients "
        f"{shlex.quote(f'--forget={record.client_id}')} --here",
        error_type=error_type,
    )
