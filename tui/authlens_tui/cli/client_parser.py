"""The arguments of the verbs for registered clients."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final


def _add_clients(add: argparse.ArgumentParser) -> None:
    add.add_argument("--json", action="store_true", help="a JSON array on stdout")
    add.add_argument(
        "--forget",
        metavar="ID",
        help="delete this client at its server, verify that, and remove it here",
    )
    add.add_argument("--here", action="store_true", help="with --forget: leave the server alone")


def _add_client_metadata(add: argparse.ArgumentParser) -> None:
    add.add_argument("url", metavar="URL", help="where you will host the document: https, with a path")
    add.add_argument("--port", type=int, default=8400, help="the port of the callback (default: 8400)")


CLIENT_VERBS: Final[dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]]] = {
    "clients": ("list the clients that logins registered, or delete one at its server", _add_clients),
    "client-metadata": (
        "print a client metadata document to host",
        _add_client_metadata,
    ),
}
