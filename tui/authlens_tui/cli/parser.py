"""The verbs and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

__all__ = ["VERBS", "build_parser"]

_EPILOG = """exit codes:
  0 ok   2 usage   3 not protected   4 a person must log in   5 refused by the server or policy
  6 network or TLS   7 server misconfigured or hostile   8 timed out   9 no place to keep secrets
"""


def _add_login(add: argparse.ArgumentParser) -> None:
    add.add_argument("url", metavar="URL", help="the protected resource")
    add.add_argument("--no-browser", action="store_true", help="never open a browser, only show the link")
    add.add_argument("--json", action="store_true", help="tell what happens as JSON lines on stdout")
    add.add_argument(
        "--timeout", type=float, default=300.0, metavar="S", help="seconds to wait for the browser"
    )
    add.add_argument(
        "--port", type=_port, default=8400, metavar="N", help="callback port (8400; 0: any free one)"
    )
    add.add_argument(
        "--redirect-host",
        choices=["localhost", "127.0.0.1"],
        default="localhost",
        help="host name in the redirect URI; Access has a switch for each",
    )
    add.add_argument("--client-id", metavar="ID", help="a client registered beforehand")
    add.add_argument("--client-metadata-url", metavar="URL", help="a Client ID Metadata Document")
    add.add_argument("--scope", metavar="S", help="scope to ask for, in place of the challenge's")
    add.add_argument("--resource", metavar="R", help="resource to ask for, in place of the metadata's")
    add.add_argument("--issuer", metavar="URL", help="which of several authorization servers to use")
    add.add_argument("--method", choices=["GET", "POST"], help="how to ask the resource")
    add.add_argument("--yes", action="store_true", help="go on where a failed check may be overridden")


def _add_url(add: argparse.ArgumentParser) -> None:
    add.add_argument("url", metavar="URL", help="the protected resource")


def _add_probe(add: argparse.ArgumentParser) -> None:
    _add_url(add)
    add.add_argument("--json", action="store_true", help="one JSON object on stdout")
    add.add_argument("--method", choices=["GET", "POST"], help="how to ask the resource")


def _add_token(add: argparse.ArgumentParser) -> None:
    _add_url(add)
    add.add_argument(
        "--min-ttl", type=float, default=60.0, metavar="S", help="refresh if it would not last this long (60)"
    )


def _add_list(add: argparse.ArgumentParser) -> None:
    add.add_argument("--json", action="store_true", help="a JSON array on stdout")


def _add_url_or_all(add: argparse.ArgumentParser) -> None:
    which = add.add_mutually_exclusive_group(required=True)
    which.add_argument("url", metavar="URL", nargs="?", help="the protected resource")
    which.add_argument("--all", action="store_true", help="every credential")
    add.add_argument("--json", action="store_true", help="results as JSON on stdout")


def _add_fault(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "--fault",
        metavar="NAME",
        action="append",
        default=[],
        help="break one thing (--fault list names them)",
    )


def _add_demo(add: argparse.ArgumentParser) -> None:
    _add_fault(add)
    add.add_argument("--play", action="store_true", help="play the person: sign in without a browser")
    add.add_argument("--port", type=_port, default=8400, metavar="N", help="callback port (8400)")


def _add_emulator(add: argparse.ArgumentParser) -> None:
    add.add_argument("--port", type=_port, default=0, metavar="N", help="port of the protected resource")
    add.add_argument("--token-lifetime", type=int, default=60, metavar="S", help="seconds (60)")
    _add_fault(add)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError
    return port


_Add = Callable[[argparse.ArgumentParser], None]
VERBS: Final[dict[str, tuple[str, _Add]]] = {
    "demo": ("the app on the embedded emulator, no account needed", _add_demo),
    "emulator": ("the emulator alone, until Ctrl-C; stdout: the URL of its resource", _add_emulator),
    "login": ("log in on a plain terminal", _add_login),
    "probe": ("what protects it; sends nothing but the discovery requests", _add_probe),
    "token": ("the access token alone on stdout; refreshed if need be, no browser", _add_token),
    "list": ("every credential and its state", _add_list),
    "refresh": ("a new access token from the refresh token", _add_url_or_all),
    "revoke": ("end it at the server, prove it, then remove it here", _add_url_or_all),
    "forget": ("remove it from this machine only", _add_url),
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser for `authlens VERB …`; `authlens [URL]` is handled before it."""
    parser = argparse.ArgumentParser(
        prog="authlens",
        usage="authlens [URL] | authlens VERB …",
        description="See every login. Without a verb: the full-screen app; with a URL, the login to it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for name, (summary, add) in VERBS.items():
        add(verbs.add_parser(name, help=summary, description=summary, allow_abbrev=False))
    return parser
