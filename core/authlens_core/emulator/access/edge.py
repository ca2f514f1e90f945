"""The edge: what Cloudflare does to each request and response of both origins, and what it answers itself."""

from __future__ import annotations

from email.utils import formatdate
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authlens_core.emulator import randomness
from authlens_core.emulator.access.account import Account
from authlens_core.emulator.answers import NO_STORE, json_answer, page
from authlens_core.emulator.profile import Fault

# What error 1010, of the Browser Integrity Check, says besides.
BANNED: Final = {
    "title": "Error 1010: Access denied",
    "error_name": "browser_signature_banned",
    "retryable": False,
}
ZONE_ERRORS: Final = (
    (Fault.WAF_RULE, 1020, 403),
    (Fault.NO_APPLICATION, 1043, 403),
    (Fault.ORIGIN_UNREACHABLE, 522, 522),
)


def session_routes(account: Account) -> list[Route]:
    """Return what a browser asks about its session at either origin: who is logged in, and logging out."""
    cookie = "CF_Authorization"

    async def get_identity(request: Request) -> Response:
        claims = await account.identity(request.cookies.get(cookie, ""))
        if claims is None:
            return json_answer({"err": "no app token set"}, 400)
        return json_answer({"email": claims["email"], "user_uuid": claims["sub"], "iat": claims["iat"]})

    async def logout(request: Request) -> Response:
        claims = await account.identity(request.cookies.get(cookie, ""))
        if claims is not None:
            account.end_sessions(claims["email"])
        answer = page("You are logged out")
        answer.delete_cookie(cookie)
        return answer

    return [Route("/cdn-cgi/access/get-identity", get_identity), Route("/cdn-cgi/access/logout", logout)]


def wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def _refused_by_the_zone(account: Account, request: Request) -> Response | None:
    """What the zone, or the edge, answers instead of the app, under the faults that say so."""
    if account.has(Fault.CHALLENGE_PAGE):
        return Response(
            "<!doctype html><title>Just a moment...</title><p>Checking your browser.</p>\n",
            403,
            {"cf-mitigated": "challenge", **NO_STORE},
            media_type="text/html",
        )
    for fault, number, status in ZONE_ERRORS:
        if account.has(fault):
            return _edge_error(request, number, status)
    return None


def _edge_error(request: Request, number: int, status: int, **more: object) -> Response:
    if wants_json(request):
        facts = {"title": f"Error {number}", "status": status, "error_code": number, "cloudflare_error": True}
        return json_answer(facts | more, status)
    return Response(f"error code: {number}\n", status, media_type="text/plain")


class Edge:
    """An ASGI layer: plays the faults of the edge and marks each answer as Cloudflare's."""

    def __init__(self, app: ASGIApp, account: Account, origin: str) -> None:
        self._app = app
        self._account = account
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._marks()]}
            await send(message)

        if self._account.has(Fault.SLOW):
            await self._account.pause()
        app: ASGIApp = self._app
        # Before everything else and on both hosts; the other faults are rules of the app's zone.
        if self._account.has(Fault.BROWSER_INTEGRITY):
            app = _edge_error(request, 1010, 403, **BANNED)
        elif self._origin == "app":
            app = _refused_by_the_zone(self._account, request) or app
        await app(scope, receive, send_marked)

    def _marks(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"date", formatdate(self._account.now(), usegmt=True).encode()),
            (b"server", b"cloudflare"),  # the mark by which clients tell an answer of the edge
            (b"cf-ray", f"{randomness.token_hex(8)}-EMU".encode()),
        ]
