"""What the keys of the dashboard and the wizard do, and how such a key is bound."""

from __future__ import annotations

from enum import StrEnum

from textual.binding import Binding

from authlens_tui.widgets.key_binding import bound


class KeyAction(StrEnum):
    """What a key does on the dashboard, the wizard, or both."""

    NEW_LOGIN = "new_login"
    REFRESH = "refresh"
    PROBE = "probe"
    REVOKE = "revoke"
    LOGIN_AGAIN = "login_again"
    FORGET = "forget"
    UNDO_FORGET = "undo_forget"
    FORGET_CLIENT = "forget_client"
    FILTER = "filter"
    SORT = "sort"
    INSPECT = "inspect"
    INSPECT_NEWEST = "inspect_newest"
    SAVE = "save"
    COPY_TOKEN = "copy_token"  # noqa: S105 - the name of an action
    COPY_LOGIN_LINK = "copy_login_link"
    REVEAL = "reveal"
    CLAIMS = "claims"
    SWITCH = "switch"
    GROUP = "group"
    SERVICE_TOKEN = "service_token"  # noqa: S105 - the name of an action
    EDIT_SERVICE_TOKEN = "edit_service_token"  # noqa: S105 - the name of an action
    MOVE = "move"
    EVENTS = "events"
    PROBE_ALL = "probe_all"
    REFRESH_ALL = "refresh_all"
    REVOKE_ALL = "revoke_all"
    SETTINGS = "settings"
    DEMO = "demo"
    STOP = "stop"
    NEXT = "next"
    RUN_ALL = "run_all"
    EDIT = "edit"
    WHAT_IF = "what_if"
    PLAY = "play"
    OPEN = "open"
    PASTE = "paste"
    EXTEND = "extend"
    OVERRIDE = "override"
    RETRY = "retry"
    SIGN_IN_AGAIN = "sign_in_again"
    ANOTHER_PORT = "another_port"
    PASTE_ONLY = "paste_only"
    OTHER_HOST = "other_host"
    DEVICE = "device"
    MACHINE = "machine"
    CLOUDFLARED = "cloudflared"
    OWNER = "owner"
    BACK = "back"
    UNDO = "undo"
    LESSON = "lesson"
    CANCEL = "cancel"
    STAGES = "stages"
    CANCEL_FIRST = "cancel_first"
    QUIT = "quit"
    EXPORT = "export"
    COPY_MENU = "copy_menu"
    PLAYER = "player"
    LEAVE = "leave"
    CLOSE = "close"
    LOGIN_ANEW = "login_anew"
    NEXT_LOGIN = "next_login"
    COMPARE = "compare"


def bind(
    screen: str,
    key: str,
    key_action: KeyAction,
    name: str,
    meaning: str,
    *,
    known_as: str = "",
    show: bool = False,
) -> Binding:
    """Return the binding of a key to an action; see `bound`.

    Args:
        screen: what the identifier in the user's settings starts with.
        known_as: what it ends with; the action if empty.
    """
    return bound(
        f"{screen}.{known_as or key_action}",
        key,
        f"act('{key_action}')",
        name,
        meaning,
        show=show,
    )
