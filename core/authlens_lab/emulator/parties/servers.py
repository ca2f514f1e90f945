"""The servers of a lesson besides the emulator: another resource, and that of Mallory, an attacker.

Each is on a free port of this machine for as long as its block runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Self
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from authlens_lab.emulator.answers import json_answer, read_fields
from authlens_lab.emulator.ledger import Ledger, What
from authlens_lab.emulator.origins import bind, close_all
from authlens_lab.emulator.uvicorn_server import QuietServer, serve

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator

PARTY: Final = "rogue"


class PartyServer:
    """What each server is; an asynchronous context manager.

    Attributes:
        url: its origin, without a final slash.
    """

    HOST: ClassVar[str] = "127.0.0.1"
    """The host in its URL; a name below localhost tells a reader whose site it is."""

    def __init__(self) -> None:
        self._sockets = [bind("127.0.0.1", 0)]
        self.url = f"http://{self.HOST}:{self._sockets[0].getsockname()[1]}"
        self._running: QuietServer | None = None

    def _app(self) -> ASGIApp:
        """Return what answers its requests."""
        return Starlette(routes=self._routes())

    def _routes(self) -> list[Route]:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        self._running = await serve(self._app(), self._sockets)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running is not None:
            await self._running.stop()
        close_all(self._sockets)


class SecondResource(PartyServer):
    """Another resource of an emulator, on an origin of its own: where a token that is not for it is tried.

    Attributes:
        url: its origin, without a final slash.
    """

    HOST = "second.localhost"

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._resource = emulator.second_resource(self.url)

    def _app(self) -> ASGIApp:
        return self._resource


class RogueServer(PartyServer):
    """Mallory's authorization server: it sends browsers to the honest one, and has the codes sent to itself.

    It is the mix-up of RFC 9700 §4.4.1, against a client that forgets whom it asked.

    Args:
        ledger: where it notes the codes that arrive.
        honest: the issuer of the server that its visitors really sign in at.

    Attributes:
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

    def _routes(self) -> list[Route]:
        return [
            Route("/.well-known/oauth-authorization-server", self._metadata),
            Route("/register", self._register, methods=["POST"]),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/collect", self._collect),
        ]

    async def _metadata(self, _: Request) -> Response:
        document = {
            "issuer": self.url,
            "registration_endpoint": f"{self.url}/register",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
        }
        return json_answer(document)

    async def _register(self, _: Request) -> Response:
        """Give the client the name that it has at the honest server."""
        return json_answer({"client_id": self.client_id}, 201)

    async def _authorize(self, request: Request) -> Response:
        """Send the browser to the honest server, with the client's own state and challenge."""
        changes = {"client_id": self.client_id, "redirect_uri": self.redirect_uri}
        query = urlencode({**request.query_params, **changes})
        return RedirectResponse(f"{self._honest}/authorize?{query}", 302)

    @property
    def collect_url(self) -> str:
        """The page that keeps what a browser brings."""
        return f"{self.url}/collect"

    async def _collect(self, request: Request) -> Response:
        code = request.query_params.get("code", "")
        if code:
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
