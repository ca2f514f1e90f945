"""The options of the verbs that run a simulated server: `demo` and `emulator`."""

from __future__ import annotations

import argparse

from authlens_tui.cli.option_values import LONGEST_TTL, number, port, port_up_to


def _lifetime(text: str) -> int:
    return int(number(text, 1, LONGEST_TTL, "seconds"))


def _add_fault(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "--fault",
        metavar="NAME",
        action="append",
        default=[],
        help="break one thing; may be repeated (--fault list names them all)",
    )


def add_demo(add: argparse.ArgumentParser) -> None:
    """Add the options of `demo`."""
    _add_fault(add)
    add.add_argument("--play", action="store_true", help="play the person: sign in without a browser")
    add.add_argument(
        "--port", type=port, default=8400, metavar="N", help="callback port (8400; 0: any free one)"
    )


def add_emulator(add: argparse.ArgumentParser) -> None:
    """Add the options of `emulator`."""
    add.add_argument(
        "--profile",
        choices=("access", "mcp", "generic"),
        default="access",
        help="a Cloudflare Access (default), an MCP server, or any API with OAuth",
    )
    add.add_argument(
        "--port",
        type=port_up_to(65_534),
        default=0,
        metavar="N",
        help="port of the protected resource; the login server takes the next one (any free ones)",
    )
    add.add_argument(
        "--token-lifetime", type=_lifetime, default=60, metavar="S", help="how long access tokens last (60)"
    )
    add.add_argument(
        "--strict",
        action="store_true",
        help="service tokens as new organisations have them: 401 or 403, no redirect, no cookie",
    )
    add.add_argument(
        "--admin",
        action="store_true",
        help="a JSON interface for tests: set faults, expire tokens, list the requests (docs/emulator.md)",
    )
    add.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="the same ids, codes and tokens at each start; signing keys differ",
    )
    _add_fault(add)
