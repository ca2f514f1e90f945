"""The verbs for scripts and coding agents; each imports what it needs when it is called."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from authlens_core.secret import Secret

if TYPE_CHECKING:
    from argparse import Namespace

__all__ = ["AGENT_ACTIONS", "run_verb", "show_which"]


def run_verb(work: Coroutine[Any, Any, int]) -> int:
    """Run a verb until it ends or a signal ends it; return its exit code."""
    from authlens_tui.cli.terminal.interruption import exit_on_signals, run_until_signal

    exit_on_signals()
    return run_until_signal(work)


def _proxy(arguments: Namespace) -> int:
    if arguments.which:
        return show_which(arguments)
    from authlens_tui.cli.proxy import proxy

    return run_verb(proxy(arguments))


def _mcp_bridge(arguments: Namespace) -> int:
    if arguments.which:
        return show_which(arguments)
    from authlens_tui.cli.mcp_bridge import mcp_bridge

    return run_verb(mcp_bridge(arguments))


def _mcp_config(arguments: Namespace) -> int:
    from authlens_tui.cli.mcp_config import mcp_config

    return run_verb(mcp_config(arguments))


def _credential_helper(arguments: Namespace) -> int:
    from authlens_tui.cli.credential_helper import credential_helper

    return run_verb(credential_helper(arguments))


def _git_credential(arguments: Namespace) -> int:
    from authlens_tui.cli.git_credential import git_credential

    return run_verb(git_credential(arguments))


def _run_command(arguments: Namespace) -> int:
    from authlens_tui.cli.run import child_values, run_command

    if arguments.which:
        return show_which(arguments)
    values: dict[str, Secret] = {}

    async def prepare() -> int:
        values.update(await child_values(arguments))
        return 0

    code = run_verb(prepare())
    return run_command(arguments, values) if values else code


def show_which(arguments: Namespace) -> int:
    from authlens_tui.cli.credential_choice import show_which

    return run_verb(show_which(arguments))


def _explain(arguments: Namespace) -> int:
    from authlens_tui.cli.explain import explain_message

    return run_verb(explain_message(arguments))


def _skill(arguments: Namespace) -> int:
    from authlens_tui.cli.skill import skill

    return run_verb(skill(arguments))


def _completion(arguments: Namespace) -> int:
    from authlens_tui.cli.completion import completion

    return run_verb(completion(arguments))


def _man(arguments: Namespace) -> int:
    from authlens_tui.cli.completion import man

    return run_verb(man(arguments))


def _clients(arguments: Namespace) -> int:
    from authlens_tui.cli.clients import clients

    return run_verb(clients(arguments))


def _client_metadata(arguments: Namespace) -> int:
    from authlens_tui.cli.clients import client_metadata

    return run_verb(client_metadata(arguments))


AGENT_ACTIONS: Final[dict[str, Callable[[Namespace], int]]] = {
    "proxy": _proxy,
    "mcp-bridge": _mcp_bridge,
    "mcp-config": _mcp_config,
    "run": _run_command,
    "git-credential": _git_credential,
    "credential-helper": _credential_helper,
    "explain": _explain,
    "skill": _skill,
    "completion": _completion,
    "man": _man,
    "clients": _clients,
    "client-metadata": _client_metadata,
}
