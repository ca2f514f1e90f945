"""The keys of the dashboard, and which of them do something for a credential."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from textual.binding import BindingType

from authlens_core.desk.credentials import CredentialKind, InventoryEntry
from authlens_tui.screens.key_actions import KeyAction
from authlens_tui.widgets.key_binding import keys

NEED_ROWS: Final = frozenset(
    {
        KeyAction.FILTER,
        KeyAction.INSPECT,
        KeyAction.SORT,
        KeyAction.GROUP,
        KeyAction.PROBE_ALL,
        KeyAction.REFRESH_ALL,
        KeyAction.REVOKE_ALL,
    }
)
DASHBOARD_KEYS: Final[list[BindingType]] = keys("dashboard")


def _is_login(entry: InventoryEntry) -> bool:
    return entry.grant is not None


def _has_one_address(entry: InventoryEntry) -> bool:
    """Say whether there is one address to log in to: a token for a team or for many hosts has none."""
    token = entry.cloudflared
    return token is None or (token.opens_application and bool(token.url))


# cloudflared's tokens are cloudflared's: shown, probed, renewed by it, and never changed.
_APPLIES: Final[Mapping[KeyAction, Callable[[InventoryEntry], bool]]] = {
    **dict.fromkeys(
        (KeyAction.REFRESH, KeyAction.REVOKE, KeyAction.COPY_TOKEN, KeyAction.REVEAL, KeyAction.CLAIMS),
        _is_login,
    ),
    KeyAction.FORGET: lambda entry: entry.cloudflared is None,
    KeyAction.SWITCH: lambda entry: entry.kind is CredentialKind.OAUTH and entry.is_of_team,
    KeyAction.EDIT_SERVICE_TOKEN: lambda entry: entry.service_token is not None,
    KeyAction.LOGIN_AGAIN: lambda entry: entry.service_token is None and _has_one_address(entry),
    KeyAction.COPY_LOGIN_LINK: lambda entry: (
        entry.cloudflared is not None and bool(entry.cloudflared.pending_url)
    ),
    KeyAction.PROBE: lambda entry: entry.can_be_asked_about,
}


def applies(key_action: KeyAction, entry: InventoryEntry | None) -> bool:
    """Say whether an action does something for `entry`; an action that is not about one always does."""
    does = _APPLIES.get(key_action)
    return does is None or (entry is not None and does(entry))


def offered(entry: InventoryEntry | None) -> tuple[object, ...]:
    """Return what decides which keys the footer has for `entry`: if it is the same, so is the footer."""
    if entry is None:
        return ()
    token = entry.cloudflared
    of_token = None if token is None else (token.pending_url, token.kind, bool(token.url))
    return entry.kind, entry.can_be_asked_about, of_token
