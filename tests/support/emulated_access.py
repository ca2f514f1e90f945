"""A client of the emulator that knows no code of authlens: it can ask anything, even nonsense."""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from authlens_lab.emulator import Emulator, PlayResult, Profile, play_person


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def verifier_whose_challenge_starts_with(first: str) -> str:
    """Return a verifier whose challenge starts with one of the given characters."""
    while True:
        verifier = secrets.token_urlsafe(32)
        if challenge_of(verifier)[0] in first:
            return verifier


def parameters_of(url: str | None) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url or "").query).items()}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Program:
    """A client of the emulator, with a listener of its own at the callback."""

    emulator: Emulator
    http: httpx.AsyncClient
    redirect_uri: str
    client_id: str = ""
    verifier: str = field(default_factory=lambda: verifier_whose_challenge_starts_with("abcABC012"))

    def endpoint(self, name: str) -> str:
        """Return the URL of an endpoint, by its name in the profiles other than access."""
        names = {"register": "registration", "authorize": "authorization"} if self.emulator.is_access else {}
        return f"{self.emulator.endpoint}/{names.get(name, name)}"

    async def metadata(self) -> dict[str, Any]:
        issuer = httpx.URL(self.emulator.issuer)
        path = f"/.well-known/oauth-authorization-server{issuer.path.rstrip('/')}"
        return dict((await self.http.get(issuer.copy_with(path=path))).json())

    async def register(self, **changes: Any) -> httpx.Response:
        """Register as a public client and keep the id."""
        asked = {
            "client_name": "a test",
            "redirect_uris": [self.redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            **changes,
        }
        answer = await self.http.post(self.endpoint("register"), json=asked)
        if answer.status_code == 201:
            self.client_id = answer.json()["client_id"]
        return answer

    def authorization_url(self, **changes: str | None) -> str:
        """Return the authorization URL; a parameter that is None is left out."""
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": "the-state",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "resource": self.emulator.resource_url.rstrip("/"),
            **changes,
        }
        given = {name: value for name, value in parameters.items() if value is not None}
        return f"{self.endpoint('authorize')}?{urlencode(given)}"

    async def play(
        self, user: str = "ada", choice: Literal["sign in", "deny"] = "sign in", **changes: str | None
    ) -> PlayResult:
        if not self.client_id:
            await self.register()
        return await play_person(self.authorization_url(**changes), user=user, choice=choice)

    async def callback(self, **changes: str | None) -> dict[str, str]:
        """Have the person sign in; return what came to the callback."""
        if not self.client_id:
            await self.register()
        return parameters_of((await play_person(self.authorization_url(**changes))).callback_url)

    async def token(self, **changes: str | None) -> httpx.Response:
        """Ask the token endpoint for a code's worth of tokens; a parameter that is None is left out."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **changes,
        }
        given = {name: value for name, value in form.items() if value is not None}
        return await self.http.post(self.endpoint("token"), data=given)

    async def log_in(self, user: str = "ada") -> dict[str, Any]:
        """Log in; return the token answer."""
        played = await self.play(user)
        answer = await self.token(code=parameters_of(played.callback_url)["code"])
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def refresh(self, refresh_token: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": self.client_id}
        return await self.http.post(self.endpoint("token"), data=form)

    async def revoke(self, token: str) -> httpx.Response:
        form = {"token": token, "client_id": self.client_id}
        return await self.http.post(self.endpoint("revoke"), data=form)

    async def open(
        self, access_token: str | None = None, path: str = "", method: str = "GET", **headers: str
    ) -> httpx.Response:
        """Ask for the protected resource; header names are given with underscores."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if access_token is not None:
            fields["authorization"] = f"Bearer {access_token}"
        return await self.http.request(method, self.emulator.resource_url + path, headers=fields)


@asynccontextmanager
async def program_at(
    *faults: str, profile: Profile = Profile.ACCESS, **settings: Any
) -> AsyncIterator[Program]:
    """Start an emulator with these faults, a callback listener and a program that knows both."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nGot it!\r\n0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    redirect_uri = f"http://localhost:{listener.sockets[0].getsockname()[1]}/callback"
    async with (
        listener,
        Emulator(profile, faults=faults, **settings) as emulator,
        httpx.AsyncClient(trust_env=False, timeout=10) as http,
    ):
        yield Program(emulator, http, redirect_uri)
