"""The keys of the wizard, and which of them do something at a given moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.binding import Binding, BindingType

from authlens_core.login.login import Login
from authlens_core.login.other_ways import OtherWay, other_ways
from authlens_core.oauth.check_id import CheckId
from authlens_core.trace.record import Stage, StageRecord

__all__ = ["WIZARD_KEYS", "login_keys", "ways_on"]

WIZARD_KEYS: Final[list[BindingType]] = [
    Binding("n", "next", "Next", id="wizard.next", tooltip="Run the next stage"),
    Binding("a", "run_all", "All", id="wizard.all", tooltip="Run the stages until one needs you"),
    Binding("e", "edit", "Edit", id="wizard.edit", tooltip="Change what is sent next, before it is sent"),
    Binding("i", "what_if", "What if", id="wizard.what_if", tooltip="Try an attack and see who stops it"),
    Binding("s", "play", "Sign in for me", id="wizard.play", tooltip="The demo plays the person"),
    Binding("o", "open", "Open", id="wizard.open", tooltip="Open the link in a browser"),
    Binding("p", "paste", "Paste", id="wizard.paste", tooltip="Paste the address the browser ended on"),
    Binding("plus", "extend", "+5 min", id="wizard.extend", tooltip="Give the browser more time"),
    Binding("g", "override", "Go on", id="wizard.override", tooltip="In spite of the failed check"),
    Binding("t", "retry", "Retry", id="wizard.retry", tooltip="Run the failed stage again"),
    Binding("w", "another_port", "Port", id="wizard.port", tooltip="Use any free port instead"),
    # The key of the paste box: it is offered where that box is not there yet.
    Binding(
        "p",
        "paste_only",
        "Paste",
        id="wizard.no_port",
        tooltip="Open no port: you paste the address that the browser ends on",
    ),
    Binding("h", "other_host", "Host", id="wizard.host", tooltip="localhost or 127.0.0.1"),
    Binding(
        "C",
        "other_way('cloudflared')",
        "cloudflared",
        id="wizard.cloudflared",
        tooltip="Log in with cloudflared",
    ),
    Binding(
        "S",
        "other_way('service token')",
        "Service token",
        id="wizard.service_token",
        tooltip="Give a service token",
    ),
    Binding("b", "back", "Back", id="wizard.back", tooltip="Take the facts of one stage earlier"),
    Binding("c", "copy", "Copy", id="wizard.copy", tooltip="Copy the link, or what is shown", show=False),
    Binding("l", "lesson", "Learn", id="wizard.lesson", tooltip="Why this stage exists"),
    Binding("x", "reveal", "Reveal", id="wizard.reveal", tooltip="Show or mask the secrets of this stage"),
    Binding(
        "right_square_bracket",
        "tab(1)",
        "Tab",
        key_display="]",
        id="wizard.tab",
        tooltip="Next tab",
        show=False,
    ),
    Binding(
        "left_square_bracket",
        "tab(-1)",
        "Tab before",
        id="wizard.tab_back",
        tooltip="Tab before",
        show=False,
    ),
    Binding("escape", "cancel", "Cancel", id="wizard.cancel", tooltip="Stop what runs"),
    Binding(
        "m", "export", "Save", id="wizard.export", tooltip="Save this record, redacted, in a file", show=False
    ),
    Binding("d", "dashboard", "Leave", id="wizard.dashboard", tooltip="Leave for the dashboard"),
]

_WAYS_ON: Final = {
    "override": ("g", "go on anyway"),
    "another_port": ("w", "use another free port (the client is registered again)"),
    "paste_only": ("p", "open none and paste the answer yourself"),
    "other_host": ("h", "use the other host name"),
    OtherWay.CLOUDFLARED.value: ("C", "log in with cloudflared"),
    OtherWay.SERVICE_TOKEN.value: ("S", "give a service token"),
    "retry": ("t", "run it again"),
    "edit": ("e", "edit what it sends"),
    "back": ("b", "go back a stage"),
}


_ABOUT_THE_REDIRECT_URI: Final = frozenset(
    {
        "redirect_uri_changed",
        "redirect_uri_not_in_application",
        "redirect_uri_not_in_account",
        "redirect_uri_refused",
    }
)
_NO_PORT: Final = frozenset(
    {CheckId.REGISTRATION_PORT, CheckId.REGISTRATION_PORT_HALF, CheckId.REGISTRATION_LISTENER}
)
"""Checks that say that the port of the callback is not ours."""


def login_keys(login: Login, failed: StageRecord | None) -> dict[str, bool]:
    """Return for each action on the login whether it does something now.

    Args:
        login: the login that is walked.
        failed: the record of the stage to run next, where it ran and did not pass.
    """
    running = login.running is not None
    idle = not running and not login.finished
    stuck = idle and failed is not None
    names = {check.name for check in failed.failures} if failed else set()
    others = other_ways(failed) if stuck else ()
    no_port = bool(names & _NO_PORT)
    return {
        "next": idle and failed is None,
        "run_all": idle and failed is None,
        "edit": idle,
        "what_if": not running,
        "export": bool(login.trace.records),
        "override": stuck and failed is not None and any(check.overridable for check in failed.failures),
        "retry": stuck,
        "another_port": stuck and no_port,
        "paste_only": stuck and no_port and login.facts.options.listen,
        "other_host": stuck and failed is not None and _is_about_the_host(failed, names),
        **{way.value: way in others for way in OtherWay},
        "back": not running and login.position is not Stage.DETECTION,
        "cancel": running,
        "dashboard": not running,
    }


def _is_about_the_host(failed: StageRecord, names: set[str]) -> bool:
    """Whether the other host name in the redirect URI may be what helps."""
    if failed.stage is Stage.AUTHORIZATION:
        # A server that refuses the redirect URI says so in the browser, and never sends that back.
        refused = (failed.diagnosis is not None and failed.diagnosis.name in _ABOUT_THE_REDIRECT_URI) or any(
            check.error_code == "invalid_redirect_uri" for check in failed.failures
        )
        return CheckId.AUTHORIZATION_TIMEOUT in names or refused
    if failed.stage is not Stage.REGISTRATION:
        return False
    return CheckId.REGISTRATION_PORT_HALF in names or (bool(names) and not names & _NO_PORT)


def ways_on(allowed: Mapping[str, bool]) -> tuple[tuple[str, str], ...]:
    """Return the keys that lead on from a stage that did not pass, each with what it does."""
    return tuple(way for action, way in _WAYS_ON.items() if allowed.get(action))
