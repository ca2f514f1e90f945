"""The keys of the dashboard, and which of them do something for a credential."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

from authlens_core.access.cloudflared_files import CloudflaredKind
from authlens_core.access.team import is_team_host
from authlens_core.credentials.inventory.inventory import Holding, HoldingKind

__all__ = ["DASHBOARD_KEYS", "applies", "offered"]

DASHBOARD_KEYS: Final[list[BindingType]] = [
    Binding("n", "new_login", "New", id="dashboard.new", tooltip="Log in to another resource"),
    Binding("r", "refresh", "Refresh", id="dashboard.refresh", tooltip="Get a new access token"),
    Binding("p", "probe", "Probe", id="dashboard.probe", tooltip="Ask the resource whether it works"),
    Binding("v", "revoke", "Revoke", id="dashboard.revoke", tooltip="End it at the server, with proof"),
    Binding(
        "l",
        "login_again",
        "Log in",
        id="dashboard.login",
        tooltip="Log in once more, with cloudflared where its token is",
    ),
    Binding("f", "forget", "Forget", id="dashboard.forget", tooltip="Remove from this machine only"),
    Binding("slash", "filter", "Filter", key_display="/", id="dashboard.filter", tooltip="Show only some"),
    Binding("s", "sort", "Sort", id="dashboard.sort", tooltip="Sort by something else"),
    *(
        Binding(key, action, name, id=f"dashboard.{action}", tooltip=meaning, show=False)
        for key, action, name, meaning in (
            ("i", "inspect", "Inspect", "See what was sent last"),
            ("I", "inspect_last", "Inspect last", "See what was sent last, whatever it was for"),
            ("m", "save", "Save", "Save what was sent last, redacted"),
            ("c", "copy_token", "Copy token", "Copy the access token, after a question"),
            ("c", "copy_login_link", "Copy link", "Copy the address that the login waits for"),
            ("x", "reveal", "Reveal token", "Show the access token for a while"),
            ("j", "claims", "Claims", "Show the claims of an access token that is a JWT"),
            ("w", "switch", "Switch account", "Log in as somebody else: the browser remembers who you were"),
            ("g", "group", "Group", "Group by team, or not"),
            ("t", "service_token", "Service token", "Add a service token, for programs"),
            ("u", "replace", "Edit token", "Change label and end, or put in a new secret once it works"),
            ("M", "move", "Move secrets", "Keep them in another place: keyring, encrypted or plain file"),
            ("e", "events", "Events", "See what happened to which credential, and when"),
            ("P", "probe_all", "Probe all", "Ask the resource of everything that is shown"),
            ("R", "refresh_all", "Refresh all", "New access tokens for everything that is shown"),
            ("V", "revoke_all", "Revoke all", "End everything that is shown at its server, with proof"),
        )
    ),
    Binding(
        "comma",
        "settings",
        "Settings",
        key_display=",",
        id="dashboard.settings",
        tooltip="Refreshing by itself, the browser, the theme",
        show=False,
    ),
    Binding(
        "escape", "stop", "Stop", key_display="esc", id="dashboard.stop", tooltip="Stop it, or show all again"
    ),
]

_GRANTS_ONLY: Final = frozenset({"refresh", "revoke", "copy_token", "reveal", "claims"})
_OWN: Final = frozenset({"forget"})


def applies(action: str, holding: Holding | None) -> bool:
    """Say whether an action does something for `holding`; those that are not about a credential always do.

    What was sent last can be looked at with nothing selected: a revocation leaves nothing behind to select.
    cloudflared's tokens are cloudflared's: looked at, probed, renewed by it, and left as they are.
    """
    if action in _GRANTS_ONLY:
        return holding is not None and holding.kind is HoldingKind.GRANT
    if action in _OWN:
        return holding is not None and holding.kind is not HoldingKind.CLOUDFLARED
    if action == "switch":
        return holding is not None and holding.kind is HoldingKind.GRANT and is_team_host(holding.team)
    if action == "replace":
        return holding is not None and holding.kind is HoldingKind.SERVICE_TOKEN
    if action == "login_again":
        return holding is not None and holding.service_token is None and _has_one_address(holding)
    if action == "copy_login_link":
        return (
            holding is not None and holding.cloudflared is not None and bool(holding.cloudflared.pending_url)
        )
    if action == "probe":
        return holding is not None and holding.can_be_asked_about
    return True


def offered(holding: Holding | None) -> tuple[object, ...]:
    """Return what decides which keys the footer has for `holding`: where it is the same, so is the footer."""
    if holding is None:
        return ()
    token = holding.cloudflared
    of_token = None if token is None else (token.pending_url, token.kind, bool(token.url))
    return holding.kind, holding.can_be_asked_about, of_token


def _has_one_address(holding: Holding) -> bool:
    """Say whether there is an address to log in to: a token of a whole team, or of many hosts, has none."""
    token = holding.cloudflared
    return token is None or (token.kind is CloudflaredKind.APPLICATION and bool(token.url))
