"""A client of the least: it logs in to a protected resource over plain HTTP, and refreshes its token once."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

__all__ = ["LoginImpossible", "PlainClient"]

REDIRECT: Final = "http://127.0.0.1:8400/callback"
VERIFIER: Final = "v" * 43
CHALLENGE: Final = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def send(method: str, url: str | httpx.URL, **content: Any) -> httpx.Response:
    with httpx.Client(trust_env=False, verify=False) as http:
        return http.request(method, url, **content)


class LoginImpossible(Exception):
    """The server has no way in for this client."""


class PlainClient:
    """A client of one resource."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tokens: dict[str, Any] = {}
        challenge = send("GET", url).headers["www-authenticate"]
        found = re.search(r'resource_metadata="([^"]*)"', challenge)
        assert found is not None
        (server,) = send("GET", found[1]).json()["authorization_servers"]
        self.server = send("GET", f"{server}/.well-known/oauth-authorization-server").json()
        self.is_for_users = "authorization_endpoint" in self.server
        self.client_id = ""

    def log_in(self, open_link: Callable[[str], Any]) -> None:
        """Register, have the link opened, and exchange the code.

        Raises:
            LoginImpossible: the server does not register clients, or denies the user.
        """
        if "registration_endpoint" not in self.server:
            raise LoginImpossible
        metadata = {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}
        answer = send("POST", self.server["registration_endpoint"], json=metadata).json()
        self.client_id = answer["client_id"]
        asked = {"response_type": "code", "client_id": self.client_id, "redirect_uri": REDIRECT, "state": "s"}
        asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "resource": self.url}
        seen = open_link(f"{self.server['authorization_endpoint']}?{urlencode(asked)}")
        fields = parse_qs(urlsplit(seen.callback_url or "").query)
        if "code" not in fields:
            raise LoginImpossible(fields.get("error", ["no callback"])[0])
        form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
        self.ask({**form, "code": fields["code"][0]})

    def ask(self, form: dict[str, str], auth: tuple[str, str] | None = None) -> int:
        """Ask the token endpoint for tokens; return the status of its answer."""
        form = {**form, "resource": self.url} | ({} if auth else {"client_id": self.client_id})
        answer = send("POST", self.server["token_endpoint"], data=form, auth=auth or httpx.USE_CLIENT_DEFAULT)
        self.tokens |= answer.json() if answer.is_success else {}
        return answer.status_code

    def refresh(self) -> int:
        return self.ask({"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"]})

    def request(self, method: str = "GET", **content: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens.get('access_token')}"}
        return send(method, self.url, headers=headers, **content)

    def post(self, content: str) -> httpx.Response:
        return self.request("POST", content=content.encode())

    def get(self, path: str) -> httpx.Response:
        """Return the answer of a path of the resource, with another token if the first is refused."""
        for _ in range(2):
            headers = {"authorization": f"Bearer {self.tokens['access_token']}"}
            answer = send("GET", httpx.URL(self.url).join(path), headers=headers)
            if answer.status_code != 401:
                break
            self.refresh()
        return answer
