"""The pages that a browser opens: the authorization endpoint and the device verification page."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from authlens_lab.emulator import randomness
from authlens_lab.emulator.answers import callback, login_page, page, read_fields
from authlens_lab.emulator.issued import CHALLENGE, OAuthRefusal, RegisteredClient
from authlens_lab.emulator.ledger import Reason, What
from authlens_lab.emulator.profile import USERS, Fault
from authlens_lab.emulator.standard.client_registry import EmulatedClients
from authlens_lab.emulator.standard.server_state import ServerState
from authlens_lab.emulator.standard.weakness import Weakness


class StandardAuthorizationEndpoint:
    """Answers a browser."""

    def __init__(self, state: ServerState, clients: EmulatedClients) -> None:
        self._state = state
        self._clients = clients

    async def authorize(self, request: Request) -> Response:
        """Show the login page, then send the browser to the redirect URI with a code or an error.

        A request whose client or redirect URI is wrong ends on a page (RFC 6749 §4.1.2.1).
        """
        try:
            given = self._parameters(request.url.query)
            client = await self._clients.find(given.get("client_id", ""))
        except OAuthRefusal as error:
            return page(error.description, status=400)
        redirect_uri = given.get("redirect_uri", "")
        # RFC 6749 §4.1.2.1: to an address that is not the client's nothing is sent, no error either.
        if not any(self._is_registered(redirect_uri, known) for known in client.redirect_uris):
            self._state.grants.ledger.note(What.LINK_REFUSED, at="server", reason=Reason.WRONG_REDIRECT)
            return page("The redirect URI is not registered for this client", status=400)
        problem = self._problem(given, client)
        if problem:
            return self._callback(given, {"error": problem[0], "error_description": problem[1]})
        if request.method == "GET":
            return self._login_page(client)
        user = await self._choice(request)
        if user is None:
            return page("The form expired. Open the link again.", status=400)
        if not user or user in self._state.grants.denied:
            words = "The policy does not admit the user" if user else "The user denied the request"
            return self._callback(given, {"error": "access_denied", "error_description": words})
        # RFC 9126 §4: a reference works once. Reloading the page before the sign-in is still possible.
        self._state.pushed.pop(given.get("request_uri", ""), None)
        code = self._state.grants.codes.issue(
            client,
            redirect_uri=redirect_uri,
            challenge=given.get("code_challenge", ""),
            user=user,
            scope=self._state.granted_scope(given.get("scope", "")),
            nonce=given.get("nonce", ""),
            audience=self._state.audience_of(given.get("resource", "")) or "",
        )
        return self._callback(given, {"code": code})

    async def device(self, request: Request) -> Response:
        """The page where the user enters the code of a device and decides (RFC 8628 §3.3)."""
        login = self._state.grants.device_of(request.query_params.get("user_code", ""))
        if login is None or login.expires_at <= self._state.clock():
            form = (
                '<form method="get"><label>Code <input name="user_code"></label><button>Next</button></form>'
            )
            return page("Enter the code that your device shows", form)
        if request.method == "GET":
            client = await self._clients.find(login.client_id)
            return self._login_page(client)
        choice = await self._choice(request)
        if choice is None:
            return page("The form expired. Open the page again.", status=400)
        if self._state.proximity and login.beside != self._state.grants.ledger.browser:
            return page("The device is not near you", status=403)
        admitted = "" if choice in self._state.grants.denied else choice
        self._state.grants.decide_device(login, admitted)
        return page("Device connected" if admitted else "Login denied", "<p>Return to your device.</p>")

    def _login_page(self, client: RegisteredClient) -> Response:
        nonce = randomness.token_urlsafe(16)
        host = urlsplit(self._state.resource_url).netloc
        answer = login_page(host, nonce=nonce, client=client.name)
        # Against a page that posts the form for a user who is signed in (CSRF).
        answer.set_cookie("form", nonce, httponly=True, samesite="strict")
        return answer

    async def _choice(self, request: Request) -> str | None:
        """Return the user that the form names, empty for a denial, or None for a form of another page."""
        form = await read_fields(request)
        nonce = form.get("nonce", "")
        if not nonce or not secrets.compare_digest(nonce.encode(), request.cookies.get("form", "").encode()):
            return None
        if form.get("choice") != "sign in" or form.get("user") not in USERS:
            return ""
        return form["user"]

    def _parameters(self, query: str) -> dict[str, str]:
        """Return the parameters of the request, those of a pushed one included (RFC 9126 §4)."""
        pairs = parse_qsl(query, keep_blank_values=True)
        given = dict(pairs)
        if len(given) != len(pairs):
            raise OAuthRefusal("invalid_request", "A parameter came twice")
        request_uri = given.get("request_uri")
        if request_uri is None:
            return given
        client_id, pushed, expires_at = self._state.pushed.get(request_uri, ("", {}, 0.0))
        # The reference is bound to its client (RFC 9126 §2.2), or anyone could use a link that leaked.
        if client_id != given.get("client_id") or expires_at <= self._state.clock():
            raise OAuthRefusal("invalid_request_uri", "The pushed request is unknown, used or expired")
        # What is in the link beside the reference is ignored (RFC 9126 §4): the browser could have changed
        # it.
        return {**pushed, "client_id": client_id, "request_uri": request_uri}

    def _problem(self, given: dict[str, str], client: RegisteredClient) -> tuple[str, str] | None:
        state = self._state
        if given.get("response_type") != "code" or "authorization_code" not in client.grant_types:
            return "unsupported_response_type", "Only response_type code, for clients registered for it"
        if state.has(Fault.PAR_REQUIRED) and "request_uri" not in given:
            return "invalid_request", "Pushed authorization requests are required"
        challenge = given.get("code_challenge", "")
        proved = given.get("code_challenge_method") == "S256" and CHALLENGE.fullmatch(challenge)
        if not proved and (challenge or not state.lacks(Weakness.PKCE_OPTIONAL)):
            return "invalid_request", "PKCE with S256 is required"
        # RFC 8707 §2: a server that ignored it would issue a token for anywhere.
        if state.audience_of(given.get("resource", "")) is None:
            return "invalid_target", "The resource is not one of this server"
        openid = "openid" in given.get("scope", "").split()
        if openid and state.has(Fault.NONCE_REQUIRED) and not given.get("nonce"):
            return "invalid_request", "nonce required"
        return None

    def _is_registered(self, asked: str, known: str) -> bool:
        prefix = self._state.lacks(Weakness.REDIRECT_PREFIX)
        return (prefix and asked.startswith(known)) or _same_uri(asked, known)

    def _callback(self, given: dict[str, str], answer: dict[str, str]) -> Response:
        if "state" in given:
            answer["state"] = given["state"]
        if not self._state.has(Fault.ISS_MISSING):
            answer["iss"] = self._state.issuer
        return callback(given["redirect_uri"], answer)


def _same_uri(asked: str, known: str) -> bool:
    """Return whether a redirect URI is a registered one; a loopback port may differ (RFC 8252 §7.3)."""
    if asked == known:
        return True
    try:
        here, there = urlsplit(asked), urlsplit(known)
        loopback = here.hostname == there.hostname and here.hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        return False
    return loopback and (here.scheme, here.path, here.query) == (there.scheme, there.path, there.query)
