"""What a browser asks about its session: who is logged in, logging out, approving a token for cloudflared."""

from __future__ import annotations

import hmac
import re
from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from authlens_core.emulator.access.account import Account
from authlens_core.emulator.answers import NO_STORE, json_answer, read_fields
from authlens_core.emulator.codes import put
from authlens_core.emulator.pages import page

PUBLIC_KEY: Final = re.compile(r"[A-Za-z0-9_=-]{16,128}")
MOST_TRANSFERS: Final = 100
_COOKIE: Final = "CF_Authorization"


async def get_identity(account: Account, request: Request) -> Response:
    claims = await account.identity(request.cookies.get(_COOKIE, ""))
    if claims is None:
        return json_answer({"err": "no app token set"}, 400)
    return json_answer({"email": claims["email"], "user_uuid": claims["sub"], "iat": claims["iat"]})


async def logout(account: Account, request: Request) -> Response:
    claims = await account.identity(request.cookies.get(_COOKIE, ""))
    if claims is not None:
        account.end_sessions(claims["email"])
    answer = page("You are logged out")
    answer.delete_cookie(_COOKIE)
    return answer


async def approve(account: Account, request: Request) -> Response:
    """Log the user in, then take the approval; then the token waits for the holder of the key that asked."""
    key = request.query_params.get("token", "")
    if not PUBLIC_KEY.fullmatch(key) or request.query_params.get("aud") != account.aud:
        return page("This link is not complete", status=400)
    claims = await account.identity(request.cookies.get(_COOKIE, ""))
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
    put(account.transfers, key, await account.sign_identity(nonce), MOST_TRANSFERS)
    return page("Success", "<p>You can close this page and return to the terminal.</p>")
