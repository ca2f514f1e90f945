"""The entry point: parses, then imports only what the verb needs."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from authlens_core.errors import AuthlensError
from authlens_tui.cli.output import explain, say
from authlens_tui.cli.parser import VERBS, build_parser

__all__ = ["main", "run"]

_INTERRUPTED: Final = 130


def main() -> None:
    """Run `authlens` with the arguments of the process and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        return _dispatch(list(argv))
    except AuthlensError as error:
        explain(error)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our answer has gone; there is nobody to tell.
        sys.stderr.close()
        return 141


def _dispatch(argv: list[str]) -> int:
    if argv == ["--version"]:
        from importlib.metadata import version

        sys.stdout.write(f"authlens {version('authlens')}\n")
        return 0
    if not argv or (not argv[0].startswith("-") and argv[0] not in VERBS):
        return _app(argv)
    parsed = build_parser().parse_args(argv)
    if parsed.verb is None:
        return _app([])
    return _VERBS[parsed.verb](parsed)


def _app(argv: list[str]) -> int:
    """Start the full-screen app, on the wizard if a URL is given."""
    if len(argv) > 1:
        say(f"authlens: one URL at a time, please; got {len(argv)} arguments. See: authlens --help")
        return 2
    from authlens_tui.cli.full_screen import run_app

    return run_app(argv[0] if argv else None)


def _run(work: Coroutine[Any, Any, int]) -> int:
    return asyncio.run(work)


def _login(arguments: Namespace) -> int:
    from authlens_tui.cli.login import login

    return _run(login(arguments))


def _probe(arguments: Namespace) -> int:
    from authlens_tui.cli.probe import probe

    return _run(probe(arguments))


def _token(arguments: Namespace) -> int:
    from authlens_tui.cli.token import token

    return _run(token(arguments))


def _list(arguments: Namespace) -> int:
    from authlens_tui.cli.credentials import list_credentials

    return _run(list_credentials(arguments))


def _refresh(arguments: Namespace) -> int:
    from authlens_tui.cli.credentials import refresh_credentials

    return _run(refresh_credentials(arguments))


def _revoke(arguments: Namespace) -> int:
    from authlens_tui.cli.credentials import revoke_credentials

    return _run(revoke_credentials(arguments))


def _forget(arguments: Namespace) -> int:
    from authlens_tui.cli.credentials import forget_credential

    return _run(forget_credential(arguments))


def _demo(arguments: Namespace) -> int:
    from authlens_tui.cli.full_screen import run_demo

    return run_demo(arguments.fault, play=arguments.play, port=arguments.port)


def _emulator(arguments: Namespace) -> int:
    from authlens_tui.cli.emulator import emulator

    return _run(emulator(arguments))


_VERBS: Final[dict[str, Callable[[Namespace], int]]] = {
    "login": _login,
    "probe": _probe,
    "token": _token,
    "list": _list,
    "refresh": _refresh,
    "revoke": _revoke,
    "forget": _forget,
    "demo": _demo,
    "emulator": _emulator,
}
