"""The edge: what Cloudflare does to every request and response, whatever the origin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authlens_core.emulator import randomness
from authlens_core.emulator.access.account import Account
from authlens_core.emulator.access.faults import Fault

NO_STORE: Final[Mapping[str, str]] = {"cache-control": "no-store"}
LONGEST_BODY: Final = 64 * 1024  # bytes of a request
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


class Answered(Exception):
    """The request goes no further: `answer` is the response."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


def answered(_: Request, error: Any) -> Response:
    """Answer with what an `Answered` holds; the handler where it is raised."""
    response: Response = error.answer
    return response


def json_answer(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in JSON, all ASCII."""
    body = json.dumps(data).encode("ascii")
    return Response(body, status, dict(headers or {}), media_type="application/json")


def wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


async def read_body(request: Request) -> bytes:
    """Return the request body.

    Raises:
        HTTPException: there are more than 64 KiB of it; the answer is 413.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise HTTPException(413)
    return body


async def read_fields(request: Request) -> dict[str, str]:
    """Return the fields of a form of ours; of a name that comes twice, the last."""
    return dict(parse_qsl((await read_body(request)).decode("utf-8", "replace")))


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
            (b"server", b"cloudflare"),
            (b"cf-ray", f"{randomness.token_hex(8)}-EMU".encode()),
        ]
