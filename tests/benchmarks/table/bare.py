"""The references: what Textual and httpx do alone. Run with `python bare.py NAME ...`."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import socket
import sys
import time
from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    from textual.app import App

CLOSE: Final = {"Connection": "close"}  # each request has a connection of its own, as with authlens
Step = tuple[str, str, dict[str, Any]]


def table_app(rows: int) -> App[None]:
    """Return a bare Textual app with one DataTable."""
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable

    class BareTable(App[None]):
        def compose(self) -> ComposeResult:
            yield DataTable(cursor_type="row")

        def on_mount(self) -> None:
            table = self.query_one(DataTable)
            table.add_columns("State", "Token", "Login", "Resource", "Kind", "Next")
            for number in range(rows):
                name = f"host-{number}.example.com/mcp"
                table.add_row("live", "1 h 30 min", "for 3 h", name, "OAuth", "refresh in 1 h")
            table.focus()

    return BareTable()


def table(rows: int) -> None:
    """Run it."""
    table_app(rows).run()


def log(lines: int) -> None:
    """Run a bare Textual app with one Log."""
    from textual.app import App, ComposeResult
    from textual.widgets import Log

    class BareLog(App[None]):
        def compose(self) -> ComposeResult:
            yield Log(auto_scroll=False)

        def on_mount(self) -> None:
            self.animation_level = "none"  # a page is turned at once, as in authlens
            log = self.query_one(Log)
            log.write_lines(f'    "member_{number}": "a value of some length",' for number in range(lines))
            log.focus()

    BareLog().run()


def _steps(resource_url: str, *, timed: bool) -> Generator[Step, Any, None]:
    """Yield the requests of a login, each to be answered with its response; check nothing, print the link.

    With `timed`, the seconds of the requests are printed, too: without those of the user at the browser, and
    after a first request that loads what httpx loads for it.
    """
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        redirect_uri = f"http://127.0.0.1:{listener.getsockname()[1]}/callback"
        if timed:
            yield "GET", resource_url, {}
        began = time.perf_counter()
        answer = yield "GET", resource_url, {}
        challenged = answer.headers["www-authenticate"]
        metadata_url = challenged.partition('resource_metadata="')[2].partition('"')[0]
        resource = (yield "GET", metadata_url, {}).json()
        issuer = resource["authorization_servers"][0]
        server = (yield "GET", f"{issuer}/.well-known/oauth-authorization-server", {}).json()
        registration = {
            "redirect_uris": [redirect_uri],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "client_name": "bare",
        }
        registered = (yield "POST", server["registration_endpoint"], {"json": registration}).json()
        parameters = {
            "client_id": registered["client_id"],
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "state": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": resource["resource"],
        }
        link = f"{server['authorization_endpoint']}?{urlencode(parameters)}"
        before = time.perf_counter() - began
        print(link, flush=True)  # noqa: T201
        code = _callback(listener)
        began = time.perf_counter()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": registered["client_id"],
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "resource": resource["resource"],
        }
        token = (yield "POST", server["token_endpoint"], {"data": form}).json()["access_token"]
        answer = yield "GET", resource_url, {"headers": {"Authorization": f"Bearer {token}"}}
        answer.raise_for_status()
        if timed:
            print(before + time.perf_counter() - began, flush=True)  # noqa: T201


def synchronous_login(steps: Generator[Step, Any, None]) -> None:
    """Log in as a bare `httpx.Client` does."""
    import httpx

    with httpx.Client(trust_env=False, headers=CLOSE) as client, suppress(StopIteration):
        method, url, options = next(steps)
        while True:
            method, url, options = steps.send(client.request(method, url, **options))


async def login(steps: Generator[Step, Any, None]) -> None:
    """Log in as a bare `httpx.AsyncClient` does."""
    import httpx

    async with httpx.AsyncClient(trust_env=False, headers=CLOSE) as client:
        with suppress(StopIteration):
            method, url, options = next(steps)
            while True:
                method, url, options = steps.send(await client.request(method, url, **options))


def _callback(listener: socket.socket) -> str:
    """Return the code of the first request that has one."""
    while True:
        connection, _ = listener.accept()
        with connection:
            target = connection.recv(65_536).split(b" ")[1].decode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        if codes := parse_qs(urlsplit(target).query).get("code"):
            return codes[0]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["table", rows]:
            table(int(rows))
        case ["log", lines]:
            log(int(lines))
        case [("synchronous-login" | "timed-synchronous-login") as name, url]:
            synchronous_login(_steps(url, timed=name.startswith("timed")))
        case [name, url]:
            asyncio.run(login(_steps(url, timed=name.startswith("timed"))))
