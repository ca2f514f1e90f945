"""The authorization endpoint and the login page.

Sources: RFC 6749 §4.1, 7636 §4.3, 8707 §2, 9207.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from authlens_core.emulator import randomness
from authlens_core.emulator.access.account import FOREIGN_ISSUER, OAUTH, SESSION_LIFETIME, Account
from authlens_core.emulator.answers import (
    INVALID_NONCE,
    NO_ACCESS,
    NO_STORE,
    UNKNOWN_APP,
    Answered,
    callback,
    login_page,
    page,
    read_fields,
)
from authlens_core.emulator.codes import CHALLENGE, put
from authlens_core.emulator.issued import RegisteredClient
from authlens_core.emulator.profile import HOSTILE_TEXT, USERS, Fault

S256_COMPLAINT: Final = "code_challenge_method must be S256 for public clients"
MOST_PENDING: Final = 1000  # login pages that were opened and not sent
SWITCH_USER: Final = (
    "<p>This login ends here: the program that asked for it gets no answer.</p>\n"
    '<p><a href="/cdn-cgi/access/logout">Log out</a></p>'
)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """An authorization request whose client and redirect URI may be answered."""

    client: RegisteredClient
    redirect_uri: str
    state: str | None
    challenge: str


class AuthorizationEndpoint:
    """The endpoint that a browser opens, and the page where the user logs in."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._pending: dict[str, float] = {}

    async def authorize(self, request: Request) -> Response:
        """Check the request, let the user log in, then send the browser to the callback."""
        asked = self._check(request.url.query)
        claims = await self._account.identity(request.cookies.get("CF_Authorization", ""))
        if claims is None:
            back = f"{OAUTH}/authorization?{request.url.query}"
            return RedirectResponse(await self._account.login_url(back, "oauth"), 302, dict(NO_STORE))
        return self._decide(asked, claims["email"])

    async def login(self, request: Request) -> Response:
        meta = await self._meta(request)
        if self._account.has(Fault.INVALID_NONCE):
            return page(INVALID_NONCE, status=400)
        if meta is None or self._account.has(Fault.APPLICATION_NOT_FOUND):
            return page(UNKNOWN_APP, status=404)
        if request.method == "POST":
            return await self._sign_in(request, meta)
        claims = await self._account.identity(request.cookies.get("CF_Authorization", ""))
        if claims is not None and meta["flow"] == "app":
            return await self._onwards(meta, claims["identity_nonce"])
        nonce = randomness.token_urlsafe(24)
        put(self._pending, nonce, meta["exp"], MOST_PENDING)
        answer = login_page(self._account.app_host, nonce=nonce, client=self._client_name(meta))
        answer.set_cookie("CF_Session", nonce, httponly=True, samesite="lax")
        return answer

    async def _meta(self, request: Request) -> dict[str, Any] | None:
        """Return the claims of the `meta` token of a login URL, or None if this team did not make it."""
        claims = await self._account.keys.verify(request.query_params.get("meta", ""))
        if claims is None or claims.get("type") != "meta" or claims["exp"] <= self._account.now():
            return None
        named = request.query_params.get("kid") == claims["aud"] == self._account.aud
        return claims if named and request.path_params["host"] == claims["hostname"] else None

    def _client_name(self, meta: dict[str, Any]) -> str:
        query = dict(parse_qsl(meta["redirect_url"].partition("?")[2]))
        client = self._account.grants.client(query.get("client_id", "")) if meta["flow"] == "oauth" else None
        return client.name if client is not None else ""

    async def _sign_in(self, request: Request, meta: dict[str, Any]) -> Response:
        form = await read_fields(request)
        cookie = request.cookies.get("CF_Session", "")
        nonce = form.get("nonce", "")
        # The cookie binds the form to the browser that opened it: a form of another site has no cookie.
        same = hmac.compare_digest(nonce.encode(), cookie.encode())
        if not same or self._pending.pop(nonce, 0.0) <= self._account.now():
            return page(INVALID_NONCE, status=400)
        user = form.get("user", "")
        if user not in USERS:
            return page("Pick one of the users", status=400)
        if form.get("choice") != "sign in":
            return self._denied_by_user(meta)
        if self._may_not_enter(user):
            return page(NO_ACCESS, SWITCH_USER, status=403)
        return await self._onwards(meta, self._account.start_session(user))

    async def _onwards(self, meta: dict[str, Any], nonce: str) -> Response:
        """Send a user who is logged in back to where the login started, and set the team's cookie."""
        account = self._account
        if meta["flow"] == "oauth":
            target = account.server_url + meta["redirect_url"]
        else:
            state = await account.keys.sign({"nonce": nonce, "redirect_url": meta["redirect_url"]})
            query = urlencode({"nonce": nonce, "state": state})
            target = f"{account.resource_url}/cdn-cgi/access/authorized?{query}"
        answer = RedirectResponse(target, 302, dict(NO_STORE))
        answer.delete_cookie("CF_Session")
        token = await account.sign_identity(nonce)
        answer.set_cookie("CF_Authorization", token, max_age=SESSION_LIFETIME, httponly=True, samesite="lax")
        return answer

    def _denied_by_user(self, meta: dict[str, Any]) -> Response:
        if meta["flow"] != "oauth":
            return page("You denied the login", status=403)
        asked = self._check(meta["redirect_url"].partition("?")[2])
        return self._callback_error(asked, "access_denied", "The user denied the request")

    def _may_not_enter(self, user: str) -> bool:
        return user in self._account.grants.denied or self._account.has(Fault.DENIED_USER)

    def _decide(self, asked: AuthorizationRequest, user: str) -> Response:
        """Apply the policy to a known user, and answer on the callback."""
        if self._may_not_enter(user):
            return page(NO_ACCESS, SWITCH_USER, status=403)
        if self._account.has(Fault.ACCESS_DENIED):
            return self._callback_error(asked, "access_denied", "The resource owner denied the request")
        code = self._account.grants.codes.issue(
            asked.client, redirect_uri=asked.redirect_uri, challenge=asked.challenge, user=user
        )
        return self._callback(asked, {"code": code})

    def _check(self, query: str) -> AuthorizationRequest:
        """Check everything that is checked before a login.

        Raises:
            Answered: with a page while the redirect URI is not to be trusted, later with a callback.
        """
        pairs = parse_qsl(query, keep_blank_values=True)
        given = dict(pairs)
        client = self._account.grants.client(given.get("client_id", ""))
        redirect_uri = given.get("redirect_uri", "")
        if len(given) != len(pairs):
            raise Answered(page("A parameter came twice", status=400))
        if client is None:
            raise Answered(page("Unknown client", status=400))
        # RFC 6749 §4.1.2.1: never redirected there, or the server would be an open redirector.
        if redirect_uri not in client.redirect_uris:
            raise Answered(page("The redirect URI is not registered for this client", status=400))
        asked = AuthorizationRequest(
            client, redirect_uri, given.get("state"), given.get("code_challenge", "")
        )
        error = self._parameter_error(given) or self._challenge_error(asked.challenge, given)
        if error:
            raise Answered(self._callback_error(asked, *error))
        return asked

    def _parameter_error(self, given: dict[str, str]) -> tuple[str, str] | None:
        account = self._account
        resource = given.get("resource", "")
        if not resource:
            return "invalid_target", "No resource parameter found"
        if account.has(Fault.RESOURCE_REFUSED) or not account.covers(resource) or not account.oauth_on:
            return "invalid_target", "The resource is not an application of this team"
        if account.has(Fault.REDIRECT_URI_REFUSED_AT_AUTHORIZATION):
            return "invalid_request", "Redirect URI not allowed by application configuration"
        if given.get("response_type") != "code":
            return "unsupported_response_type", "response_type must be code"
        return None

    def _challenge_error(self, challenge: str, given: dict[str, str]) -> tuple[str, str] | None:
        account = self._account
        good = given.get("code_challenge_method") == "S256" and CHALLENGE.fullmatch(challenge)
        first = account.has(Fault.PKCE_FIRST_CHARACTER) and challenge.startswith(("-", "_"))
        if not good or first or account.has(Fault.PKCE_REFUSED):
            return "invalid_request", S256_COMPLAINT
        return None

    def _callback_error(self, asked: AuthorizationRequest, error: str, description: str) -> Response:
        if self._account.has(Fault.HOSTILE_TEXT):
            description += HOSTILE_TEXT
        return self._callback(asked, {"error": error, "error_description": description})

    def _callback(self, asked: AuthorizationRequest, answer: dict[str, str]) -> Response:
        """Send the browser to the redirect URI, under some faults with what an attacker would say."""
        if self._account.has(Fault.WRONG_STATE):
            answer["state"] = randomness.token_urlsafe(16)
        elif asked.state is not None:
            answer["state"] = asked.state
        if self._account.has(Fault.ISS_MISMATCH):
            answer["iss"] = FOREIGN_ISSUER
        return callback(asked.redirect_uri, answer)
