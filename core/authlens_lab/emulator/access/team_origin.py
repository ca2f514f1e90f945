"""The team's origin: the authorization server, and the page where a user logs in to it.

Sources of the authorization endpoint: RFC 6749 §4.1, 7636 §4.3, 8707 §2, 9207.
"""

from __future__ import annotations

import hmac
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from authlens_lab.emulator import randomness
from authlens_lab.emulator.access.account import (
    FOREIGN_ISSUER,
    OAUTH,
    SESSION_LIFETIME,
    Account,
    new_token,
    server_metadata,
)
from authlens_lab.emulator.access.edge import Edge, certificate_route, session_routes
from authlens_lab.emulator.answers import (
    INVALID_NONCE,
    NO_ACCESS,
    NO_STORE,
    UNKNOWN_APP,
    Answered,
    answered,
    callback,
    client_information,
    client_metadata,
    json_answer,
    login_page,
    page,
    read_body,
    read_fields,
    refusal,
)
from authlens_lab.emulator.issued import CHALLENGE, OAuthRefusal, RegisteredClient, put
from authlens_lab.emulator.profile import HOSTILE_TEXT, USERS, Fault
from authlens_lab.emulator.token_endpoint import TokenEndpoint

REFUSED_URI: Final = "redirect_uri is not allowed by the account configuration"
MOST_REDIRECT_URIS: Final = 20


def team_origin(account: Account) -> ASGIApp:
    team, authorization = TeamOrigin(account), AuthorizationEndpoint(account)
    routes = [
        Route("/", team.front_page),
        Route("/.well-known/oauth-authorization-server", team.metadata),
        Route(f"{OAUTH}/registration", team.register, methods=["POST"]),
        Route(f"{OAUTH}/authorization", authorization.authorize),
        Route(f"{OAUTH}/token", team.token, methods=["POST"]),
        Route(f"{OAUTH}/revoke", team.revoke, methods=["POST"]),
        Route("/cdn-cgi/access/login/{host}", authorization.login, methods=["GET", "POST"]),
        Route("/cdn-cgi/access/certs", team.certs),
        *session_routes(account),
        certificate_route(account),
    ]

    def refused(request: Request, error: Any) -> Response:
        if account.has(Fault.HOSTILE_TEXT):
            error = OAuthRefusal(error.error, error.description + HOSTILE_TEXT, error.status)
        return refusal(request, error)

    handlers = {OAuthRefusal: refused, Answered: answered}
    return Edge(Starlette(routes=routes, exception_handlers=handlers), account, "team")


def _is_loopback(uri: str) -> bool:
    """Return whether the account allows this redirect URI: any port and path on the two loopback names."""
    try:
        parts = urlsplit(uri)
        named = parts.hostname in {"localhost", "127.0.0.1"} and parts.port != 0
    except ValueError:
        return False
    return parts.scheme == "http" and named and parts.username is None and not parts.fragment


class TeamOrigin:
    """Answers for the team's host, apart from the login."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._tokens = TokenEndpoint(account.grants, self._client)

    async def _client(self, client_id: str) -> RegisteredClient:
        return self._account.grants.registered(client_id)

    async def front_page(self, _: Request) -> Response:
        return page("Team", "<p>Nothing to see here. Open the protected resource instead.</p>")

    async def metadata(self, _: Request) -> Response:
        return json_answer(server_metadata(self._account))

    async def register(self, request: Request) -> Response:
        if self._account.has(Fault.NO_REGISTRATION_ENDPOINT):
            return json_answer({"error": "not found"}, 404)
        client = self._registered(await read_body(request))
        return json_answer(self._registration_answer(client), 201, NO_STORE)

    def _registered(self, body: bytes) -> RegisteredClient:
        asked = client_metadata(body)
        if not 1 <= len(asked.redirect_uris) <= MOST_REDIRECT_URIS:
            raise OAuthRefusal("invalid_client_metadata", "redirect_uris must hold one to twenty URIs")
        if not all(map(self._allows, asked.redirect_uris)):
            raise OAuthRefusal("invalid_client_metadata", REFUSED_URI)
        if "authorization_code" not in asked.grant_types or "code" not in asked.response_types:
            raise OAuthRefusal("invalid_client_metadata", "Only the authorization code grant is supported")
        return self._account.grants.register(
            asked.redirect_uris,
            name=asked.client_name,
            auth_method=asked.token_endpoint_auth_method,
            grant_types=asked.grant_types,
        )

    def _allows(self, redirect_uri: str) -> bool:
        """Return whether the account's settings, as far as they are live, allow a redirect URI."""
        account = self._account
        if account.has(Fault.REDIRECT_URI_REFUSED) or not account.settings_live:
            return False
        if account.has(Fault.LOCALHOST_REFUSED) and urlsplit(redirect_uri).hostname == "localhost":
            return False
        return _is_loopback(redirect_uri)

    def _registration_answer(self, client: RegisteredClient) -> dict[str, Any]:
        management_url = f"{self._account.server_url}{OAUTH}/registration/{client.client_id}"
        answer = {**client_information(client, management_url), "client_id_issued_at": client.issued_at}
        if self._account.has(Fault.HOSTILE_TEXT):
            answer["client_name"] += HOSTILE_TEXT
        return answer

    async def certs(self, _: Request) -> Response:
        return json_answer({"keys": await self._account.keys.public()})

    async def token(self, request: Request) -> Response:
        account = self._account
        if account.has(Fault.HTML_ERROR):
            return page("Error 500: Internal server error", status=500)
        form, client = await self._tokens.asked(request)
        self._refuse(form)
        tokens = account.grants.issue(self._tokens.grant(form, client), new_token())
        # As Access answers: no scope, and the resource that the token is for.
        body = {**tokens, "token_type": "bearer", "scope": "", "resource": account.resource}
        if account.has(Fault.HOSTILE_TEXT):
            body["message"] = HOSTILE_TEXT
        return json_answer(body, headers=NO_STORE)

    def _refuse(self, form: dict[str, str]) -> None:
        """Refuse what Access, or a fault, refuses before it looks at the code or refresh token.

        Raises:
            OAuthRefusal: invalid_target, invalid_request or invalid_grant.
        """
        account, grant_type = self._account, form.get("grant_type")
        if form.get("resource") and not account.covers(form["resource"]):
            raise OAuthRefusal("invalid_target", "The resource is not an application of this team")
        if not grant_type:
            raise OAuthRefusal("invalid_request", "grant_type is missing")
        if grant_type == "authorization_code" and account.has(Fault.INVALID_GRANT):
            raise OAuthRefusal("invalid_grant", "Authorization code expired")
        if grant_type == "refresh_token" and account.has(Fault.EXPIRED_REFRESH_TOKEN):
            raise OAuthRefusal("invalid_grant", "Refresh token expired")

    async def revoke(self, request: Request) -> Response:
        """End a token (RFC 7009)."""
        if self._account.has(Fault.NO_REVOCATION_ENDPOINT):
            return json_answer({"error": "not found"}, 404)
        if self._account.has(Fault.REVOCATION_UNAVAILABLE):
            return page("Service unavailable", status=503, headers={"retry-after": "30"})
        form, client = await self._tokens.asked(request)
        if not form.get("token"):
            raise OAuthRefusal("invalid_request", "token is missing")
        return self._tokens.revoke(form, client)


S256_COMPLAINT: Final = "code_challenge_method must be S256 for public clients"
MOST_PENDING: Final = 1000  # login pages that were opened and not sent
SWITCH_USER: Final = (
    "<p>This login ends here: the program that asked for it gets no answer.</p>\n"
    '<p><a href="/cdn-cgi/access/logout">Log out</a></p>'
)


class AuthorizationRequest(Struct, frozen=True):
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
