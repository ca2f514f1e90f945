"""The options of the verbs for scripts and coding agents."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

from authlens_tui.cli.option_values import min_ttl, port

__all__ = ["AGENT_VERBS", "add_credential", "add_min_ttl"]


def add_min_ttl(add: argparse.ArgumentParser) -> None:
    """Add the URL, and how long its token has to last."""
    add.add_argument("url", metavar="URL", help="the protected resource")
    add.add_argument(
        "--min-ttl",
        type=min_ttl,
        metavar="S",
        help="refresh a token that would not last S more seconds (60, or half of its life if that is less)",
    )


def add_credential(add: argparse.ArgumentParser) -> None:
    """Add the URL, and which credential is sent to it."""
    add_min_ttl(add)
    add.add_argument(
        "--kind",
        choices=["oauth", "service-token", "cloudflared"],
        help="which kind of credential (the first of these that covers URL)",
    )


def _add_proxy(add: argparse.ArgumentParser) -> None:
    add_credential(add)
    where = add.add_mutually_exclusive_group()
    where.add_argument("--port", type=port, default=0, metavar="N", help="port on 127.0.0.1 (any free one)")
    where.add_argument("--socket", metavar="PATH", help="a Unix socket instead, for your account only")


_Add = Callable[[argparse.ArgumentParser], None]
AGENT_VERBS: Final[dict[str, tuple[str, _Add]]] = {
    "proxy": ("serve the resource on this machine, with the credential added and OAuth hidden", _add_proxy),
    "mcp-bridge": ("a remote MCP server as a local one on stdin and stdout", add_credential),
}
