"""`authlens clients` and `authlens client-metadata`: how servers know authlens."""

from __future__ import annotations

import shlex
from argparse import Namespace

from authlens_core.callback.binding import RedirectHost, redirect_uri
from authlens_core.desk.clients import StoredClient, forget_client, registered_clients
from authlens_core.login.stages.registration import CLIENT_NAME
from authlens_core.oauth.registration import client_document, is_client_metadata_url
from authlens_core.values.errors import UsageError
from authlens_tui.cli.session import iso_time, open_session, say_result
from authlens_tui.cli.terminal.output import answer_json, answer_list, say

_LARGEST_PORT = 65_535


async def clients(arguments: Namespace) -> int:
    """Print the registered clients, or forget one of them.

    Raises:
        UsageError: there is no such client, or a login still uses it.
        NoSecretStore: the store could not be read or written.
    """
    async with open_session() as session:
        known = registered_clients(session)
        if arguments.forget is not None:
            client = _named(known, arguments.forget)
            result = await forget_client(session, client, only_here=arguments.here)
            say_result(f"{client.record.client_id} at {client.record.issuer}", result)
            return result.exit_code
    if arguments.json:
        answer_json([_as_json(client) for client in known])
        return 0
    records = (client.record for client in known)
    answer_list(f"{record.client_id}  {record.issuer}  {record.redirect_uri}" for record in records)
    if not known:
        say("No registered clients on this machine.")
    return 0


def _named(known: tuple[StoredClient, ...], name: str) -> StoredClient:
    for client in known:
        if client.record.client_id == name:
            return client
    raise UsageError(f"There is no client {name!r} on this machine.", "See: authlens clients")


def _as_json(client: StoredClient) -> dict[str, object]:
    record = client.record
    return {
        "client_id": record.client_id,
        "issuer": record.issuer,
        "redirect_uri": record.redirect_uri,
        "registered_at": iso_time(record.registered_at),
        "deletable": client.is_deletable,
    }


async def client_metadata(arguments: Namespace) -> int:
    """Print the document that a server fetches to learn about authlens.

    Raises:
        UsageError: the URL cannot be a client id, or there is no such port.
    """
    reading = is_client_metadata_url(arguments.url)
    if reading.value is None:
        check = reading.checks[0]
        raise UsageError(
            f"{check.seen} cannot be the URL of the document.", f"It has to be {check.expected}."
        )
    if not 0 < arguments.port <= _LARGEST_PORT:
        raise UsageError(f"{arguments.port} is not a port.", "Leave --port out, or give 1 to 65535.")
    url = reading.value.text
    hosts: tuple[RedirectHost, ...] = ("localhost", "127.0.0.1")
    uris = [redirect_uri(host, arguments.port) for host in hosts]
    answer_json(client_document(url, client_name=CLIENT_NAME, redirect_uris=uris))
    say(f"Host it at {url} as application/json.")
    say(f"  → Then: authlens login RESOURCE --client-metadata-url {shlex.quote(url)}")
    return 0
