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
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

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
    """An authorization server of the website, with the website's client there."""

    issuer: str
    redirect_uri: str
    authorization_endpoint: str
    token_endpoint: str
    client_id: str


class _Link(Unprinted, Struct, frozen=True):
    """What the website remembers of a link that it gave to a browser."""

    server: _Server
    state: str
    verifier: str


class SignInRefused(Exception):
    """The website stops a login; `reason` is None where a server refused it and noted why."""

    def __init__(self, description: str, reason: Reason | None = None) -> None:
        super().__init__(description)
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
        self._servers: dict[str, _Server] = {}
        self._links: dict[str, _Link] = {}
        self._sessions: dict[str, str] = {}

    def _routes(self) -> list[Route]:
        return [
            Route("/", self._home),
            Route("/signin", self._sign_in),
            Route("/callback", self._callback),
            Route(f"/callback{REDIRECTOR}", self._forward),
            Route("/callback/{name}", self._callback),
        ]

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
        """Give the browser a link to the server, and remember it."""
        with self._ledger.seated(SEAT):
            server = await self._server(request.query_params.get("at", ""))
        link = _Link(server, randomness.token_urlsafe(16), randomness.token_urlsafe(32))
        browser = _browser(request)
        put(self._links, browser, link, _MOST_BROWSERS)
        parameters = {
            "response_type": "code",
            "client_id": server.client_id,
            "redirect_uri": server.redirect_uri,
            "scope": "read",
        }
        if self.switches.state:
            parameters["state"] = link.state
        if self.switches.pkce:
            parameters |= {"code_challenge": s256(link.verifier), "code_challenge_method": "S256"}
        if self.switches.resource:
            parameters["resource"] = self._resource_url
        answer = RedirectResponse(f"{server.authorization_endpoint}?{urlencode(parameters)}", 302)
        return _with_cookie(answer, browser)

    async def _callback(self, request: Request) -> Response:
        """Sign the browser in as the user of the code that it brings."""
        browser = _browser(request)
        # A state is good for one answer (RFC 9700 §4.7.1).
        link = self._links.pop(browser, None)
        with self._ledger.seated(SEAT):
            try:
                user = await self._user_of(request, link)
            except SignInRefused as refused:
                if refused.reason is not None:
                    self._note(What.CLIENT_REFUSED, reason=refused.reason)
                return page(str(refused), status=400)
            put(self._sessions, browser, user, _MOST_BROWSERS)
            self._note(What.SESSION, user=user)
        return _with_cookie(page(f"Signed in: {user}"), browser)

    async def _forward(self, request: Request) -> Response:
        """Send the browser to the URL in `to`, with the rest of the query."""
        parameters = dict(request.query_params)
        target = parameters.pop("to", "")
        if self.switches.no_redirector or not target:
            return page("There is no such page", status=404)
        # An open redirector: a code that comes here goes on to the maker of the link (RFC 9700 §4.11).
        return RedirectResponse(f"{target}?{urlencode(parameters)}", 302)

    async def _user_of(self, request: Request, link: _Link | None) -> str:
        """Return whose code came back, after the checks that are on."""
        parameters, switches = request.query_params, self.switches
        path = request.url.path if link is None else urlsplit(link.server.redirect_uri).path
        if switches.redirect_per_issuer and path != request.url.path:
            raise SignInRefused("This answer came to another server's address", Reason.WRONG_REDIRECT)
        # Otherwise a link of an attacker's signs the visitor in as the attacker (login CSRF, RFC 9700 §4.7).
        if switches.state and (link is None or parameters.get("state") != link.state):
            raise SignInRefused("This answer belongs to another browser's sign-in", Reason.WRONG_STATE)
        # A browser without a link has no verifier; whatever is sent for it cannot match.
        link = link or _Link(await self._server(""), "", randomness.token_urlsafe(32))
        # Otherwise the code of an honest server is handed to the attacker's (mix-up, RFC 9207 §1).
        if switches.iss and parameters.get("iss") != link.server.issuer:
            raise SignInRefused("This answer is from another server", Reason.WRONG_ISS)
        if "code" not in parameters:
            raise SignInRefused(f"The server refused: {parameters.get('error', 'no code')}")
        token = await self._redeemed(parameters["code"], link)
        answer = await http_request(self._resource_url, fields=(("Authorization", f"Bearer {token}"),))
        if answer.status != 200:
            raise SignInRefused("The resource refused the token")
        return str(json.loads(answer.text)["message"]).removeprefix("Welcome, ")

    async def _redeemed(self, code: str, link: _Link) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": link.server.redirect_uri,
            "client_id": link.server.client_id,
        }
        if self.switches.pkce:
            form["code_verifier"] = link.verifier
        if self.switches.resource:
            form["resource"] = self._resource_url
        answer = await http_request(link.server.token_endpoint, urlencode(form).encode())
        if answer.status != 200:
            raise SignInRefused("The server refused the code")
        return str(json.loads(answer.text)["access_token"])

    async def _server(self, name: str) -> _Server:
        """Return a server after reading its metadata and registering once; the usual one has no name."""
        issuer = self._issuers.get(name, self._issuers[""])
        if issuer not in self._servers:
            has_path = name and self.switches.redirect_per_issuer
            redirect_uri = f"{self.redirect_uri}/{name}" if has_path else self.redirect_uri
            document = json.loads((await http_request(issuer + _METADATA)).text)
            metadata = {
                "client_name": "A website",
                "redirect_uris": [redirect_uri],
                "token_endpoint_auth_method": "none",
            }
            body = json.dumps(metadata).encode()
            endpoint = document["registration_endpoint"]
            answer = await http_request(endpoint, body, media_type="application/json")
            self._servers[issuer] = _Server(
                issuer=document["issuer"],
                redirect_uri=redirect_uri,
                authorization_endpoint=document["authorization_endpoint"],
                token_endpoint=document["token_endpoint"],
                client_id=json.loads(answer.text)["client_id"],
            )
        return self._servers[issuer]

    def _note(self, what: What, *, user: str = "", reason: Reason | None = None) -> None:
        self._ledger.note(what, at=SEAT, user=user, reason=reason, browser=self._ledger.browser)


def _browser(request: Request) -> str:
    """Return the name of a browser, which is its cookie; a new one for a first visit."""
    return request.cookies.get(_COOKIE) or randomness.token_urlsafe(16)


def _with_cookie(answer: Response, browser: str) -> Response:
    # Lax, because the callback is a navigation that comes from the server's page.
    answer.set_cookie(_COOKIE, browser, httponly=True, samesite="lax")
    return answer


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

    def _routes(self) -> list[Route]:
        return [Route("/{path:path}", self._inside)]

    async def _inside(self, _: Request) -> Response:
        self._ledger.note(What.FETCHED, at=PARTY)
        return json_answer({"error": "not_found"}, 404)

    async def discover(self, resource_url: str) -> None:
        """Read the metadata of a resource and of its server, as before a login."""
        with self._ledger.seated(SEAT):
            refusal = await http_request(resource_url)
            url = _CHALLENGE.search(refusal.challenge)
            document = await self._fetch(url[1] if url else resource_url.rstrip("/") + _RESOURCE_METADATA)
            if document is None or document.status != 200:
                return
            metadata = json.loads(document.text)
            if self._switches.resource_check and metadata["resource"] != resource_url:
                self._ledger.note(What.CLIENT_REFUSED, at=SEAT, reason=Reason.WRONG_RESOURCE)
                return
            await self._fetch(metadata["authorization_servers"][0].rstrip("/") + _METADATA)

    async def _fetch(self, url: str, *, redirects: int = 1) -> LoadedPage | None:
        """Return what is at a URL that came from outside, after one redirect; None if that is refused."""
        # Everything here is on loopback, so a port is what makes an address an inside one.
        if self._switches.address_guard and urlsplit(url).netloc == urlsplit(self.url).netloc:
            self._ledger.note(What.CLIENT_REFUSED, at=SEAT, reason=Reason.BLOCKED_ADDRESS)
            return None
        try:
            document = await http_request(url)
        except ValueError:  # it leads away from loopback, where nothing is simulated
            return None
        if not document.location or self._switches.no_redirects or not redirects:
            return document
        return await self._fetch(document.location, redirects=0)
