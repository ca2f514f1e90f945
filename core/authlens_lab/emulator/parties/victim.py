"""The clients that a lesson attacks, on loopback; each of their checks is a switch.

One is a website that signs its visitors in with OAuth, the other runs in a data centre. Neither is authlens:
they have their own HTTP, share no code with the program, and no verb but `learn` reaches them. They work at
the emulator's servers alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from authlens_core.values.secret import Unprinted
from authlens_lab.emulator import randomness
from authlens_lab.emulator.answers import json_answer, page
from authlens_lab.emulator.issued import put, s256
from authlens_lab.emulator.ledger import Ledger, Reason, What
from authlens_lab.emulator.loopback_http import LoadedPage
from authlens_lab.emulator.loopback_http import request as http_request
from authlens_lab.emulator.parties.servers import PartyServer

SEAT: Final = "victim"
REDIRECTOR: Final = "/next"
_COOKIE: Final = "site"
_METADATA: Final = "/.well-known/oauth-authorization-server"
_MOST_BROWSERS: Final = 64


class VictimSwitches(Struct, frozen=True):
    """What the website does right.

    Attributes:
        pkce: sends a challenge with the link and its verifier with the code (RFC 7636).
        state: takes only an answer to the link of the same browser (RFC 6749 §10.12).
        iss: takes only an answer of the server that it asked (RFC 9207).
        resource: says which resource the token is for (RFC 8707).
        redirect_per_issuer: has a redirect URI for each server, and takes its answers only there
            (RFC 9700 §4.4.2.2).
        address_guard: opens no URL that leads to an inside address (RFC 9728 §7.7).
        no_redirects: follows no redirect of metadata.
        resource_check: compares the `resource` of metadata with the URL that it asked for (RFC 9728 §3.3).
        no_redirector: has no address that sends a browser to any URL of its query (RFC 9700 §4.11).
    """

    pkce: bool = True
    state: bool = True
    iss: bool = True
    resource: bool = True
    redirect_per_issuer: bool = False
    no_redirector: bool = True
    address_guard: bool = False
    no_redirects: bool = False
    resource_check: bool = False


SWITCHES: Final = VictimSwitches.__struct_fields__


class _Server(Struct, frozen=True):
    """An authorization server that the website knows, and its client there."""

    issuer: str
    redirect_uri: str
    authorization_endpoint: str
    token_endpoint: str
    client_id: str


class _Asked(Unprinted, Struct, frozen=True):
    """What the website remembers of a link that it gave to a browser."""

    server: _Server
    state: str
    verifier: str


class SignInRefused(Exception):
    """The website stops a login; `reason` is None where a server refused it and noted why."""

    def __init__(self, words: str, reason: Reason | None = None) -> None:
        super().__init__(words)
        self.reason = reason


class Victim(PartyServer):
    """The website.

    Use it as an asynchronous context manager.

    Args:
        ledger: where it notes what it did, and whose browser is at it.
        issuer: the authorization server that its visitors sign in with.
        resource_url: the resource that it reads for them, which also says who they are.
        others: the issuers of other servers that they can choose, by name.

    Attributes:
        url: its origin, without a final slash.
    """

    HOST = "website.localhost"

    def __init__(
        self,
        ledger: Ledger,
        *,
        issuer: str,
        resource_url: str,
        switches: VictimSwitches | None = None,
        others: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.switches = switches or VictimSwitches()
        self._ledger = ledger
        self._issuers = {"": issuer, **(others or {})}
        self._resource_url = resource_url
        self._known: dict[str, _Server] = {}
        self._asked: dict[str, _Asked] = {}
        self._sessions: dict[str, str] = {}

    def _app(self) -> ASGIApp:
        routes = [
            Route("/", self._home),
            Route("/signin", self._sign_in),
            Route("/callback", self._callback),
            Route(f"/callback{REDIRECTOR}", self._forward),
            Route("/callback/{name}", self._callback),
        ]
        return Starlette(routes=routes)

    @property
    def sign_in_url(self) -> str:
        """What a visitor opens to sign in."""
        return f"{self.url}/signin"

    @property
    def redirect_uri(self) -> str:
        return f"{self.url}/callback"

    async def client_id(self) -> str:
        """Return its public name at the server, which is in every link that it gives out."""
        return (await self._server("")).client_id

    async def _home(self, request: Request) -> Response:
        user = self._sessions.get(request.cookies.get(_COOKIE, ""))
        return page(f"Signed in: {user}" if user else "Not signed in", '<p><a href="/signin">Sign in</a></p>')

    async def _sign_in(self, request: Request) -> Response:
        """Give the browser a link to the server, and remember what it was."""
        with self._ledger.seated(SEAT):
            server = await self._server(request.query_params.get("at", ""))
        asked = _Asked(server, randomness.token_urlsafe(16), randomness.token_urlsafe(32))
        browser = request.cookies.get(_COOKIE) or randomness.token_urlsafe(16)
        put(self._asked, browser, asked, _MOST_BROWSERS)
        parameters = {
            "response_type": "code",
            "client_id": server.client_id,
            "redirect_uri": server.redirect_uri,
            "scope": "read",
        }
        if self.switches.state:
            parameters["state"] = asked.state
        if self.switches.pkce:
            parameters |= {"code_challenge": s256(asked.verifier), "code_challenge_method": "S256"}
        if self.switches.resource:
            parameters["resource"] = self._resource_url
        answer = RedirectResponse(f"{server.authorization_endpoint}?{urlencode(parameters)}", 302)
        # Lax, because the callback is a navigation that comes from the server's page.
        answer.set_cookie(_COOKIE, browser, httponly=True, samesite="lax")
        return answer

    async def _callback(self, request: Request) -> Response:
        """Sign the browser in as the user of the code that it brings."""
        browser = request.cookies.get(_COOKIE) or randomness.token_urlsafe(16)
        with self._ledger.seated(SEAT):
            try:
                # A state is good for one answer (RFC 9700 §4.7.1).
                asked = self._asked.pop(browser, None)
                if self.switches.redirect_per_issuer and asked is not None:
                    self._require_own_uri(asked, request.url.path)
                user = await self._user_of(dict(request.query_params), asked)
            except SignInRefused as refused:
                if refused.reason is not None:
                    self._note(What.CLIENT_REFUSED, reason=refused.reason)
                return page(str(refused), status=400)
            put(self._sessions, browser, user, _MOST_BROWSERS)
            self._note(What.SESSION, user=user)
        answer = page(f"Signed in: {user}")
        answer.set_cookie(_COOKIE, browser, httponly=True, samesite="lax")
        return answer

    async def _forward(self, request: Request) -> Response:
        """Send the browser where `to` says, with whatever else is in the query."""
        given = dict(request.query_params)
        to = given.pop("to", "")
        if self.switches.no_redirector or not to:
            return page("There is no such page", status=404)
        # An open redirector: a code that comes here goes on to the maker of the link (RFC 9700 §4.11).
        return RedirectResponse(f"{to}?{urlencode(given)}", 302)

    @staticmethod
    def _require_own_uri(asked: _Asked, path: str) -> None:
        if urlsplit(asked.server.redirect_uri).path != path:
            raise SignInRefused("This answer came to another server's address", Reason.WRONG_REDIRECT)

    async def _user_of(self, given: dict[str, str], asked: _Asked | None) -> str:
        """Return whose code came back, after the checks that are on."""
        # Otherwise a link of an attacker's signs the visitor in as the attacker (login CSRF, RFC 9700 §4.7).
        if self.switches.state and (asked is None or given.get("state") != asked.state):
            raise SignInRefused("This answer belongs to another browser's sign-in", Reason.WRONG_STATE)
        server = await self._server("") if asked is None else asked.server
        # Otherwise the code of an honest server is handed to the attacker's (mix-up, RFC 9207 §1).
        if self.switches.iss and given.get("iss") != server.issuer:
            raise SignInRefused("This answer is from another server", Reason.WRONG_ISS)
        if "code" not in given:
            raise SignInRefused(f"The server refused: {given.get('error', 'no code')}")
        token = await self._redeemed(given["code"], server, "" if asked is None else asked.verifier)
        shown = await http_request(self._resource_url, fields=(("Authorization", f"Bearer {token}"),))
        if shown.status != 200:
            raise SignInRefused("The resource refused the token")
        return str(json.loads(shown.text)["message"]).removeprefix("Welcome, ")

    async def _redeemed(self, code: str, server: _Server, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": server.redirect_uri,
            "client_id": server.client_id,
        }
        if self.switches.pkce:
            # A browser that asked nothing has no verifier; whatever is sent for it cannot match.
            form["code_verifier"] = verifier or randomness.token_urlsafe(32)
        if self.switches.resource:
            form["resource"] = self._resource_url
        answer = await http_request(server.token_endpoint, urlencode(form).encode())
        if answer.status != 200:
            raise SignInRefused("The server refused the code")
        return str(json.loads(answer.text)["access_token"])

    async def _server(self, name: str) -> _Server:
        """Return a server after reading its metadata and registering once; the usual one has no name."""
        issuer = self._issuers.get(name, self._issuers[""])
        if issuer not in self._known:
            own = name if self.switches.redirect_per_issuer else ""
            redirect_uri = f"{self.redirect_uri}/{own}" if own else self.redirect_uri
            document = json.loads((await http_request(issuer + _METADATA)).text)
            asked = {
                "client_name": "A website",
                "redirect_uris": [redirect_uri],
                "token_endpoint_auth_method": "none",
            }
            answer = await http_request(
                document["registration_endpoint"], json.dumps(asked).encode(), media_type="application/json"
            )
            self._known[issuer] = _Server(
                issuer=document["issuer"],
                redirect_uri=redirect_uri,
                authorization_endpoint=document["authorization_endpoint"],
                token_endpoint=document["token_endpoint"],
                client_id=json.loads(answer.text)["client_id"],
            )
        return self._known[issuer]

    def _note(self, what: What, *, user: str = "", reason: Reason | None = None) -> None:
        self._ledger.note(what, at=SEAT, user=user, reason=reason, browser=self._ledger.browser)


PARTY: Final = "internal"
_RESOURCE_METADATA: Final = "/.well-known/oauth-protected-resource"
_CHALLENGE: Final = re.compile(r'resource_metadata="([^"]*)"')


class HostedClient(PartyServer):
    """A client in a data centre, and beside it, at `url`, a service that no one outside can reach.

    Before a login it reads metadata, and so opens URLs that the resource chose (RFC 9728 §7.7). Use it as an
    asynchronous context manager.

    Args:
        ledger: where it notes what was fetched, and what it refused to fetch.
        switches: which checks it makes.
    """

    def __init__(self, ledger: Ledger, switches: VictimSwitches) -> None:
        super().__init__()
        self._ledger = ledger
        self._switches = switches

    def _app(self) -> ASGIApp:
        return Starlette(routes=[Route("/{path:path}", self._inside)])

    async def _inside(self, _: Request) -> Response:
        self._ledger.note(What.FETCHED, at=PARTY)
        return json_answer({"error": "not_found"}, 404)

    async def discover(self, resource_url: str) -> None:
        """Read the metadata of a resource and of its server, as before a login."""
        with self._ledger.seated(SEAT):
            refusal = await http_request(resource_url)
            named = _CHALLENGE.search(refusal.challenge)
            document = await self._fetch(named[1] if named else resource_url.rstrip("/") + _RESOURCE_METADATA)
            if document is None or document.status != 200:
                return
            metadata = json.loads(document.text)
            if self._switches.resource_check and metadata["resource"] != resource_url:
                self._ledger.note(What.CLIENT_REFUSED, at=SEAT, reason=Reason.WRONG_RESOURCE)
                return
            await self._fetch(metadata["authorization_servers"][0].rstrip("/") + _METADATA)

    async def _fetch(self, url: str) -> LoadedPage | None:
        """Return what is at a URL that came from outside, after one redirect; None if that is refused."""
        if self._is_refused(url):
            return None
        shown = await _loaded(url)
        if shown is None or not shown.location or self._switches.no_redirects:
            return shown
        return shown if self._is_refused(shown.location) else await _loaded(shown.location)

    def _is_refused(self, url: str) -> bool:
        """Return whether the address is an inside one. Everything here is on loopback, so a port is one."""
        blocked = self._switches.address_guard and urlsplit(url).netloc == urlsplit(self.url).netloc
        if blocked:
            self._ledger.note(What.CLIENT_REFUSED, at=SEAT, reason=Reason.BLOCKED_ADDRESS)
        return blocked


async def _loaded(url: str) -> LoadedPage | None:
    """Return what is at a URL; None for one that leads away from loopback, where nothing is simulated."""
    try:
        return await http_request(url)
    except ValueError:
        return None
