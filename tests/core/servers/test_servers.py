"""The servers of docs/servers.toml, played: what a login says, and where the commands that it names lead."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from authlens_lab.emulator.origins import LoopbackServer
from support.command_line import CommandLine, commands_in, fixes_in, words_of_cloudflare
from support.needs import free_port

CLIENT_ID: Final = "odd-client"
CLIENT_SECRET: Final = "odd-secret-of-this-client"
_RESOURCE: Final = "/.well-known/oauth-protected-resource/mcp"
_WELL_KNOWN: Final = {
    "oauth": "/.well-known/oauth-authorization-server{path}",
    "oidc": "/.well-known/openid-configuration{path}",
    "oidc-appended": "{path}/.well-known/openid-configuration",
}


@dataclass(frozen=True)
class Plays:
    """What is odd; `{server}` in a text is the origin of the authorization server.

    Attributes:
        path: of the issuer.
        found: where the server metadata is: `oauth`, `oidc` or `oidc-appended`.
        named: what the resource metadata calls the server; the issuer if it is empty.
        server: members of the server metadata that are different; without a value they are left out.
        resource: the same of the resource metadata.
        registration: `open`, `token` for an initial access token, `forbidden` by a policy, or `none`.
        registers: members of a registration that are refused with other values than these.
        secret: how the client's secret may be sent, `basic` or `post`; empty for a client without one.
        needs: parameters of an authorization request that have to be there, with the error if they are not.
        refuses: parameters that must not be there, with the error if they are.
        redirects: the redirect URIs that are known beforehand, `*` for any port; all where it is empty.
        pkce: the method that is checked; empty for none.
        response_mode: how the browser comes back: `query`, `form_post` or `fragment`.
        refresh_needs: a parameter that a refresh has to have.
        token_answers: `json`, `form`, or `form-200` for errors with status 200 as well.
        legacy: whether the resource's origin is the authorization server, and publishes nothing.
        opaque_without: a parameter without which the resource refuses the token.
    """

    path: str = ""
    found: str = "oauth"
    named: str = ""
    server: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    registration: str = "open"
    registers: Mapping[str, Any] = field(default_factory=dict)
    secret: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    refuses: Mapping[str, str] = field(default_factory=dict)
    redirects: tuple[str, ...] = ()
    pkce: str = "S256"
    response_mode: str = "query"
    refresh_needs: str = ""
    token_answers: str = "json"
    legacy: bool = False
    opaque_without: str = ""


class _Refused(Exception):
    """An OAuth error; its arguments are the error and its description."""

    @classmethod
    def by(cls, text: str) -> _Refused:
        """Return the refusal of a declaration: `error: description`."""
        error, _, description = text.partition(": ")
        return cls(error, description)


class OddServer(LoopbackServer):
    """Plays a declaration; use it as an asynchronous context manager, or call `start` and `stop`.

    Attributes:
        seen: the form of each request of the token endpoint, in order.
    """

    def __init__(self, plays: Plays) -> None:
        """Make a server, not started."""
        super().__init__()
        self._plays = plays
        self._codes: dict[str, dict[str, str]] = {}
        self._clients: dict[str, dict[str, Any]] = {CLIENT_ID: {}}
        self._tokens: set[str] = set()
        self._device = ""
        self.seen: list[dict[str, str]] = []
        self._server = ""

    @property
    def resource_url(self) -> str:
        return f"{self.resource_origin}/mcp"

    @property
    def device_endpoint(self) -> str:
        """Where a code for another device is to be had, whatever the metadata names."""
        return f"{self._server}/device"

    @property
    def named(self) -> str:
        return (self._plays.named or f"{{server}}{self._plays.path}").replace("{server}", self._server)

    @property
    def issuer(self) -> str:
        stated = self._plays.server.get("issuer") or f"{{server}}{self._plays.path}"
        return str(stated).replace("{server}", self._server)

    def _build(self) -> tuple[ASGIApp, ASGIApp]:
        self._server = self.resource_origin if self._plays.legacy else self.server_url
        both = ["GET", "POST"]
        server = [
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/register", self._register, methods=["POST"]),
            Route("/device", self._device_codes, methods=["POST"]),
            Route("/revoke", lambda _: Response(), methods=["POST"]),
        ]
        resource = [
            Route("/mcp", self._open, methods=both),
            *([Route(_RESOURCE, self._resource_metadata)] if not self._plays.legacy else []),
        ]
        if self._plays.legacy:
            return Starlette(routes=[*resource, *server]), Starlette()
        place = _WELL_KNOWN[self._plays.found].format(path=self._plays.path.rstrip("/"))
        return Starlette(routes=resource), Starlette(routes=[Route(place, self._server_metadata), *server])

    async def _open(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").partition(" ")[2]
        if token in self._tokens:
            answer = {"jsonrpc": "2.0", "id": 1, "result": {}}
            return JSONResponse(answer) if request.method == "POST" else Response(status_code=405)
        challenge = "Bearer"
        if not self._plays.legacy:
            challenge += f' resource_metadata="{self.resource_origin}{_RESOURCE}"'
        return Response(status_code=401, headers={"WWW-Authenticate": challenge})

    async def _resource_metadata(self, _: Request) -> Response:
        document = {"resource": self.resource_url, "authorization_servers": [self.named]}
        return JSONResponse(self._odd(document, self._plays.resource))

    async def _server_metadata(self, _: Request) -> Response:
        document = {
            "issuer": f"{self._server}{self._plays.path}",
            "authorization_endpoint": f"{self._server}/authorize",
            "token_endpoint": f"{self._server}/token",
            "registration_endpoint": f"{self._server}/register",
            "revocation_endpoint": f"{self._server}/revoke",
            "device_authorization_endpoint": f"{self._server}/device",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }
        return JSONResponse(self._odd(document, self._plays.server))

    def _odd(self, document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        changed = {name: value for name, value in {**document, **changes}.items() if value != ""}
        text = (
            json.dumps(changed).replace("{server}", self._server).replace("{resource}", self.resource_origin)
        )
        return dict(json.loads(text))

    async def _register(self, request: Request) -> Response:
        plays, asked = self._plays, await request.json()
        if plays.registration == "none":
            return Response(status_code=404)
        if plays.registration == "token" and "authorization" not in request.headers:
            error = {"error": "invalid_token", "error_description": "Initial access token required"}
            return JSONResponse(error, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        if plays.registration == "forbidden":
            error = {
                "error": "insufficient_scope",
                "error_description": "Policy 'Trusted Hosts' rejected request",
            }
            return JSONResponse(error, 403)
        for name, value in plays.registers.items():
            if asked.get(name) != value:
                error = {"error": "invalid_client_metadata", "error_description": f"{name} is not allowed"}
                return JSONResponse(error, 400)
        client_id = secrets.token_hex(8)
        self._clients[client_id] = asked
        return JSONResponse({**asked, "client_id": client_id}, 201)

    async def _authorize(self, request: Request) -> Response:
        asked, plays = dict(request.query_params), self._plays
        redirect_uri = asked.get("redirect_uri", "")
        if asked.get("client_id") not in self._clients or not self._knows(redirect_uri):
            return HTMLResponse("<p>The redirect URI does not match the one of the client.</p>", 400)
        answer = {"state": asked["state"]} if "state" in asked else {}
        try:
            self._judge(asked)
            code = secrets.token_hex(16)
            self._codes[code] = asked
            answer["code"] = code
        except _Refused as refused:
            answer |= dict(zip(("error", "error_description"), refused.args, strict=True))
        if plays.response_mode == "form_post":
            inputs = "".join(f'<input type="hidden" name="{n}" value="{v}">' for n, v in answer.items())
            return HTMLResponse(f'<form method="post" action="{redirect_uri}">{inputs}</form>')
        sign = "#" if plays.response_mode == "fragment" else "?"
        return RedirectResponse(f"{redirect_uri}{sign}{urlencode(answer)}", 302)

    def _knows(self, redirect_uri: str) -> bool:
        place = urlsplit(redirect_uri)
        any_port = place._replace(netloc=f"{place.hostname}:*").geturl()
        known = self._plays.redirects
        return not known or redirect_uri in known or any_port in known

    def _judge(self, asked: Mapping[str, str]) -> None:
        plays = self._plays
        for name, error in plays.needs.items():
            if not asked.get(name):
                raise _Refused.by(error)
        for name, error in plays.refuses.items():
            if name in asked:
                raise _Refused.by(error)
        if plays.pkce and asked.get("code_challenge_method", "plain") != plays.pkce:
            raise _Refused("invalid_request", f"code_challenge_method must be {plays.pkce}")

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        self.seen.append(form)
        try:
            self._authenticate(request, form)
            return self._said(self._issue(form), 200)
        except _Refused as refused:
            error = dict(zip(("error", "error_description"), refused.args, strict=True))
            return self._said(error, 200 if self._plays.token_answers == "form-200" else 400)

    def _authenticate(self, request: Request, form: Mapping[str, str]) -> None:
        given = {"post": form.get("client_secret", ""), "basic": ""}
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            given["basic"] = unquote(base64.b64decode(value).decode().partition(":")[2])
        ways = self._plays.secret
        if ways and CLIENT_SECRET not in [given[way] for way in ways]:
            raise _Refused("invalid_client", "client_secret is missing")

    def _issue(self, form: Mapping[str, str]) -> dict[str, Any]:
        good = True
        match form.get("grant_type"):
            case "authorization_code":
                good = self._take_code(form)
            case "urn:ietf:params:oauth:grant-type:device_code":
                self._take_device_code(form)
            case "refresh_token" if not self._plays.refresh_needs or self._plays.refresh_needs in form:
                pass
            case "refresh_token":
                missing = self._plays.refresh_needs
                raise _Refused("invalid_request", f"AADSTS900144: the body must contain {missing}")
            case "client_credentials" if self._plays.secret:
                pass
            case grant:
                raise _Refused("unsupported_grant_type", f"{grant} is not supported")
        token = secrets.token_hex(16)
        if good:
            self._tokens.add(token)
        return {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": 3600,
            "refresh_token": secrets.token_hex(16),
            "scope": form.get("scope", "mcp"),
        }

    def _take_code(self, form: Mapping[str, str]) -> bool:
        """Return whether the token for a code will be good at the resource."""
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            raise _Refused("invalid_grant", "unknown code")
        self._verify(asked, form.get("code_verifier", ""))
        return not self._plays.opaque_without or self._plays.opaque_without in asked

    def _take_device_code(self, form: Mapping[str, str]) -> None:
        if form.get("device_code") != self._device:
            raise _Refused("invalid_grant", "unknown device code")
        if sum("device_code" in seen for seen in self.seen) < 2:  # the first time it is not entered yet
            raise _Refused("authorization_pending", "The authorization request is still pending.")

    def _verify(self, asked: Mapping[str, str], verifier: str) -> None:
        if self._plays.pkce == "S256":
            digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
            if digest.decode() != asked.get("code_challenge"):
                raise _Refused("invalid_grant", "the verifier does not match")

    def _said(self, members: Mapping[str, Any], status: int) -> Response:
        if self._plays.token_answers == "json":
            return JSONResponse(dict(members), status)
        media_type = "application/x-www-form-urlencoded"
        return Response(urlencode(members), status, media_type=media_type)

    async def _device_codes(self, _: Request) -> Response:
        self._device = secrets.token_hex(16)
        page = f"{self._server}/device"
        return JSONResponse(
            {
                "device_code": self._device,
                "user_code": "WDJB-MJHT",
                "verification_uri": page,
                "expires_in": 900,
                "interval": 1,
            }
        )


ROWS: Final[Mapping[str, Mapping[str, Any]]] = tomllib.loads(
    (Path(__file__).parents[3] / "docs" / "servers.toml").read_text("utf-8")
)

QUICK: Final = frozenset({"entra"})


@pytest.fixture
def server(name: str, line: CommandLine) -> Iterator[OddServer]:
    """The server of a row."""
    server = OddServer(Plays(**ROWS[name].get("plays", {})))
    line.beside(server.start())
    yield server
    line.beside(server.stop())


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in ROWS]
)
def test_a_server_is_logged_in_to_by_the_commands_that_its_messages_name(
    name: str, server: OddServer, line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the row says without options is said; each next command is taken from the message before it."""
    row = ROWS[name]
    command = shlex.join(
        ["authlens", "login", server.resource_url, *row.get("options", ()), "--port", str(free_port())]
    )
    ran = line.run(*shlex.split(command)[1:])
    said = ran.words[ran.words.rindex("✖") :] if ran.code else ""
    assert said.startswith(f"✖ {row['says']}" if row["says"] else ""), ran.words
    for option in row.get("steps", ()):
        assert not words_of_cloudflare(ran), ran.words
        named = [one for one in commands_in(fixes_in(ran)) if option in one]
        assert named, f"no command with {option} in:\n{ran.words}"
        command = named[0]
        given = {"ID": CLIENT_ID, "API": "https://api.example/", "ENDPOINT": server.device_endpoint}
        words = [given.get(word, word) for word in shlex.split(command)]
        if {"--client-secret", "--machine"}.intersection(words):
            monkeypatch.setenv("AUTHLENS_CLIENT_SECRET", CLIENT_SECRET)
        ran = line.run(*words[1:])
    if "way" not in row:
        assert ran.code, ran.words
        assert "owner" in " ".join(fixes_in(ran)), ran.words
        assert not words_of_cloudflare(ran), ran.words
        return
    assert ran.code == 0, ran.words
    assert _as_in_the_row(command, server) == row["way"]
    refreshed = line.run("refresh", server.resource_url)
    assert refreshed.code == 0, refreshed.words


def _as_in_the_row(command: str, server: OddServer) -> str:
    names = {server.resource_url: "URL", CLIENT_ID: "ID", shlex.quote(server.named): "SERVER"}
    names |= {shlex.quote(server.issuer): "ISSUER", f"{server.resource_url}/": "URL/"}
    command = " ".join(names.get(word, word) for word in command.split(" "))
    return re.sub(r" --(?:port|timeout) \d+", "", command)
