"""The keys of the dashboard that do something for a credential."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from authlens_core.desk.credentials import CredentialKind, InventoryEntry

NEED_ROWS: Final = frozenset(
    {
        "filter",
        "sent.inspect",
        "sort",
        "batches.probe_all",
        "batches.refresh_all",
        "batches.revoke_all",
    }
)


def _is_login(entry: InventoryEntry) -> bool:
    return entry.grant is not None


def _has_one_address(entry: InventoryEntry) -> bool:
    """Return whether there is one URL to log in to: a token for a team or for many hosts has none."""
    token = entry.cloudflared
    return token is None or (token.opens_application and bool(token.url))


# cloudflared's tokens are cloudflared's: shown, probed, renewed by it, and never changed.
_APPLIES: Final[Mapping[str, Callable[[InventoryEntry], bool]]] = {
    **dict.fromkeys(
        ("selected.refresh", "selected.revoke", "tokens.copy", "tokens.reveal", "tokens.read_claims"),
        _is_login,
    ),
    "selected.forget": lambda entry: entry.cloudflared is None,
    "login.switch_account": lambda entry: entry.kind is CredentialKind.OAUTH,
    "login.edit_service_token": lambda entry: entry.service_token is not None,
    "login.again": lambda entry: entry.service_token is None and _has_one_address(entry),
    "tokens.copy_login_link": lambda entry: (
        entry.cloudflared is not None and bool(entry.cloudflared.pending_url)
    ),
    "selected.probe": lambda entry: entry.can_be_asked_about,
}


def applies(action: str, entry: InventoryEntry | None) -> bool:
    """Return whether an action does something for `entry`; actions without a credential always do."""
    does = _APPLIES.get(action)
    return does is None or (entry is not None and does(entry))


def offered(entry: InventoryEntry | None) -> tuple[bool, ...]:
    """Return for each key about a credential whether it does something for `entry`."""
    return tuple(applies(action, entry) for action in _APPLIES)
