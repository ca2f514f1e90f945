"""The keys of the wizard, and which of them do something now."""

from __future__ import annotations

from typing import Final

from textual.binding import BindingType

from authlens_core.desk.log_in import Login, Stage, StageRecord, attacks_on
from authlens_core.trace.failure_reason import failure_reason
from authlens_core.trace.record import CheckId, UserPart
from authlens_core.values.fix import WayOn, other_ways
from authlens_tui.screens.key_actions import KeyAction
from authlens_tui.widgets.key_binding import keys

WIZARD_KEYS: Final[list[BindingType]] = keys("wizard")

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
