"""The keys of the wizard, and which of them do something now."""

from __future__ import annotations

from typing import Final

from textual.binding import BindingType

from authlens_core.desk.log_in import Login, Stage, StageRecord, attacks_on
from authlens_core.trace.failure_reason import failure_reason
from authlens_core.trace.record import CheckId, UserPart
from authlens_core.values.fix import WayOn, other_ways
from authlens_tui.widgets.key_binding import keys

WIZARD_KEYS: Final[list[BindingType]] = keys("wizard")

# Checks that say that the port of the callback is not ours.
_NO_PORT: Final = frozenset(
    {CheckId.REGISTRATION_PORT, CheckId.REGISTRATION_PORT_HALF, CheckId.REGISTRATION_LISTENER}
)


def login_keys(login: Login, failed: StageRecord | None) -> dict[str, bool]:
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
        "next": idle and failed is None,
        "run_all": idle and failed is None,
        "edit": idle,
        "what_if": not running and bool(attacks_on(login.facts)),
        "export": bool(login.trace.records),
        "player": bool(login.trace.records),
        "override": stuck is not None and stuck.may_continue,
        "retry": stuck is not None and not spent,
        "sign_in_again": spent,
        "another_port": no_port,
        "paste_only": no_port and login.facts.options.listen,
        "device": idle and login.facts.other_flow is not None,
        "machine": idle and (failed is None or CheckId.SERVER_PROGRAMS_ONLY in names),
        "other_host": stuck is not None and _is_about_the_host(stuck, names, options),
        "cloudflared": WayOn.CLOUDFLARED in options,
        "service_token": WayOn.SERVICE_TOKEN in options,
        "back": idle and login.position is not Stage.DETECTION,
        "undo": login.finished and not running,
        **dict.fromkeys(("cancel", "cancel_first", "quit"), running),
        "leave": not running,
        "close": not running and (login.finished or not login.trace.records),
    }


def _is_about_the_host(failed: StageRecord, names: set[str], options: frozenset[WayOn]) -> bool:
    """Whether the other host name in the redirect URI may help."""
    if failed.stage is Stage.AUTHORIZATION:
        # A server that refuses the redirect URI says so in the browser only, and then nothing comes back.
        return WayOn.OTHER_HOST in options or CheckId.AUTHORIZATION_TIMEOUT in names
    if failed.stage is not Stage.REGISTRATION:
        return False
    return CheckId.REGISTRATION_PORT_HALF in names or (bool(names) and not names & _NO_PORT)
