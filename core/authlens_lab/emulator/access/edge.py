"""The edge: what Cloudflare does to each request and response of both origins, and what it answers itself.

What it answers is below `/cdn-cgi/access`: a user's session, and what cloudflared asks for. cloudflared
itself trusts no emulator (research of its source, 2026.8); a client that speaks as it does may.
"""

from __future__ import annotations

import hmac
import json
import re
from email.utils import formatdate
from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authlens_lab.emulator import randomness
from authlens_lab.emulator.access.account import Account
from authlens_lab.emulator.answers import NO_STORE, json_answer, page, read_body, read_fields
from authlens_lab.emulator.issued import put
from authlens_lab.emulator.profile import Fault

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


CERTIFICATE_LIFETIME: Final = 240.0  # seconds
_PUBLIC_KEY: Final = re.compile(r"[A-Za-z0-9_=-]{16,128}")
_MOST_TRANSFERS: Final = 100


def approval_route(account: Account) -> Route:
    """Return the page of the app's origin on which a user approves a token for cloudflared."""

    async def approve(request: Request) -> Response:
        """Log the user in, then take the approval; the token waits for the holder of the key that asked."""
        key = request.query_params.get("token", "")
        if not _PUBLIC_KEY.fullmatch(key) or request.query_params.get("aud") != account.aud:
            return page("This link is not complete", status=400)
        claims = await account.identity(request.cookies.get("CF_Authorization", ""))
        if claims is None:
            path = f"{request.url.path}?{request.url.query}"
            return RedirectResponse(await account.login_url(path, "app"), 302, dict(NO_STORE))
        nonce = claims["identity_nonce"]
        if request.method != "POST":
            return page(
                "Approve the login of cloudflared",
                f"<p>cloudflared asks for a token for <code>{escape(account.app_host)}</code>.</p>\n"
                f'<form method="post"><input type="hidden" name="nonce" value="{escape(nonce)}">\n'
                '<button type="submit" name="choice" value="approve">Approve</button></form>',
            )
        form = await read_fields(request)
        if not hmac.compare_digest(form.get("nonce", "").encode(), nonce.encode()):
            return page("The form is not from this page", status=400)
        put(account.transfers, key, await account.sign_identity(nonce), _MOST_TRANSFERS)
        return page("Success", "<p>You can close this page and return to the terminal.</p>")

    return Route("/cdn-cgi/access/cli", approve, methods=["GET", "POST"])


def certificate_route(account: Account) -> Route:
    """Return what the team's origin signs for SSH: a simulated short-lived certificate."""

    async def sign(request: Request) -> Response:
        try:
            asked = json.loads(await read_body(request))
            token, key = str(asked["jwt"]), str(asked["public_key"])
        except (ValueError, RecursionError, TypeError, KeyError):
            return json_answer({"status": "error", "message": "jwt and public_key are needed"}, 400)
        claims = await account.identity(token)
        if claims is None or not key.startswith(("ssh-", "ecdsa-")):
            return json_answer({"status": "error", "message": "the token or the key is not valid"}, 403)
        certificate = f"ssh-emulated-cert-v01 {randomness.token_hex(32)} {claims['email']}"
        expires_at = formatdate(account.now() + CERTIFICATE_LIFETIME, usegmt=True)
        signed = {"id": str(randomness.uuid4()), "certificate": certificate, "expires_at": expires_at}
        return json_answer(signed, headers=NO_STORE)

    return Route("/cdn-cgi/access/cert_sign", sign, methods=["POST"])
