"""What each verb does. Its module is imported when it is called, so that a verb loads little else."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar

from authlens_core.values.errors import LoginNeeded
from authlens_tui.cli.terminal.flags import no_input
from authlens_tui.cli.terminal.output import say
from authlens_tui.cli.terminal.refused import login_needed, say_command

if TYPE_CHECKING:
    from argparse import Namespace

_Verb = Callable[["Namespace"], int]
_Work = Callable[["Namespace"], int | Coroutine[Any, Any, int]]
_Prepared = TypeVar("_Prepared")


def follow_attached_client() -> None:
    """Inside tmux, go by the environment of the client that attached last: the user is there."""
    if os.environ.get("TMUX"):
        from authlens_tui.cli.terminal.attached_client import adopt_client_variables

        adopt_client_variables()


def _run(work: Coroutine[Any, Any, int]) -> int:
    """Run a verb until it ends or a signal ends it; return its exit code."""
    from authlens_tui.cli.terminal.interruption import exit_on_signals, run_until_signal

    exit_on_signals()
    return run_until_signal(work)


def _verb(module: str, function: str = "", *, which: bool = False, attached: bool = False) -> _Verb:
    """Return the verb that a function or a coroutine function of a module below this folder does.

    Args:
        function: its name; that of the module if empty.
        which: whether the verb has the option `--which`.
        attached: whether it goes by the environment of the terminal in front of the user.
    """

    def verb(arguments: Namespace) -> int:
        if which and arguments.which:
            return _show_which(arguments)
        if attached:
            follow_attached_client()
        name = function or module.rpartition(".")[2]
        work: _Work = getattr(import_module(f"authlens_tui.cli.{module}"), name)
        done = work(arguments)
        return done if isinstance(done, int) else _run(done)

    return verb


_show_which: Final = _verb("scripts.credential_verbs", "show_which")


def _login(arguments: Namespace) -> int:
    follow_attached_client()
    # A program's login asks no one for anything.
    if no_input() and arguments.machine is None:
        return _run(_stored_logins(arguments))
    if arguments.cloudflared:
        from authlens_tui.cli.login.with_cloudflared import cloudflared_login

        return _run(cloudflared_login(arguments))
    from authlens_tui.cli.login.login_arguments import login_secrets
    from authlens_tui.cli.login.login_start import login
    from authlens_tui.cli.terminal.interruption import exit_on_signals

    exit_on_signals()
    # The secrets are asked for before there is a loop: a prompt blocks, and Ctrl-C has to end it at once.
    return _run(login(arguments, login_secrets(arguments)))


async def _stored_logins(arguments: Namespace) -> int:
    """Report for each URL whether there is a login that works, refreshed if need be.

    Raises:
        UsageError: a URL cannot be used.
    """
    from authlens_tui.cli.login.in_turn import in_turn
    from authlens_tui.cli.option_values import checked_urls
    from authlens_tui.cli.session import open_session

    more = ["--cloudflared"] if arguments.cloudflared else []
    urls = checked_urls(arguments.urls)
    async with open_session() as session:
        from authlens_core.desk.use import request_headers

        async def find(url: str) -> int:
            try:
                headers = await request_headers(session, url)
                if headers.ended:
                    raise login_needed(headers.ended, "Log in again.")
            except LoginNeeded as error:
                say_command(error, ["login", url, *more])
                return error.exit_code
            say("Already logged in.")
            return 0

        return await in_turn(urls, find)


def _probe(arguments: Namespace) -> int:
    is_stored = arguments.all or arguments.kept
    verb = _verb("stored.lifecycle_verbs", "probe_kept") if is_stored else _verb("probe")
    return verb(arguments)


def _learn(arguments: Namespace) -> int:
    """Open the course where there is a full screen; print what an action, or the list, asks for."""
    lists = arguments.list or arguments.drills or arguments.json
    if arguments.action in {None, "play"} and not lists:
        from authlens_tui.cli.full_screen import why_no_full_screen

        if why_no_full_screen() is None:
            return _verb("full_screen", "learn", attached=True)(arguments)
    return _verb("learn")(arguments)


def _become(preparing: Coroutine[Any, Any, _Prepared], become: Callable[[_Prepared], int]) -> int:
    """Replace this process by another program, once its credential is there."""
    # The other program takes over only after the loop has ended: it inherits no helper process of the store
    # and no half-closed connection.
    prepared: list[_Prepared] = []

    async def prepare() -> int:
        prepared.append(await preparing)
        return 0

    code = _run(prepare())
    if not prepared:
        return code
    # Python ignores it, and what is ignored stays so in the next program: `yes | head` would not end quietly.
    if hasattr(signal, "SIGPIPE"):  # not on Windows
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    return become(prepared[0])


def _run_command(arguments: Namespace) -> int:
    if arguments.which:
        return _show_which(arguments)
    from authlens_tui.cli.scripts.credential_verbs import child_values, run_command

    return _become(child_values(arguments), lambda values: run_command(arguments, values))


def _service_token(arguments: Namespace) -> int:
    from authlens_tui.cli.stored.service_token_verbs import service_token, typed_pair
    from authlens_tui.cli.terminal.interruption import exit_on_signals

    exit_on_signals()
    return _run(service_token(arguments, typed_pair(arguments)))


VERBS: Final[dict[str, _Verb]] = {
    "login": _login,
    "probe": _probe,
    "token": _verb("scripts.credential_verbs", "token"),
    "headers": _verb("scripts.credential_verbs", "headers", which=True),
    "curl": _verb("scripts.program_verbs", "curl", which=True),
    "proxy": _verb("scripts.program_verbs", "proxy", which=True),
    "mcp-bridge": _verb("scripts.program_verbs", "mcp_bridge", which=True),
    "mcp-config": _verb("scripts.agent_verbs", "mcp_config"),
    "run": _run_command,
    "git-credential": _verb("scripts.program_verbs", "git_credential"),
    "credential-helper": _verb("scripts.program_verbs", "credential_helper"),
    "explain": _verb("explain", "explain_message"),
    "skill": _verb("scripts.agent_verbs", "skill"),
    "help": _verb("completion", "show_help"),
    "completion": _verb("completion"),
    "man": _verb("completion", "man"),
    "clients": _verb("stored.clients"),
    "client-metadata": _verb("stored.clients", "client_metadata"),
    "list": _verb("stored.credential_list", "list_credentials"),
    "refresh": _verb("stored.lifecycle_verbs", "refresh_credentials"),
    "revoke": _verb("stored.lifecycle_verbs", "revoke_credentials"),
    "events": _verb("stored.recorded", "show_events"),
    "forget": _verb("stored.lifecycle_verbs", "forget_credential"),
    "service-token": _service_token,
    "store": _verb("stored.store"),
    "export": _verb("stored.recorded", "export_trace"),
    "open": _verb("full_screen", "open_file", attached=True),
    "compare": _verb("stored.recorded", "compare_traces"),
    "doctor": _verb("doctor", attached=True),
    "config": _verb("config"),
    "demo": _verb("full_screen", "demo", attached=True),
    "learn": _learn,
    "emulator": _verb("emulator"),
}
