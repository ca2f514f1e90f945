"""The keys of the dashboard, and which of them do something for a credential."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from textual.binding import BindingType

from authlens_core.desk.credentials import CredentialKind, InventoryEntry
from authlens_tui.widgets.key_binding import keys

NEED_ROWS: Final = frozenset(
    {
        "filter",
        "inspect",
        "sort",
        "group",
        "probe_all",
        "refresh_all",
        "revoke_all",
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
_APPLIES: Final[Mapping[str, Callable[[InventoryEntry], bool]]] = {
    **dict.fromkeys(
        ("refresh", "revoke", "copy_token", "reveal", "claims"),
        _is_login,
    ),
    "forget": lambda entry: entry.cloudflared is None,
    "switch": lambda entry: entry.kind is CredentialKind.OAUTH and entry.is_of_team,
    "edit_service_token": lambda entry: entry.service_token is not None,
    "login_again": lambda entry: entry.service_token is None and _has_one_address(entry),
    "copy_login_link": lambda entry: entry.cloudflared is not None and bool(entry.cloudflared.pending_url),
    "probe": lambda entry: entry.can_be_asked_about,
}


def applies(key_action: str, entry: InventoryEntry | None) -> bool:
    """Say whether an action does something for `entry`; an action that is not about one always does."""
    does = _APPLIES.get(key_action)
    return does is None or (entry is not None and does(entry))


def offered(entry: InventoryEntry | None) -> tuple[bool, ...]:
    """Return which of the keys that are about a credential do something for `entry`."""
    return tuple(applies(key_action, entry) for key_action in _APPLIES)
