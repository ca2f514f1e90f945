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
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

CLOSE: Final = {"Connection": "close"}  # each request has a connection of its own, as with authlens
Step = tuple[str, str, dict[str, Any]]


def table(rows: int) -> None:
    """Run a bare Textual app with one DataTable."""
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

    BareTable().run()


def _steps(resource_url: str, redirect_uri: str) -> Generator[Step, Any, None]:
    """Yield the steps of a login, and check nothing: requests, and `OPEN` with the link for the user.

    Each request is answered with its response, and the link with the code.
    """
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    answer = yield "GET", resource_url, {}
    metadata_url = answer.headers["www-authenticate"].partition('resource_metadata="')[2].partition('"')[0]
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
    client_id = (yield "POST", server["registration_endpoint"], {"json": registration}).json()["client_id"]
    parameters = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "state": secrets.token_urlsafe(16),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "resource": resource["resource"],
    }
    code = yield "OPEN", f"{server['authorization_endpoint']}?{urlencode(parameters)}", {}
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "resource": resource["resource"],
    }
    token = (yield "POST", server["token_endpoint"], {"data": form}).json()["access_token"]
    answer = yield "GET", resource_url, {"headers": {"Authorization": f"Bearer {token}"}}
    answer.raise_for_status()


def synchronous_login(resource_url: str, *, timed: bool) -> None:
    """Log in with `httpx.Client`; see `login`."""
    import httpx

    with httpx.Client(trust_env=False, headers=CLOSE) as client, _listener() as listener:
        if timed:
            client.get(resource_url)
        steps, seconds = _steps(resource_url, _uri(listener)), 0.0
        found: Any = None
        began = time.perf_counter()
        with suppress(StopIteration):
            while True:
                method, url, options = steps.send(found)
                if method == "OPEN":
                    seconds += time.perf_counter() - began
                    found, began = _opened(url, listener), time.perf_counter()
                else:
                    found = client.request(method, url, **options)
        if timed:
            print(seconds + time.perf_counter() - began, flush=True)  # noqa: T201


async def login(resource_url: str, *, timed: bool) -> None:
    """Log in as a bare `httpx.AsyncClient` does: the same requests, the link on stdout, no check of anything.

    With `timed`, a second line has the seconds of its requests: without those of the user at the browser, and
    after a first request that loads what httpx loads for it.
    """
    import httpx

    async with httpx.AsyncClient(trust_env=False, headers=CLOSE) as client:
        with _listener() as listener:
            if timed:
                await client.get(resource_url)
            steps, seconds = _steps(resource_url, _uri(listener)), 0.0
            found: Any = None
            began = time.perf_counter()
            with suppress(StopIteration):
                while True:
                    method, url, options = steps.send(found)
                    if method == "OPEN":
                        seconds += time.perf_counter() - began
                        found, began = _opened(url, listener), time.perf_counter()
                    else:
                        found = await client.request(method, url, **options)
            if timed:
                print(seconds + time.perf_counter() - began, flush=True)  # noqa: T201


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _uri(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/callback"


def _opened(link: str, listener: socket.socket) -> str:
    print(link, flush=True)  # noqa: T201
    return _callback(listener)


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
        case [("synchronous-login" | "timed-synchronous-login") as name, url]:
            synchronous_login(url, timed=name.startswith("timed"))
        case [name, url]:
            asyncio.run(login(url, timed=name.startswith("timed")))
