"""What each verb does. Its module is imported when it is called, so that a verb loads little else."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from argparse import Namespace

_Verb = Callable[["Namespace"], int]
_Work = Callable[["Namespace"], int | Coroutine[Any, Any, int]]


def follow_attached_client() -> None:
    """Use the environment of the tmux client that attached last, because the user is there."""
    if os.environ.get("TMUX"):
        from authlens_tui.cli.terminal.attached_client import adopt_client_variables

        adopt_client_variables()


def _verb(module: str, function: str, *, which: bool = False, attached: bool = False) -> _Verb:
    """Return the verb that a function or a coroutine function of a module below this folder does.

    Args:
        which: whether the verb has the option `--which`.
        attached: whether it goes by the environment of the terminal in front of the user.
    """

    def verb(arguments: Namespace) -> int:
        if which and arguments.which:
            return _show_which(arguments)
        if attached:
            follow_attached_client()
        work: _Work = getattr(import_module(f"authlens_tui.cli.{module}"), function)
        outcome = work(arguments)
        if isinstance(outcome, int):
            return outcome
        from authlens_tui.cli.terminal.interruption import run_until_signal

        return run_until_signal(outcome)

    return verb


_show_which: Final = _verb("scripts.credential_verbs", "show_which")


def _learn(arguments: Namespace) -> int:
    """Open the course where there is a full screen; print what an action, or the list, asks for."""
    lists = arguments.list or arguments.json
    if arguments.action in {None, "play"} and not lists:
        from authlens_tui.cli.full_screen import why_no_full_screen

        if why_no_full_screen() is None:
            return _verb("full_screen", "learn", attached=True)(arguments)
    return _verb("learn", "learn")(arguments)


VERBS: Final[dict[str, _Verb]] = {
    "login": _verb("login.login_verb", "login", attached=True),
    "probe": _verb("probe", "probe"),
    "token": _verb("scripts.credential_verbs", "token"),
    "headers": _verb("scripts.credential_verbs", "headers", which=True),
    "curl": _verb("scripts.program_verbs", "curl", which=True),
    "proxy": _verb("scripts.program_verbs", "proxy", which=True),
    "mcp-bridge": _verb("scripts.program_verbs", "mcp_bridge", which=True),
    "mcp-config": _verb("scripts.agent_verbs", "mcp_config"),
    "run": _verb("scripts.credential_verbs", "run_command", which=True),
    "git-credential": _verb("scripts.program_verbs", "git_credential"),
    "explain": _verb("explain", "explain_message"),
    "skill": _verb("scripts.agent_verbs", "skill"),
    "help": _verb("completion", "show_help"),
    "completion": _verb("completion", "completion"),
    "man": _verb("completion", "man"),
    "clients": _verb("stored.clients", "clients"),
    "client-metadata": _verb("stored.clients", "client_metadata"),
    "list": _verb("stored.credential_list", "list_credentials"),
    "refresh": _verb("stored.lifecycle_verbs", "refresh_credentials"),
    "revoke": _verb("stored.lifecycle_verbs", "revoke_credentials"),
    "events": _verb("stored.recorded", "show_events"),
    "forget": _verb("stored.lifecycle_verbs", "forget_credential"),
    "service-token": _verb("stored.service_token_verbs", "service_token"),
    "store": _verb("stored.store", "store"),
    "use": _verb("stored.use", "use"),
    "export": _verb("stored.recorded", "export_trace"),
    "open": _verb("full_screen", "open_file", attached=True),
    "compare": _verb("stored.recorded", "compare_traces"),
    "doctor": _verb("doctor", "doctor", attached=True),
    "config": _verb("config", "config"),
    "demo": _verb("full_screen", "demo", attached=True),
    "learn": _learn,
    "emulator": _verb("emulator", "emulator"),
}
