"""`authlens clients` and `authlens client-metadata`: how servers know authlens."""

from __future__ import annotations

import shlex
from argparse import Namespace

from authlens_core.desk.forget import StoredClient, forget_client, registered_clients
from authlens_core.desk.forget import client_metadata as client_metadata_of
from authlens_tui.cli.session import iso_time, open_session, say_result
from authlens_tui.cli.terminal.output import answer_json, answer_list, say
from authlens_tui.cli.terminal.refused import refusal


async def clients(arguments: Namespace) -> int:
    """Print the registered clients, or forget one of them.

    Raises:
        UsageError: there is no such client, or a login still uses it.
        NoSecretStore: the store could not be read or written.
    """
    async with open_session() as session:
        registered = registered_clients(session)
        unreadable = session.credentials.clients.unreadable()
        if arguments.forget in unreadable:
            await session.credentials.clients.remove_unreadable(arguments.forget)
            say(f"✔ Removed from this machine: the unreadable record {arguments.forget}")
            return 0
        if arguments.forget is not None:
            client = _find(registered, arguments.forget)
            result = await forget_client(session, client, only_here=arguments.here)
            say_result(f"{client.record.client_id} at {client.record.issuer}", result)
            return result.exit_code
    if arguments.json:
        answer_json([*map(_as_json, registered), *map(_unreadable_as_json, unreadable)])
        return 0
    records = (client.record for client in registered)
    answer_list(f"{record.client_id}  {record.issuer}  {record.redirect_uri}" for record in records)
    for key in unreadable:
        say(f"! A client cannot be read. Remove it from this machine: {_removal(key)}")
    if not (registered or unreadable):
        say("No registered clients on this machine.")
    return 0


def _removal(key: str) -> str:
    return f"authlens clients --here --forget {shlex.quote(key)}"


def _unreadable_as_json(key: str) -> dict[str, object]:
    return {"client_id": None, "unreadable": key, "remove": _removal(key)}


def _find(registered: tuple[StoredClient, ...], name: str) -> StoredClient:
    for client in registered:
        if client.record.client_id == name:
            return client
    raise refusal(f"There is no client {name!r} on this machine.", ("See", "authlens clients"))


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
    document = client_metadata_of(arguments.url, arguments.port, device_only=arguments.device)
    answer_json(document)
    url = str(document["client_id"])
    say(f"Host it at {url} as application/json.")
    say(f"  → Then: authlens login RESOURCE --client-metadata-url {shlex.quote(url)}")
    return 0
