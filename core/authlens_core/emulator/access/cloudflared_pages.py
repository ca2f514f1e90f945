"""What Access answers cloudflared alone: the page that approves its token, and certificates for its SSH.

cloudflared itself trusts no emulator (research of its source, 2026.8); a client that speaks as it does may.
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

from authlens_core.emulator import randomness
from authlens_core.emulator.access.account import Account
from authlens_core.emulator.answers import NO_STORE, json_answer, page, read_body, read_fields
from authlens_core.emulator.codes import put

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
