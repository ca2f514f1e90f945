"""The keys of the wizard, and which of them do something now."""

from __future__ import annotations

from functools import partial
from typing import Final

from textual.binding import BindingType

from authlens_core.desk.log_in import Login, Stage, StageRecord, attacks_on
from authlens_core.trace.failure_reason import failure_reason
from authlens_core.trace.flow import UserPart
from authlens_core.values.check import CheckId
from authlens_core.values.fix import WayOn, other_ways
from authlens_tui.screens.key_actions import KeyAction, bind
from authlens_tui.widgets.key_binding import bound

_key: Final = partial(bind, "wizard", show=True)

WIZARD_KEYS: Final[list[BindingType]] = [
    _key("g", KeyAction.OVERRIDE, "Continue", "Continue despite the failed check"),
    _key("t", KeyAction.RETRY, "Again", "Run the failed stage again"),
    _key("t", KeyAction.SIGN_IN_AGAIN, "Sign in again", "Get a new link and sign in again"),
    _key("o", KeyAction.OWNER, "Be the owner", "Change the setting that the server's owner would change"),
    _key("t", KeyAction.LOGIN_ANEW, "Again", "Run this login again from its start"),
    _key("N", KeyAction.NEXT_LOGIN, "New login", "Start the next login of the menu"),
    _key("n", KeyAction.NEXT, "Next", "Run the next stage"),
    _key("a", KeyAction.RUN_ALL, "All", "Run all stages until one needs you", known_as="all"),
    _key("escape", KeyAction.CANCEL, "Cancel", "Stop"),
    _key("escape", KeyAction.STAGES, "Stages", "Back to the list of stages"),
    _key("e", KeyAction.EDIT, "Edit", "Edit the next request before it is sent"),
    _key("i", KeyAction.WHAT_IF, "What if", "Try an attack"),
    _key("s", KeyAction.PLAY, "Sign in for me", "The demo signs in for you"),
    _key("O", KeyAction.OPEN, "Open", "Open the link in a browser"),
    _key("ctrl+v", KeyAction.PASTE, "Paste", "Paste the address the browser ended on"),
    _key("plus", KeyAction.EXTEND, "Add 5 min", "Give the browser more time"),
    _key("w", KeyAction.ANOTHER_PORT, "Other port", "Use any free port instead", known_as="port"),
    # The key of the paste field, offered while that field is not there yet.
    _key("ctrl+v", KeyAction.PASTE_ONLY, "Paste", "Open no port and paste the address", known_as="no_port"),
    _key("H", KeyAction.OTHER_HOST, "Other host", "Switch between localhost and 127.0.0.1", known_as="host"),
    _key("D", KeyAction.DEVICE, "Device code", "Log in by a code on another device, or by a link again"),
    _key("A", KeyAction.MACHINE, "Program", "Log in as a program, without a user"),
    _key("T", KeyAction.CLOUDFLARED, "cloudflared", "Log in with cloudflared"),
    _key("S", KeyAction.SERVICE_TOKEN, "Service token", "Use a service token"),
    _key("b", KeyAction.BACK, "Back", "Go back one stage"),
    _key("b", KeyAction.UNDO, "Back a stage", "Undo the last stage"),
    _key("d", KeyAction.LEAVE, "Done", "Leave this login", known_as="dashboard"),
    bound("wizard.copy", "c", "copy", "Copy", "Copy the link, or what is shown", show=False),
    _key("C", KeyAction.COPY_MENU, "Copy…", "Copy a message, curl, a link or the access token"),
    _key("l", KeyAction.LESSON, "Learn", "Why this stage exists"),
    _key("x", KeyAction.REVEAL, "Reveal", "Show or mask the secrets of this stage"),
    # Instead of what these keys do when no stage runs.
    _key("b,d", KeyAction.CANCEL_FIRST, "Back, Done", "Esc cancels the running stage first", show=False),
    _key("q", KeyAction.QUIT, "Quit", "Quit authlens (asks first)", show=False),
    _key("greater_than_sign", KeyAction.PLAYER, "Play", "Step through the arrows, one by one"),
    _key("equals_sign", KeyAction.COMPARE, "Compare", "Compare with the login before"),
    _key("m", KeyAction.EXPORT, "Save", "Save this record to a file, redacted"),
    # Not from one that goes on: a second press, after the one that cancels, would lose it.
    _key("escape", KeyAction.CLOSE, "Done", "Leave a login that has ended", show=False),
]

# Checks that say that the port of the callback is not ours.
_NO_PORT: Final = frozenset(
    {CheckId.REGISTRATION_PORT, CheckId.REGISTRATION_PORT_HALF, CheckId.REGISTRATION_LISTENER}
)


def login_keys(login: Login, failed: StageRecord | None) -> dict[KeyAction, bool]:
    """Return for each action on the login whether it does something now.

    Args:
        failed: the record of the next stage if it ran and did not pass.
    """
    running = login.running is not None
    idle = not running and not login.finished
    stuck = failed if idle else None
    names = {check.name for check in stuck.failures} if stuck else set()
    reason = failure_reason(stuck) if stuck else None
    options = other_ways(reason.cure) if reason else frozenset()
    # A code that was redeemed needs a new sign-in. Those of a device are asked for again, which is a retry.
    by_link = login.flow.user_part is UserPart.LINK
    spent = stuck is not None and stuck.stage is Stage.EXCHANGE and by_link
    no_port = bool(names & _NO_PORT)
    return {
        KeyAction.NEXT: idle and failed is None,
        KeyAction.RUN_ALL: idle and failed is None,
        KeyAction.EDIT: idle,
        KeyAction.WHAT_IF: not running and bool(attacks_on(login.facts)),
        KeyAction.EXPORT: bool(login.trace.records),
        KeyAction.PLAYER: bool(login.trace.records),
        KeyAction.OVERRIDE: stuck is not None and stuck.may_continue,
        KeyAction.RETRY: stuck is not None and not spent,
        KeyAction.SIGN_IN_AGAIN: spent,
        KeyAction.ANOTHER_PORT: no_port,
        KeyAction.PASTE_ONLY: no_port and login.facts.options.listen,
        KeyAction.DEVICE: idle and login.facts.other_flow is not None,
        KeyAction.MACHINE: idle and (failed is None or CheckId.SERVER_PROGRAMS_ONLY in names),
        KeyAction.OTHER_HOST: stuck is not None and _is_about_the_host(stuck, names, options),
        KeyAction.CLOUDFLARED: WayOn.CLOUDFLARED in options,
        KeyAction.SERVICE_TOKEN: WayOn.SERVICE_TOKEN in options,
        KeyAction.BACK: idle and login.position is not Stage.DETECTION,
        KeyAction.UNDO: login.finished and not running,
        **dict.fromkeys((KeyAction.CANCEL, KeyAction.CANCEL_FIRST, KeyAction.QUIT), running),
        KeyAction.LEAVE: not running,
        KeyAction.CLOSE: not running and (login.finished or not login.trace.records),
    }


def _is_about_the_host(failed: StageRecord, names: set[str], options: frozenset[WayOn]) -> bool:
    """Whether the other host name in the redirect URI may help."""
    if failed.stage is Stage.AUTHORIZATION:
        # A server that refuses the redirect URI says so in the browser only, and then nothing comes back.
        return WayOn.OTHER_HOST in options or CheckId.AUTHORIZATION_TIMEOUT in names
    if failed.stage is not Stage.REGISTRATION:
        return False
    return CheckId.REGISTRATION_PORT_HALF in names or (bool(names) and not names & _NO_PORT)
