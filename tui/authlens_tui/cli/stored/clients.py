"""`authlens clients` and `authlens client-metadata`: how servers know authlens."""

from __future__ import annotations

import shlex
from argparse import Namespace

from authlens_core.callback.binding import RedirectHost, redirect_uri
from authlens_core.credentials.lifecycle.forget_client import forget_client
from authlens_core.credentials.records.grant import ClientRecord
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
        known = session.credentials.clients.list()
        if arguments.forget is not None:
            record = _named(known, arguments.forget)
            result = await forget_client(session.credentials, session.wire, record, only_here=arguments.here)
            say_result(f"{record.client_id} at {record.issuer}", result)
            return result.exit_code
    if arguments.json:
        answer_json([_as_json(record) for record in known])
        return 0
    answer_list(f"{one.client_id}  {one.issuer}  {one.redirect_uri}" for one in known)
    if not known:
        say("No registered clients on this machine.")
    return 0


def _named(known: tuple[ClientRecord, ...], name: str) -> ClientRecord:
    found = [record for record in known if record.client_id == name]
    if not found:
        raise UsageError(f"There is no client {name!r} on this machine.", "See: authlens clients")
    return found[0]


def _as_json(record: ClientRecord) -> dict[str, object]:
    return {
        "client_id": record.client_id,
        "issuer": record.issuer,
        "redirect_uri": record.redirect_uri,
        "registered_at": iso_time(record.registered_at),
        "deletable": record.registration_client_uri is not None,
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
