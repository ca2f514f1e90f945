"""The edge: what Cloudflare does to each request and response of both origins, and what it answers itself."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response

from authlens_lab.emulator import randomness
from authlens_lab.emulator.answers import NO_STORE, json_answer
from authlens_lab.emulator.profile import Fault

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from authlens_lab.emulator.emulator import Emulator

SLOW_SECONDS: Final = 30.0
# What error 1010, of the Browser Integrity Check, says besides.
BANNED: Final = {
    "title": "Error 1010: Access denied",
    "error_name": "browser_signature_banned",
    "retryable": False,
}
ZONE_ERRORS: Final = {
    Fault.WAF_RULE: (1020, 403),
    Fault.NO_APPLICATION: (1043, 403),
    Fault.ORIGIN_UNREACHABLE: (522, 522),
}


def wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def _edge_error(request: Request, number: int, status: int, **more: object) -> Response:
    if wants_json(request):
        facts = {"title": f"Error {number}", "status": status, "error_code": number, "cloudflare_error": True}
        return json_answer(facts | more, status)
    return Response(f"error code: {number}\n", status, media_type="text/plain")


class Edge:
    """An ASGI layer: plays the faults of the edge and marks each answer as Cloudflare's.

    Args:
        is_app: whether it is before the app, whose zone has rules.
    """

    def __init__(self, app: ASGIApp, emulator: Emulator, *, is_app: bool) -> None:
        self._app = app
        self._emulator = emulator
        self._is_app = is_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._marks()]}
            await send(message)

        if self._emulator.has(Fault.SLOW):
            await self._pause()
        app = self._refusal(Request(scope)) or self._app
        await app(scope, receive, send_marked)

    async def _pause(self) -> None:
        try:
            # Not a sleep: the emulator would stop only after its slowest answer.
            await asyncio.wait_for(self._emulator.stopping.wait(), SLOW_SECONDS)
        except TimeoutError:
            return

    def _refusal(self, request: Request) -> Response | None:
        """Return what the edge, or the zone, answers instead of the origin."""
        # Before everything else and on both hosts; the other faults are rules of the app's zone.
        if self._emulator.has(Fault.BROWSER_INTEGRITY):
            return _edge_error(request, 1010, 403, **BANNED)
        if not self._is_app:
            return None
        if self._emulator.has(Fault.CHALLENGE_PAGE):
            page = "<!doctype html><title>Just a moment...</title><p>Checking your browser.</p>\n"
            headers = {"cf-mitigated": "challenge", **NO_STORE}
            return Response(page, 403, headers, media_type="text/html")
        for fault, (number, status) in ZONE_ERRORS.items():
            if self._emulator.has(fault):
                return _edge_error(request, number, status)
        return None

    def _marks(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"date", formatdate(self._emulator.now(), usegmt=True).encode()),
            (b"server", b"cloudflare"),  # the mark by which clients tell an answer of the edge
            (b"cf-ray", f"{randomness.token_hex(8)}-EMU".encode()),
        ]
