"""The pages of Access at which a browser logs in, and what it asks about its session."""

from __future__ import annotations

import hmac
import re
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from authlens_lab.emulator import randomness
from authlens_lab.emulator.access.account import COOKIE, SESSION_LIFETIME, Account, Claims
from authlens_lab.emulator.answers import bite, json_answer, page, read_fields, redirect
from authlens_lab.emulator.issued import put
from authlens_lab.emulator.profile import TABLE, Fault
from authlens_lab.emulator.server.authorization import AuthorizationEndpoint, SignInForm, no_access
from authlens_lab.emulator.server.registration import EmulatedClients

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator

_INVALID_NONCE: Final = TABLE.answers[Fault.INVALID_NONCE]["login"].page
_UNKNOWN_APP: Final = TABLE.answers[Fault.APPLICATION_NOT_FOUND]["login"].page
_PUBLIC_KEY: Final = re.compile(r"[A-Za-z0-9_=-]{16,128}")
_MOST_TRANSFERS: Final = 100


class Login:
    """The login page of the team, and where it sends a browser back to."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._account = emulator.account
        self._authorization = AuthorizationEndpoint(emulator, EmulatedClients(emulator))
        self._form = SignInForm("CF_Session", 24, "lax")

    async def login(self, request: Request) -> Response:
        meta = await self._meta(request)
        bite(self._emulator, "login")
        if meta is None:
            return page(_UNKNOWN_APP, status=404)
        if request.method == "POST":
            return await self._sign_in(request, meta)
        claims = await self._account.visitor(request)
        if claims is not None and meta["flow"] == "app":
            return await self._onwards(meta, claims["identity_nonce"])
        return self._form.page(self._account.app_host, self._client_name(meta))

    async def _meta(self, request: Request) -> Claims | None:
        """Return the claims of the `meta` token of a login URL, or None if this team did not make it."""
        claims = await self._account.verified(request.query_params.get("meta", ""), "meta")
        if claims is None or request.path_params["host"] != claims["hostname"]:
            return None
        return claims if request.query_params.get("kid") == claims["aud"] == self._account.aud else None

    def _client_name(self, meta: Claims) -> str:
        if meta["flow"] != "oauth":
            return ""
        query = dict(parse_qsl(meta["redirect_url"].partition("?")[2]))
        client = self._emulator.grants.client(query.get("client_id", ""))
        return "" if client is None else client.name

    async def _sign_in(self, request: Request, meta: Claims) -> Response:
        user = await self._form.user(request)
        if user is None:
            return page(_INVALID_NONCE, status=400)
        if user and self._account.refuses(user):
            return no_access()
        if user:
            return await self._onwards(meta, self._account.start_session(user))
        if meta["flow"] != "oauth":
            return page("You denied the login", status=403)
        return await self._authorization.deny(meta["redirect_url"].partition("?")[2])

    async def _onwards(self, meta: Claims, nonce: str) -> Response:
        """Send a user who is logged in back to where the login started, and set the team's cookie."""
        emulator = self._emulator
        if meta["flow"] == "oauth":
            target = emulator.server_url + meta["redirect_url"]
        else:
            state = await emulator.keys.sign({"nonce": nonce, "redirect_url": meta["redirect_url"]})
            query = urlencode({"nonce": nonce, "state": state})
            target = f"{emulator.resource_origin}/cdn-cgi/access/authorized?{query}"
        answer = redirect(target)
        self._form.forget(answer)
        return await self._signed_in(answer, nonce)

    async def authorized(self, request: Request) -> Response:
        """Set the app's cookie in a browser that the team's login sent back."""
        emulator = self._emulator
        claims = await emulator.keys.verify(request.query_params.get("state", ""))
        nonce = request.query_params.get("nonce", "")
        if claims is None or claims.get("nonce") != nonce or nonce not in self._account.sessions:
            return page(_INVALID_NONCE, status=400)
        answer = await self._signed_in(redirect(f"{emulator.resource_origin}{claims['redirect_url']}"), nonce)
        if emulator.has(Fault.BINDING_COOKIE):
            answer.set_cookie("CF_Binding", randomness.token_hex(16), httponly=True, samesite="lax")
        return answer

    async def _signed_in(self, answer: Response, nonce: str) -> Response:
        token = await self._account.sign_identity(nonce)
        answer.set_cookie(COOKIE, token, max_age=SESSION_LIFETIME, httponly=True, samesite="lax")
        return answer

    async def approve(self, request: Request) -> Response:
        """Log the user in, then take the approval; the token waits for the holder of cloudflared's key."""
        account = self._account
        key = request.query_params.get("token", "")
        if not _PUBLIC_KEY.fullmatch(key) or request.query_params.get("aud") != account.aud:
            return page("This link is not complete", status=400)
        claims = await account.visitor(request)
        if claims is None:
            path = f"{request.url.path}?{request.url.query}"
            return redirect(await account.login_url(path, "app"))
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


def session_routes(account: Account) -> list[Route]:
    """Return what a browser asks about its session at either origin: who is logged in, and logging out."""

    async def get_identity(request: Request) -> Response:
        claims = await account.visitor(request)
        if claims is None:
            return json_answer({"err": "no app token set"}, 400)
        return json_answer({"email": claims["email"], "user_uuid": claims["sub"], "iat": claims["iat"]})

    async def logout(request: Request) -> Response:
        claims = await account.visitor(request)
        if claims is not None:
            account.end_sessions(claims["email"])
        answer = page("You are logged out")
        answer.delete_cookie(COOKIE)
        return answer

    return [Route("/cdn-cgi/access/get-identity", get_identity), Route("/cdn-cgi/access/logout", logout)]
