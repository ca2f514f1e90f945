"""`authlens proxy`: the protected resource on this machine, with the credential added."""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from authlens_core.desk.session import Session
from authlens_core.gateway.forwarding import Mapping
from authlens_core.gateway.request_credential import RequestCredential
from authlens_core.gateway.reverse_proxy import Counters, ReverseProxy
from authlens_core.gateway.server import GatewayServer, loopback_socket, remove_socket, unix_socket
from authlens_core.gateway.upgrade_tunnel import UpgradeTunnel
from authlens_core.values.url import Url, parse_url
from authlens_tui.cli.scripts.credential_choice import request_credential
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import answer_line, is_terminal, say, say_over
from authlens_tui.cli.terminal.plain import is_plain
from authlens_tui.cli.urls import checked_url


async def proxy(arguments: Namespace) -> int:
    """Serve until a signal comes; the first line on stdout is the local URL.

    Raises:
        UsageError: the URL, the port or the socket cannot be used.
        LoginNeeded: there is no credential for the URL.
    """
    url = parse_url(checked_url(arguments.url), loopback_http=True)
    async with open_session() as session:
        credential = request_credential(session, url.text, arguments)
        await credential.fields()  # a missing login is reported now, not at the first request
        with _listener(arguments) as listener:
            await _serve(session, credential, _mapping(url, listener), listener, arguments.socket)
    return 0


@contextmanager
def _listener(arguments: Namespace) -> Iterator[socket.socket]:
    if arguments.socket is None:
        with loopback_socket(arguments.port) as listener:
            yield listener
        return
    path = Path(arguments.socket).absolute()
    with unix_socket(path) as listener:
        try:
            yield listener
        finally:
            remove_socket(path)


def _mapping(url: Url, listener: socket.socket) -> Mapping:
    if listener.family != socket.AF_INET:
        return Mapping(url)
    # Any page in a browser can send requests to a port of this machine, but it cannot guess this path.
    return Mapping(url, f"http://127.0.0.1:{listener.getsockname()[1]}", f"/{secrets.token_urlsafe(24)}")


async def _serve(
    session: Session,
    credential: RequestCredential,
    mapping: Mapping,
    listener: socket.socket,
    path: str | None,
) -> None:
    counters = Counters()
    app = ReverseProxy(session.wire, credential, mapping, counters)
    tunnel = UpgradeTunnel(app, session.wire)
    answer_line(_local_url(mapping, path))
    say(f"Serving {mapping.upstream.text} with your credential to programs on this machine. Ctrl-C stops it.")
    status = asyncio.create_task(_show_status(counters, credential))
    try:
        await GatewayServer(app, tunnel.protocol).serve_until_cancelled(listener)
    finally:
        status.cancel()
        await tunnel.stop()
        if _moves_cursor():
            say_over("")  # the last status is written over, whatever of ^C is beside it
        say(_status(counters, credential))


def _local_url(mapping: Mapping, path: str | None) -> str:
    url = mapping.upstream
    rest = (url.path or "/") + ("" if url.query is None else f"?{url.query}")
    if path is not None:
        return f"unix://{quote(str(Path(path).absolute()))}#{rest}"
    return f"{mapping.local}{mapping.prefix}{rest}"


def _status(counters: Counters, credential: RequestCredential) -> str:
    words = f"requests {counters.requests} · refreshes {credential.refreshes} · errors {counters.errors}"
    return f"{words} · {counters.last_error}" if counters.last_error else words


def _moves_cursor() -> bool:
    return is_terminal(sys.stderr) and not is_plain()


async def _show_status(counters: Counters, credential: RequestCredential) -> None:
    """Write the status when it has changed: over itself on a terminal, else at most every ten seconds."""
    on_terminal = _moves_cursor()
    shown = _status(counters, credential)
    while True:
        await asyncio.sleep(1.0 if on_terminal else 10.0)
        words = _status(counters, credential)
        if words != shown:
            shown = words
            (say_over if on_terminal else say)(words)
