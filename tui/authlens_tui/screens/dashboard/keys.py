"""The keys of the dashboard, and which of them do something for a credential."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from textual.binding import BindingType

from authlens_core.desk.credentials import CredentialKind, InventoryEntry
from authlens_tui.screens.key_actions import KeyAction, bind

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
_key: Final = partial(bind, "dashboard")

DASHBOARD_KEYS: Final[list[BindingType]] = [
    _key("N", KeyAction.NEW_LOGIN, "New", "Log in to another resource", known_as="new", show=True),
    _key("r", KeyAction.REFRESH, "Refresh", "Get a new access token", show=True),
    _key("p", KeyAction.PROBE, "Probe", "Call the resource with it; renews an expired token", show=True),
    _key("v", KeyAction.REVOKE, "Revoke", "Revoke at the server and verify", show=True),
    _key("c", KeyAction.COPY_TOKEN, "Copy token", "Copy the access token (asks first)", show=True),
    _key("c", KeyAction.COPY_LOGIN_LINK, "Copy link", "Copy the address of the waiting login", show=True),
    _key("x", KeyAction.REVEAL, "Reveal", "Show the access token for a while", show=True),
    _key(
        "t", KeyAction.LOGIN_AGAIN, "Log in again", "Get new tokens by a login", known_as="login", show=True
    ),
    _key("slash", KeyAction.FILTER, "Find", "Filter the list", show=True),
    _key("f", KeyAction.FORGET, "Forget", "Remove from this machine only", show=True),
    _key("z", KeyAction.UNDO_FORGET, "Undo", "Store what was forgotten last again", show=True),
    _key("F", KeyAction.FORGET_CLIENT, "Forget client", "Delete a registered client at its server"),
    _key("Z", KeyAction.SORT, "Sort", "Change the order", show=True),
    _key("enter", KeyAction.INSPECT, "Requests", "Show its last requests and responses", show=True),
    _key("I", KeyAction.INSPECT_NEWEST, "Newest requests", "Show the newest requests of any credential"),
    _key("m", KeyAction.SAVE, "Save", "Save its last requests, redacted"),
    _key("j", KeyAction.CLAIMS, "Claims", "Show the claims of an access token that is a JWT"),
    _key("w", KeyAction.SWITCH, "Other account", "Log in with another account"),
    _key("G", KeyAction.GROUP, "Group", "Group by team"),
    _key("S", KeyAction.SERVICE_TOKEN, "Service token", "Add a service token, for programs"),
    _key(
        "e", KeyAction.EDIT_SERVICE_TOKEN, "Edit token", "Change label, expiry or secret", known_as="replace"
    ),
    _key("M", KeyAction.MOVE, "Move secrets", "Move all secrets to another store"),
    _key("E", KeyAction.EVENTS, "Events", "Show what happened to each credential, and when", show=True),
    _key("P", KeyAction.PROBE_ALL, "Probe all", "Probe every credential shown"),
    _key("R", KeyAction.REFRESH_ALL, "Refresh all", "Refresh every login shown"),
    _key("V", KeyAction.REVOKE_ALL, "Revoke all", "Revoke every login shown and verify"),
    _key("comma", KeyAction.SETTINGS, "Settings", "Auto-refresh, browser, theme"),
    _key("W", KeyAction.DEMO, "Demo", "Look around on a simulated server", show=True),
    _key("escape", KeyAction.STOP, "Stop", "Stop, or clear the filter", show=True),
]


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
