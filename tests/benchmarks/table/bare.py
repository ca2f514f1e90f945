"""The references: what Textual and httpx do alone. Run with `python bare.py NAME ...`."""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import sys
import time
from urllib.parse import parse_qs, urlencode, urlsplit


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


def login(resource_url: str, *, timed: bool = False) -> None:
    """Log in as a bare httpx client does: the same requests, the link on stdout, no check of anything.

    With `timed`, a second line has the seconds of its requests, without those of the user at the browser.
    """
    import httpx

    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    with (
        httpx.Client(trust_env=False, headers={"Connection": "close"}) as client,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        redirect_uri = f"http://127.0.0.1:{listener.getsockname()[1]}/callback"
        began = time.perf_counter()
        answer = client.get(resource_url)
        metadata_url = (
            answer.headers["www-authenticate"].partition('resource_metadata="')[2].partition('"')[0]
        )
        resource = client.get(metadata_url).json()
        issuer = resource["authorization_servers"][0]
        server = client.get(f"{issuer}/.well-known/oauth-authorization-server").json()
        registration = {
            "redirect_uris": [redirect_uri],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "client_name": "bare",
        }
        client_id = client.post(server["registration_endpoint"], json=registration).json()["client_id"]
        parameters = {
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "state": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": resource["resource"],
        }
        before = time.perf_counter() - began
        print(f"{server['authorization_endpoint']}?{urlencode(parameters)}", flush=True)  # noqa: T201
        code = _callback(listener)
        began = time.perf_counter()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "resource": resource["resource"],
        }
        token = client.post(server["token_endpoint"], data=form).json()["access_token"]
        client.get(resource_url, headers={"Authorization": f"Bearer {token}"}).raise_for_status()
        if timed:
            print(before + time.perf_counter() - began, flush=True)  # noqa: T201


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
    if sys.argv[1] == "table":
        table(int(sys.argv[2]))
    else:
        login(sys.argv[2], timed=sys.argv[1] == "timed-login")
