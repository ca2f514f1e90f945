"""Mallory's authorization server: it sends browsers on to the honest one, and has the codes sent to itself.

It is the mix-up of RFC 9700 §4.4.1, against a client that forgets whom it asked.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from authlens_core.emulator.answers import json_answer, read_fields
from authlens_core.emulator.ledger import Ledger, What
from authlens_core.emulator.parties.party_server import PartyServer

PARTY: Final = "rogue"


class RogueServer(PartyServer):
    """The server. Use it as an asynchronous context manager.

    Args:
        ledger: where it notes the codes that arrive.
        honest: the issuer of the server that its visitors really sign in at.

    Attributes:
        url: its origin and issuer, without a final slash.
        client_id: the name of the victim at the honest server, as it is in every link.
        redirect_uri: the one that the victim registered there.
        caught: the code and the verifier that arrived, by the names of loot.
    """

    HOST = "mallory.localhost"

    def __init__(self, ledger: Ledger, *, honest: str) -> None:
        super().__init__()
        self._ledger = ledger
        self._honest = honest
        self.client_id = ""
        self.redirect_uri = ""
        self.caught: dict[str, str] = {}

    def _app(self) -> ASGIApp:
        routes = [
            Route("/.well-known/oauth-authorization-server", self._metadata),
            Route("/register", self._register, methods=["POST"]),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/collect", self._collect),
        ]
        return Starlette(routes=routes)

    async def _metadata(self, _: Request) -> Response:
        names = ("registration", "authorization", "token")
        paths = zip(names, ("register", "authorize", "token"), strict=True)
        endpoints = {f"{name}_endpoint": f"{self.url}/{path}" for name, path in paths}
        return json_answer({"issuer": self.url, **endpoints})

    async def _register(self, _: Request) -> Response:
        """Give the client the name that it has at the honest server."""
        return json_answer({"client_id": self.client_id}, 201)

    async def _authorize(self, request: Request) -> Response:
        """Send the browser to the honest server, with the client's own state and challenge."""
        asked = {**request.query_params, "client_id": self.client_id, "redirect_uri": self.redirect_uri}
        return RedirectResponse(f"{self._honest}/authorize?{urlencode(asked)}", 302)

    @property
    def collect_url(self) -> str:
        """The page that keeps what a browser brings."""
        return f"{self.url}/collect"

    async def _collect(self, request: Request) -> Response:
        if code := request.query_params.get("code", ""):
            self._ledger.note(What.CODE_ARRIVED, at="mallory", issuer="server", code=code)
            self.caught = {"code": code, "client": self.client_id}
        return json_answer({})

    async def _token(self, request: Request) -> Response:
        form = await read_fields(request)
        code = form.get("code", "")
        self._ledger.note(What.CODE_ARRIVED, at=PARTY, issuer="server", code=code)
        caught = {
            "code": code,
            "verifier": form.get("code_verifier", ""),
            "client": form.get("client_id", ""),
        }
        self.caught = {name: value for name, value in caught.items() if value}
        return json_answer({"error": "invalid_grant"}, 400)
