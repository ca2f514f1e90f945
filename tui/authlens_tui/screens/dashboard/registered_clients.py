"""The clients that servers registered for authlens: delete one there, verify it, and forget it here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.binding import BindingType
from textual.widgets.option_list import Option

from authlens_core.desk.forget import StoredClient, forget_client, registered_clients
from authlens_tui.screens.dashboard.context import DashboardContext
from authlens_tui.screens.dialog import ChoiceDialog, ConfirmScreen
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.key_binding import keys

_WORDS: Final = (
    "A login registered these clients, and their servers let authlens delete them. A client that a login "
    "uses stays: revoke that login first."
)
_DELETE: Final = (
    "authlens deletes the client at the server, reads it to verify that, and then removes it here. The next "
    "login there registers a new one."
)


class RegisteredClientsScreen(ChoiceDialog[StoredClient]):
    """Offers the clients that can be deleted; one that is in use is shown with the login that uses it."""

    BINDINGS: ClassVar[list[BindingType]] = keys("clients")

    def __init__(self, clients: Sequence[StoredClient]) -> None:
        shown = [(Option(_entry(client), disabled=bool(client.used_by)), client) for client in clients]
        hint = "Enter deletes one at its server."
        super().__init__("Registered clients", shown, words=Content(_WORDS), hint=hint)


def ask_which_client(context: DashboardContext) -> None:
    """Ask which registered client to forget, and forget it with the core of `authlens clients --forget`."""

    def chosen(client: StoredClient | None) -> None:
        if client is None:
            return
        record = client.record
        words = f"{record.client_id}\n{record.issuer}\n\n{_DELETE}"
        context.screen.app.push_screen(
            ConfirmScreen("Delete the client at its server?", words, "Delete"),
            lambda agreed: context.run(_forget(context, client)) if agreed else None,
        )

    clients = [client for client in registered_clients(context.session) if client.is_deletable]
    context.screen.app.push_screen(RegisteredClientsScreen(clients), chosen)


async def _forget(context: DashboardContext, client: StoredClient) -> None:
    name = client.record.client_id
    context.say(f"Deleting {name} …")
    result = await forget_client(context.session, client)
    context.say(f"{name}: {result.summary} {result.cure}".rstrip(), good=result.good)
    context.changed(reread=True)


def _entry(client: StoredClient) -> Content:
    record = client.record
    state = f"used by {client.used_by}" if client.used_by else "not used by a login here"
    return Content(f"{record.client_id}\n  {record.issuer} · {state}")
