"""A server of several resources whose refresh tokens rotate: `server.py [SHARE]` prints its port.

SHARE of its answers at the token endpoint are failures. The two tokens of one answer end in the same number:
a mixture of two answers shows. `GET /valid` says which of them are valid.
"""

import json
import random
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

SECONDS = 2
TURN = threading.Lock()
VALID: set[str] = set()
NUMBERS = count(1)
FAILURES = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0


class Handler(BaseHTTPRequestHandler):
    """Plays resource and authorization server at once."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay quiet."""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        """Answer a document, the link of a login, or the resource."""
        path, _, query = self.path.partition("?")
        given = {name: values[0] for name, values in parse_qs(query).items()}
        known = "/.well-known/oauth-protected-resource"
        if path == "/valid":
            self.answer(200, sorted(VALID))
        elif path == "/first":
            self.answer(200, self.given(given["name"]))
        elif path == "/.well-known/oauth-authorization-server":
            self.answer(200, self.metadata())
        elif path.startswith(f"{known}/"):
            resource = f"{self.base}{path.removeprefix(known)}"
            self.answer(200, {"resource": resource, "authorization_servers": [self.base]})
        elif path == "/authorize":
            name = urlsplit(given["resource"]).path
            self.answer(302, {}, Location=f"{given['redirect_uri']}?code={name}&state={given['state']}")
        elif self.headers.get("Authorization", "").removeprefix("Bearer access-") in VALID:
            self.answer(200, {})
        else:
            self.answer(
                401, {}, **{"WWW-Authenticate": f'Bearer resource_metadata="{self.base}{known}{path}"'}
            )

    def do_POST(self) -> None:
        """Answer a registration, a token request, or a revocation."""
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path == "/register":
            self.answer(201, {"client_id": "endurance", "token_endpoint_auth_method": "none"})
            return
        form = {name: values[0] for name, values in parse_qs(text).items()}
        with TURN:
            self.answer(*(self.revoked(form) if self.path == "/revoke" else self.tokens(form)))

    def revoked(self, form: dict[str, str]) -> tuple[int, Any]:
        VALID.discard(form["token"].partition("-")[2])
        return 200, {}

    def tokens(self, form: dict[str, str]) -> tuple[int, Any]:
        """Give the next pair, or fail."""
        if random.random() < FAILURES:
            return random.choice(((503, {}), (429, {}), (500, {}), (502, {})))
        if form["grant_type"] == "refresh_token":
            old = form["refresh_token"].partition("-")[2]
            if old not in VALID:
                return 400, {"error": "invalid_grant"}
            VALID.discard(old)
            name = old.rpartition("-")[0]
        else:
            name = form["code"]
        new = self.given(name)
        pair = {"access_token": f"access-{new}", "refresh_token": f"refresh-{new}"}
        return 200, {**pair, "token_type": "Bearer", "expires_in": SECONDS}

    def given(self, name: str) -> str:
        """Make a new pair valid; return what its tokens end in."""
        new = f"{name}-{next(NUMBERS)}"
        VALID.add(new)
        return new

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of the authorization server."""
        return {
            "issuer": self.base,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "registration_endpoint": f"{self.base}/register",
            "revocation_endpoint": f"{self.base}/revoke",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }

    def answer(self, status: int, document: Any, **fields: str) -> None:
        """Send a JSON document."""
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {
            **fields,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until the standard input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
