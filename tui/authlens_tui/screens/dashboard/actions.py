"""What the keys of the dashboard do to credentials, each in the object whose job it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from authlens_tui.screens.dashboard.batch_actions import BatchActions
from authlens_tui.screens.dashboard.context import DashboardContext
from authlens_tui.screens.dashboard.credential_actions import CredentialActions
from authlens_tui.screens.dashboard.events import EventsScreen
from authlens_tui.screens.dashboard.listing import Listing
from authlens_tui.screens.dashboard.login_actions import LoginActions
from authlens_tui.screens.dashboard.registered_clients import ask_which_client
from authlens_tui.screens.dashboard.sent_requests import SentRequests
from authlens_tui.screens.dashboard.settings import SettingsScreen
from authlens_tui.screens.dashboard.token_actions import TokenActions
from authlens_tui.screens.key_actions import KeyAction


class DashboardActions:
    """Knows what each key does; `select` puts the cursor on a credential, by its id."""

    def __init__(
        self,
        context: DashboardContext,
        listing: Listing,
        suggestion: str,
        select: Callable[[str], None],
    ) -> None:
        self._context = context
        self._listing = listing
        self.sent = SentRequests(context)
        self.tokens = tokens = TokenActions(context)
        self.one = one = CredentialActions(context, self.sent)
        self.batches = BatchActions(context, self.sent, listing)
        login = LoginActions(context, suggestion, listing, select)
        self.by_key: Mapping[KeyAction, Callable[[], object]] = {
            KeyAction.REFRESH: one.refresh,
            KeyAction.PROBE: one.probe,
            KeyAction.REVOKE: one.revoke,
            KeyAction.FORGET: one.forget,
            KeyAction.UNDO_FORGET: one.undo_forget,
            KeyAction.FORGET_CLIENT: lambda: context.ask(partial(ask_which_client, context)),
            KeyAction.COPY_TOKEN: tokens.copy,
            KeyAction.COPY_LOGIN_LINK: tokens.copy_login_link,
            KeyAction.REVEAL: tokens.reveal,
            KeyAction.CLAIMS: tokens.read_claims,
            KeyAction.INSPECT: self.sent.inspect,
            KeyAction.INSPECT_NEWEST: self.sent.inspect_newest,
            KeyAction.SAVE: self.sent.save,
            KeyAction.NEW_LOGIN: login.new,
            KeyAction.LOGIN_AGAIN: login.again,
            KeyAction.SWITCH: login.switch_account,
            KeyAction.SERVICE_TOKEN: login.add_service_token,
            KeyAction.EDIT_SERVICE_TOKEN: login.edit_service_token,
            KeyAction.PROBE_ALL: self.batches.probe_all,
            KeyAction.REFRESH_ALL: self.batches.refresh_all,
            KeyAction.REVOKE_ALL: self.batches.revoke_all,
            KeyAction.MOVE: self.batches.move,
            KeyAction.EVENTS: self._show_events,
            KeyAction.SETTINGS: lambda: context.show(SettingsScreen(context.settings)),
        }

    def _show_events(self) -> None:
        entry = self._context.selected
        names = {one.entry_id: one.title for one in self._listing.entries}
        only = None if entry is None else entry.entry_id
        self._context.show(EventsScreen(self._context.session, names, selected=only))
