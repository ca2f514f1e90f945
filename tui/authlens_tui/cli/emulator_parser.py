"""The options of the verbs that run a simulated server: `demo` and `emulator`."""

from __future__ import annotations

import argparse

from authlens_tui.cli.option_values import LONGEST_TTL, count, flag, port, port_up_to


def _add_fault(add: argparse.ArgumentParser, words: str) -> None:
    add.add_argument("--fault", metavar="NAME", action="append", default=[], help=words)


def add_demo(add: argparse.ArgumentParser) -> None:
    _add_fault(
        add, "start this scenario (--fault list lists all); faults of Cloudflare Access may be repeated"
    )
    flag(add, "--play", "run each login to its end, and sign in for you")
    add.add_argument("--port", type=port, default=0, metavar="N", help="callback port (any free one)")


def add_emulator(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "--profile",
        choices=("access", "mcp", "generic", "machine"),
        default="access",
        help="a Cloudflare Access (default), an MCP server, any API with OAuth, or one for programs",
    )
    add.add_argument(
        "--port",
        type=port_up_to(65_534),
        default=0,
        metavar="N",
        help="port of the protected resource; the login server uses the next one (default: any free ports)",
    )
    add.add_argument(
        "--token-lifetime",
        type=count(1, int(LONGEST_TTL)),
        default=60,
        metavar="S",
        help=("lifetime of access tokens in seconds (60)"),
    )
    flag(add, "--strict", "answer service tokens as new organisations do: 401 or 403, no redirect, no cookie")
    flag(
        add,
        "--admin",
        "serve a JSON interface for tests: set faults, expire tokens, list requests (docs/emulator.md)",
    )
    add.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="use the same ids, codes and tokens at each start; signing keys differ",
    )
    _add_fault(add, "simulate a fault; may be repeated (--fault list lists them all)")
