"""The entry point: parses, then imports only what the verb needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from authlens_core.errors import AuthlensError, LoginNeeded, UsageError
from authlens_tui.cli.agent_verbs import AGENT_ACTIONS, run_verb, show_which
from authlens_tui.cli.terminal.no_input import no_input, say_command, without_flag
from authlens_tui.cli.terminal.output import answer_line, discard, explain, say
from authlens_tui.cli.terminal.unexpected import FAILED, say_unexpected, silence_tracebacks

if TYPE_CHECKING:
    from argparse import Namespace

__all__ = ["credential_helper_main", "git_credential_main", "main", "run"]

_INTERRUPTED: Final = 130
_NOBODY_READS: Final = 141  # what a shell reports of a program that SIGPIPE ended


def main() -> None:
    """Run `authlens` with the arguments of the process and exit with its code."""
    silence_tracebacks()
    sys.exit(run(sys.argv[1:]))


def git_credential_main() -> None:
    """Be `git-credential-authlens`, which git runs for `credential.helper = authlens`."""
    silence_tracebacks()
    sys.exit(run(["git-credential", *sys.argv[1:]]))


def credential_helper_main() -> None:
    """Be `authlens-credential-helper`: Bazel takes the path of a program and no arguments."""
    silence_tracebacks()
    sys.exit(run(["credential-helper", *sys.argv[1:]]))


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    argv = without_flag(argv)
    try:
        return _dispatch(list(argv))
    except LoginNeeded as error:
        if no_input():
            say_command(error, argv)
        else:
            explain(error)
        return error.exit_code
    except AuthlensError as error:
        explain(error)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        discard(sys.stdout)
        return _NOBODY_READS
    except Exception as error:
        # The boundary of the process: a traceback would show lines of data.
        say_unexpected(error)
        return FAILED


def _dispatch(argv: list[str]) -> int:
    _refuse_borrowed_rights()
    if "--plain" in argv[:2] and argv[0] not in _VERBS:
        argv.remove("--plain")
        os.environ["AUTHLENS_PLAIN"] = "1"
    if argv[:1] == ["--theme"] and len(argv) > 1:
        os.environ["AUTHLENS_THEME"] = argv[1]
        argv = argv[2:]
    if not argv or (not argv[0].startswith("-") and argv[0] not in _VERBS):
        return _app(argv)
    parsed = _parsed(argv)
    if parsed.version:
        from importlib.metadata import version

        answer_line(f"authlens {version('authlens')}")
        return 0
    if parsed.verb is None:
        return _app([])
    return _VERBS[parsed.verb](parsed)


def _parsed(argv: Sequence[str]) -> Namespace:
    from authlens_tui.cli.parser import build_parser  # the full-screen app needs none

    return build_parser().parse_args(argv)


def _refuse_borrowed_rights() -> None:
    """Do not run with another account's rights than the caller's own.

    Raises:
        UsageError: the program is set-user-ID or set-group-ID.
    """
    if sys.platform == "win32":
        return
    if os.getuid() != os.geteuid() or os.getgid() != os.getegid():
        raise UsageError(
            "authlens was started with the rights of another account (setuid or setgid).",
            "Remove that bit from the program; it needs only your own rights.",
        )


def _follow_the_attached_client() -> None:
    """Inside tmux, go by the environment of the client that attached last: the user sits there."""
    if not os.environ.get("TMUX"):
        return
    from authlens_core.callback.attached_client import client_variables

    for name, value in client_variables(os.environ).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _app(argv: list[str]) -> int:
    """Start the full-screen app, on the wizard if a URL is given; or do it line by line.

    Raises:
        UsageError: the arguments are neither a verb nor one URL.
    """
    if argv:
        _refuse_other_words(argv)
    if no_input():
        raise LoginNeeded("The app is interactive.", "Without --no-input: authlens")
    _follow_the_attached_client()
    from authlens_tui.cli.full_screen import run_app, why_no_full_screen

    why = why_no_full_screen()
    if why is None or (not argv and not os.environ.get("AUTHLENS_PLAIN")):
        return run_app(argv[0] if argv else None)
    return _line_by_line(argv, why)


def _line_by_line(argv: list[str], why: str) -> int:
    """Do what the full-screen app would be for: log in to a URL, or show what there is."""
    from authlens_tui.cli.urls import checked_url

    if not argv:
        code = _list(_parsed(["list"]))
        say("  → Log in: authlens login URL     Everything else: authlens --help")
        return code
    url = checked_url(argv[0])
    say(f"{why} The login continues without the full screen.")
    return _login(_parsed(["login", url]))


def _refuse_other_words(argv: list[str]) -> None:
    word = argv[0]
    if "/" not in word and "." not in word and ":" not in word:
        near = get_close_matches(argv[0], _VERBS, 1)
        meant = f"Did you mean authlens {near[0]}? " if near else ""
        raise UsageError(f"There is no verb {word!r}.", f"{meant}See: authlens --help")
    if len(argv) > 1:
        raise UsageError(
            f"The app takes one URL and no options; {argv[1]!r} is too much.",
            "Options belong to a verb: authlens login URL, authlens probe URL. See: authlens --help",
        )


def _login(arguments: Namespace) -> int:
    _follow_the_attached_client()
    if no_input():
        return run_verb(_stored_login(arguments))
    if arguments.cloudflared:
        from authlens_tui.cli.cloudflared import cloudflared_login

        return run_verb(cloudflared_login(arguments))
    from authlens_tui.cli.client_secret import client_secret
    from authlens_tui.cli.login import login
    from authlens_tui.cli.terminal.interruption import exit_on_signals

    exit_on_signals()
    return run_verb(login(arguments, client_secret(arguments)))


async def _stored_login(arguments: Namespace) -> int:
    """Say that there is a login that works, refreshed if need be.

    Raises:
        LoginNeeded: there is none.
    """
    from authlens_tui.cli.session import open_session
    from authlens_tui.cli.urls import checked_url

    url = checked_url(arguments.url)
    async with open_session() as session:
        from authlens_core.credentials.inventory.request_headers import headers_for

        await headers_for(session.credentials, session.wire, url)
    say("Already logged in.")
    return 0


def _probe(arguments: Namespace) -> int:
    if arguments.all or arguments.kept:
        from authlens_tui.cli.probe_kept import probe_kept

        return run_verb(probe_kept(arguments))
    from authlens_tui.cli.probe import probe

    return run_verb(probe(arguments))


def _events(arguments: Namespace) -> int:
    from authlens_tui.cli.events import show_events

    return run_verb(show_events(arguments))


def _token(arguments: Namespace) -> int:
    from authlens_tui.cli.token import token

    return run_verb(token(arguments))


def _headers(arguments: Namespace) -> int:
    from authlens_tui.cli.headers import headers

    return run_verb(headers(arguments))


def _curl(arguments: Namespace) -> int:
    if arguments.which:
        return show_which(arguments)
    from authlens_tui.cli.headers import CurlCall, curl_call, run_curl

    calls: list[CurlCall] = []

    async def prepare() -> int:
        calls.append(await curl_call(arguments))
        return 0

    code = run_verb(prepare())
    return run_curl(calls[0]) if calls else code


def _service_token(arguments: Namespace) -> int:
    from authlens_tui.cli.service_token import service_token, typed_pair
    from authlens_tui.cli.terminal.interruption import exit_on_signals

    exit_on_signals()
    return run_verb(service_token(arguments, typed_pair(arguments)))


def _list(arguments: Namespace) -> int:
    from authlens_tui.cli.credentials import list_credentials

    return run_verb(list_credentials(arguments))


def _refresh(arguments: Namespace) -> int:
    from authlens_tui.cli.refresh import refresh_credentials

    return run_verb(refresh_credentials(arguments))


def _revoke(arguments: Namespace) -> int:
    from authlens_tui.cli.revoke import revoke_credentials

    return run_verb(revoke_credentials(arguments))


def _forget(arguments: Namespace) -> int:
    from authlens_tui.cli.revoke import forget_credential

    return run_verb(forget_credential(arguments))


def _export(arguments: Namespace) -> int:
    from authlens_tui.cli.export import export_trace

    return run_verb(export_trace(arguments))


def _open(arguments: Namespace) -> int:
    _follow_the_attached_client()
    from authlens_tui.cli.open import open_file

    return open_file(arguments)


def _compare(arguments: Namespace) -> int:
    from authlens_tui.cli.compare import compare_traces

    return run_verb(compare_traces(arguments))


def _store(arguments: Namespace) -> int:
    from authlens_tui.cli.store import store

    return run_verb(store(arguments))


def _config(arguments: Namespace) -> int:
    from authlens_tui.cli.config import config

    return config(arguments)


def _doctor(arguments: Namespace) -> int:
    _follow_the_attached_client()
    from authlens_tui.cli.doctor import doctor

    return run_verb(doctor(arguments))


def _demo(arguments: Namespace) -> int:
    _follow_the_attached_client()
    from authlens_tui.cli.demo import run_demo

    return run_demo(arguments.fault, play=arguments.play, port=arguments.port)


def _emulator(arguments: Namespace) -> int:
    from authlens_tui.cli.emulator import emulator

    return run_verb(emulator(arguments))


_VERBS: Final[dict[str, Callable[[Namespace], int]]] = {
    "login": _login,
    "probe": _probe,
    "token": _token,
    "headers": _headers,
    "curl": _curl,
    **AGENT_ACTIONS,
    "list": _list,
    "refresh": _refresh,
    "revoke": _revoke,
    "events": _events,
    "forget": _forget,
    "service-token": _service_token,
    "store": _store,
    "export": _export,
    "open": _open,
    "compare": _compare,
    "doctor": _doctor,
    "config": _config,
    "demo": _demo,
    "emulator": _emulator,
}
