"""The pages that a browser opens: the authorization endpoint and the device verification page.

Sources of the authorization endpoint: RFC 6749 §4.1, 7636 §4.3, 8707 §2, 9126 §4, 9207.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from authlens_lab.emulator import randomness
from authlens_lab.emulator.answers import Answered, bite, callback, login_page, page, read_fields, redirect
from authlens_lab.emulator.issued import CHALLENGE, IssuedGrant, OAuthRefusal, RegisteredClient
from authlens_lab.emulator.ledger import Reason, What
from authlens_lab.emulator.profile import USERS, Fault
from authlens_lab.emulator.server.registration import EmulatedClients
from authlens_lab.emulator.weakness import Weakness

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator

SCOPES: Final = ("openid", "offline_access", "read", "write")
FOREIGN_ISSUER: Final = "https://elsewhere.example"  # RFC 6761 §6.5: no one can own it
_SWITCH_USER: Final = (
    "<p>This login ends here: the program that asked for it gets no answer.</p>\n"
    '<p><a href="/cdn-cgi/access/logout">Log out</a></p>'
)


def no_access() -> Response:
    """Return the page of Access for a user whom the policy keeps out."""
    return page("That account does not have access", _SWITCH_USER, status=403)


class SignInForm(Struct, frozen=True):
    """The form on which a user signs in or denies, bound to the browser by a cookie.

    Attributes:
        cookie: the name of the cookie.
        size: bytes of its value.
    """

    cookie: str
    size: int
    same_site: Literal["lax", "strict"]

    def page(self, host: str, client: str) -> Response:
        nonce = randomness.token_urlsafe(self.size)
        answer = login_page(host, nonce=nonce, client=client)
        # Against a page that posts the form for a user who is signed in (CSRF).
        answer.set_cookie(self.cookie, nonce, httponly=True, samesite=self.same_site)
        return answer

    async def user(self, request: Request) -> str | None:
        """Return the user that the form names, empty for a denial, or None for a form of another page."""
        form = await read_fields(request)
        nonce = form.get("nonce", "")
        cookie = request.cookies.get(self.cookie, "")
        if not nonce or not secrets.compare_digest(nonce.encode(), cookie.encode()):
            return None
        if form.get("choice") != "sign in" or form.get("user") not in USERS:
            return ""
        return form["user"]

    def forget(self, answer: Response) -> None:
        answer.delete_cookie(self.cookie)


class AuthorizationRequest(Struct, frozen=True):
    """An authorization request whose client and redirect URI may be answered."""

    client: RegisteredClient
    parameters: dict[str, str]

    def get(self, name: str) -> str:
        return self.parameters.get(name, "")


class AuthorizationEndpoint:
    """Answers a browser."""

    def __init__(self, emulator: Emulator, clients: EmulatedClients) -> None:
        self._emulator = emulator
        self._clients = clients
        self._form = SignInForm("form", 16, "strict")

    async def authorize(self, request: Request) -> Response:
        """Have the user sign in, then send the browser to the redirect URI with a code or an error."""
        query = request.url.query
        authorization = await self._checked(query)
        if self._emulator.is_access:
            account = self._emulator.account
            claims = await account.visitor(request)
            if claims is None:
                return redirect(await account.login_url(f"{request.url.path}?{query}", "oauth"))
            return self._decided(authorization, claims["email"])
        if request.method == "GET":
            return self._login_page(authorization.client)
        user = await self._form.user(request)
        if user is None:
            return page("The form expired. Open the link again.", status=400)
        return self._decided(authorization, user)

    async def deny(self, query: str) -> Response:
        """Answer the request of a user who denied it on the login page of Access."""
        return self._decided(await self._checked(query), "")

    async def device(self, request: Request) -> Response:
        """Return the page where the user enters the code of a device and decides (RFC 8628 §3.3)."""
        grants = self._emulator.grants
        login = grants.device_of(request.query_params.get("user_code", ""))
        if login is None or login.expires_at <= self._emulator.now():
            form = (
                '<form method="get"><label>Code <input name="user_code"></label><button>Next</button></form>'
            )
            return page("Enter the code that your device shows", form)
        if request.method == "GET":
            return self._login_page(await self._clients.find(login.grant.client_id))
        user = await self._form.user(request)
        if user is None:
            return page("The form expired. Open the page again.", status=400)
        if self._emulator.proximity and login.beside != grants.ledger.browser:
            return page("The device is not near you", status=403)
        admitted = "" if user in grants.denied else user
        grants.decide_device(login, admitted)
        return page("Device connected" if admitted else "Login denied", "<p>Return to your device.</p>")

    def _login_page(self, client: RegisteredClient) -> Response:
        return self._form.page(urlsplit(self._emulator.resource_origin).netloc, client.name)

    async def _checked(self, query: str) -> AuthorizationRequest:
        """Check everything that is checked before a login.

        Raises:
            Answered: with a page while the redirect URI is not to be trusted (RFC 6749 §4.1.2.1), later
                with a callback.
        """
        try:
            parameters = self._parameters(query)
            client = await self._clients.find(parameters.get("client_id", ""))
        except OAuthRefusal as error:
            is_unknown = self._emulator.is_access and error.error == "invalid_client"
            title = "Unknown client" if is_unknown else error.description
            raise Answered(page(title, status=400)) from None
        redirect_uri = parameters.get("redirect_uri", "")
        # To an address that is not the client's nothing is sent, no error either: the server would be an
        # open redirector.
        if not any(self._is_registered(redirect_uri, uri) for uri in client.redirect_uris):
            self._emulator.ledger.note(What.LINK_REFUSED, at="server", reason=Reason.WRONG_REDIRECT)
            raise Answered(page("The redirect URI is not registered for this client", status=400))
        authorization = AuthorizationRequest(client, parameters)
        try:
            self._check(authorization)
        except OAuthRefusal as error:
            raise Answered(self._refused(authorization, error)) from None
        return authorization

    def _parameters(self, query: str) -> dict[str, str]:
        """Return the parameters of the request, those of a pushed one included (RFC 9126 §4)."""
        pairs = parse_qsl(query, keep_blank_values=True)
        parameters = dict(pairs)
        if len(parameters) != len(pairs):
            raise OAuthRefusal("invalid_request", "A parameter came twice")
        request_uri = parameters.get("request_uri")
        if request_uri is None or self._emulator.is_access:
            return parameters
        client_id, pushed, expires_at = self._emulator.pushed.get(request_uri, ("", {}, 0.0))
        # The reference is bound to its client (RFC 9126 §2.2), or anyone could use a link that leaked.
        if client_id != parameters.get("client_id") or expires_at <= self._emulator.now():
            raise OAuthRefusal("invalid_request_uri", "The pushed request is unknown, used or expired")
        # What is in the link beside the reference is ignored (RFC 9126 §4): the browser could have changed
        # it.
        return {**pushed, "client_id": client_id, "request_uri": request_uri}

    def _is_registered(self, uri: str, registered: str) -> bool:
        if uri == registered:
            return True
        if self._emulator.is_access:
            return False
        is_below = uri.startswith(registered)
        return (is_below and self._emulator.lesson.lacks(Weakness.REDIRECT_PREFIX)) or _differs_in_port(
            uri, registered
        )

    def _check(self, request: AuthorizationRequest) -> None:
        """Check the parameters other than client and redirect URI.

        Raises:
            OAuthRefusal: the error for the callback.
        """
        emulator = self._emulator
        audience = audience_of(emulator, request.get("resource"))
        if emulator.is_access:
            if not audience and audience is not None:
                raise OAuthRefusal("invalid_target", "No resource parameter found")
            if audience is None or not emulator.account.oauth_on:
                raise OAuthRefusal("invalid_target", "The resource is not an application of this team")
        bite(emulator, "authorization")
        if request.get("response_type") != "code" or "authorization_code" not in request.client.grant_types:
            raise OAuthRefusal("unsupported_response_type", self._why("response_type"))
        if emulator.has(Fault.PAR_REQUIRED) and not request.get("request_uri"):
            raise OAuthRefusal("invalid_request", "Pushed authorization requests are required")
        self._check_challenge(request)
        # RFC 8707 §2: a server that ignored it would issue a token for anywhere.
        if audience is None:
            raise OAuthRefusal("invalid_target", "The resource is not one of this server")
        needs_nonce = emulator.has(Fault.NONCE_REQUIRED) and "openid" in request.get("scope").split()
        if needs_nonce and not request.get("nonce"):
            raise OAuthRefusal("invalid_request", "nonce required")

    def _check_challenge(self, request: AuthorizationRequest) -> None:
        challenge = request.get("code_challenge")
        is_good = request.get("code_challenge_method") == "S256" and CHALLENGE.fullmatch(challenge)
        is_optional = not challenge and self._emulator.lesson.lacks(Weakness.PKCE_OPTIONAL)
        is_misread = challenge.startswith(("-", "_")) and self._emulator.has(Fault.PKCE_FIRST_CHARACTER)
        if is_misread or not (is_good or is_optional):
            raise OAuthRefusal("invalid_request", self._why("challenge"))
        bite(self._emulator, "code_challenge")

    def _why(self, refusal: str) -> str:
        return self._emulator.grants.rules.refusals["authorization"][refusal]

    def _decided(self, request: AuthorizationRequest, user: str) -> Response:
        """Apply the policy to the decision of a user, who is empty after a denial; answer on the callback."""
        emulator = self._emulator
        if user and emulator.is_access and emulator.account.refuses(user):
            return no_access()
        try:
            if not user:
                raise OAuthRefusal("access_denied", "The user denied the request")
            bite(emulator, "decision")
            if user in emulator.grants.denied:
                raise OAuthRefusal("access_denied", "The policy does not admit the user")
        except OAuthRefusal as error:
            return self._refused(request, error)
        # RFC 9126 §4: a reference works once. Reloading the page before the sign-in is still possible.
        emulator.pushed.pop(request.get("request_uri"), None)
        grant = IssuedGrant(
            client_id=request.client.client_id,
            user=user,
            scope=granted_scope(emulator, request.get("scope")),
            nonce=request.get("nonce"),
            audience=audience_of(emulator, request.get("resource")) or "",
        )
        redirect_uri, challenge = request.get("redirect_uri"), request.get("code_challenge")
        code = emulator.grants.issue_code(grant, redirect_uri=redirect_uri, challenge=challenge)
        return self._callback(request, {"code": code})

    def _refused(self, request: AuthorizationRequest, error: OAuthRefusal) -> Response:
        description = self._emulator.hostile(error.description)
        return self._callback(request, {"error": error.error, "error_description": description})

    def _callback(self, request: AuthorizationRequest, parameters: dict[str, str]) -> Response:
        """Send the browser to the redirect URI, under some faults with what an attacker would say."""
        emulator = self._emulator
        if emulator.has(Fault.WRONG_STATE):
            parameters["state"] = randomness.token_urlsafe(16)
        elif "state" in request.parameters:
            parameters["state"] = request.get("state")
        if emulator.has(Fault.ISS_MISMATCH):
            parameters["iss"] = FOREIGN_ISSUER
        elif not emulator.is_access and not emulator.has(Fault.ISS_MISSING):
            parameters["iss"] = emulator.issuer
        return callback(request.get("redirect_uri"), parameters)


def _differs_in_port(uri: str, registered: str) -> bool:
    """Return whether a redirect URI is a registered one on another loopback port (RFC 8252 §7.3)."""
    try:
        one, other = urlsplit(uri), urlsplit(registered)
        is_loopback = one.hostname == other.hostname and one.hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        return False
    return is_loopback and (one.scheme, one.path, one.query) == (other.scheme, other.path, other.query)


def granted_scope(emulator: Emulator, scope: str) -> str:
    """Return the scopes that exist out of those in a request; `read` without any, of Access none."""
    if emulator.is_access:
        return ""
    # A server may grant less than the client wants (RFC 6749 §3.3).
    return " ".join(name for name in scope.split() if name in SCOPES) or "read"


def audience_of(emulator: Emulator, resource: str) -> str | None:
    """Return the party that a `resource` names: empty without one, None for a stranger."""
    if not resource:
        return ""
    if emulator.is_access:
        is_below = resource == emulator.resource_origin or resource.startswith(emulator.resource_url)
        return "resource" if is_below else None
    # With or without the last slash: clients differ, and real servers forgive it.
    url = resource.rstrip("/")
    if url in (emulator.resource_url.rstrip("/"), emulator.resource_origin):
        return "resource"
    return "second" if url == emulator.second_url else None
