"""The clients that servers registered for authlens: delete one there, verify it, and forget it here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from authlens_core.credentials.lifecycle.action_result import failed_action
from authlens_core.credentials.lifecycle.forget_client import forget_client
from authlens_core.credentials.records.grant import ClientRecord
from authlens_core.values.errors import AuthlensError
from authlens_core.values.safe_text import safe_line
from authlens_tui.screens.confirm import ConfirmScreen
from authlens_tui.screens.dashboard.context import DashboardContext
from authlens_tui.screens.dialog import Dialog, DialogBox
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import bound

_WORDS: Final = (
    "A login registered these clients, and their servers let authlens delete them. A client that a login "
    "uses stays: revoke that login first."
)
_DELETE: Final = (
    "authlens deletes the client at the server, reads it to verify that, and then removes it here. The next "
    "login there registers a new one."
)


class RegisteredClientsScreen(Dialog[ClientRecord | None]):
    """Offers the clients that can be deleted; one that is in use is shown with the login that uses it.

    Args:
        clients: each with the resource of the login that uses it, or the empty string.
    """

    HELP = "Choose a client with the arrow keys; Enter asks, then deletes it at its server."
    BINDINGS: ClassVar[list[BindingType]] = [
        bound("clients.cancel", "escape", "dismiss(None)", "Back", "Back without deleting one"),
    ]

    def __init__(self, clients: Sequence[tuple[ClientRecord, str]]) -> None:
        super().__init__()
        self._clients = tuple(clients)

    def body(self) -> ComposeResult:
        with DialogBox("Registered clients"):
            yield Static(Content(_WORDS), classes="dialog-words")
            yield OptionList(
                *(Option(_entry(record, used), disabled=bool(used)) for record, used in self._clients)
            )
            yield Static(Content("Enter deletes one at its server."), classes="dialog-hint")

    def on_mount(self) -> None:
        clients = self.query_one(OptionList)
        clients.focus()
        clients.action_first()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._clients[event.option_index][0])


async def ask_which_client(context: DashboardContext) -> None:
    """Ask which registered client to forget, and forget it with the core of `authlens clients --forget`."""
    credentials = context.session.credentials
    # A refresh needs its client: deleting one in use would end the login without a word.
    using = {(grant.issuer, grant.client_id): grant.resource_url for grant in credentials.list()}
    clients = [
        (record, using.get((record.issuer, record.client_id), ""))
        for record in credentials.clients.list()
        if record.registration_client_uri is not None
    ]
    record = await context.answer(RegisteredClientsScreen(clients))
    if record is None:
        return
    words = f"{safe_line(record.client_id)}\n{safe_line(record.issuer)}\n\n{_DELETE}"
    if await context.answer(ConfirmScreen("Delete the client at its server?", words, "Delete")):
        deleting = _forget(context, record)
        context.run(deleting, group="action", description="delete a client at its server")


async def _forget(context: DashboardContext, record: ClientRecord) -> None:
    session, named = context.session, safe_line(record.client_id)
    context.say(f"Deleting {named} …")
    try:
        result = await forget_client(session.credentials, session.wire, record)
    except AuthlensError as error:
        result = failed_action(error)
    context.say(f"{named}: {result.summary} {result.cure}".rstrip(), good=result.good)
    context.changed(reread=True)


def _entry(record: ClientRecord, used: str) -> Content:
    state = f"used by {safe_line(used)}" if used else "not used by a login here"
    return Content.assemble(safe_line(record.client_id), "\n  ", f"{safe_line(record.issuer)} · {state}")
