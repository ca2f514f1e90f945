"""The profiles `mcp` and `generic`: each specification and each fault, seen over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from authlens_core.oauth.dpop import DpopKey, DpopNonces, make_dpop_key, make_jti, with_proof
from authlens_core.oauth.token import authorization_field
from authlens_core.values.exchange import Headers, Request
from authlens_core.values.secret import Secret
from authlens_lab.emulator import Profile, StandardEmulator, play_person
from support.emulated_access import challenge_of, parameters_of

REDIRECT = "http://localhost:8400/callback"
VERIFIER = "v" * 43
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Clock:
    """The emulator's time, moved by the test."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).timestamp()

    def __call__(self) -> float:
        return self.now


@dataclass
class Client:
    """A client of the emulator that uses no stage of authlens."""

    emulator: StandardEmulator
    http: httpx.AsyncClient
    clock: Clock
    client_id: str = ""

    async def metadata(self) -> dict[str, Any]:
        issuer = httpx.URL(self.emulator.issuer)
        path = f"/.well-known/oauth-authorization-server{issuer.path.rstrip('/')}"
        return dict((await self.http.get(issuer.copy_with(path=path))).json())

    async def register(self, **changes: Any) -> dict[str, Any]:
        """Register; keep the client id."""
        asked = {
            "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token", DEVICE_GRANT],
            "token_endpoint_auth_method": "none",
            **changes,
        }
        answer = await self.http.post(f"{self.emulator.issuer}/register", json=asked)
        assert answer.status_code == 201, answer.text
        self.client_id = answer.json()["client_id"]
        return dict(answer.json())

    def parameters(self, **changes: str) -> dict[str, str]:
        """The parameters of an authorization request."""
        return {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "state": "s",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }

    async def callback(self, **changes: str) -> dict[str, str]:
        """Have the user sign in; return what came to the callback."""
        url = f"{self.emulator.issuer}/authorize?{urlencode(self.parameters(**changes))}"
        return parameters_of((await play_person(url, deliver=False)).callback_url)

    async def post(self, place: str, **form: str) -> httpx.Response:
        return await self.http.post(
            f"{self.emulator.issuer}/{place}", data={"client_id": self.client_id, **form}
        )

    async def exchange(self, code: str) -> httpx.Response:
        return await self.post(
            "token", grant_type="authorization_code", code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER
        )

    async def log_in(self, **changes: str) -> dict[str, Any]:
        """Log in; return the token response."""
        if not self.client_id:
            await self.register()
        answer = await self.exchange((await self.callback(**changes))["code"])
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def open(self, token: str = "", method: str = "GET", **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        return await self.http.request(method, self.emulator.resource_url, headers=headers, **options)

    async def call(self, method: str, token: str = "", version: str = "", **params: Any) -> httpx.Response:
        """Call an MCP method, in 2026-07-28 if a version is given."""
        headers = {}
        if version:
            params["_meta"] = {"io.modelcontextprotocol/protocolVersion": version}
            headers = {"mcp-protocol-version": version, "mcp-method": method}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return await self.open(token, "POST", json=body, headers=headers)

    async def proved(self, key: DpopKey, url: str, nonces: DpopNonces, **form: str) -> httpx.Response:
        """Post a form with a proof."""
        plain = Request("POST", url, Headers.of([("Content-Type", "application/x-www-form-urlencoded")]))
        now = datetime.fromtimestamp(self.clock(), UTC)
        sent = with_proof(plain, key, nonces, now=now, jti=make_jti())
        body = urlencode({"client_id": self.client_id, **form})
        return await self.http.post(url, content=body, headers=list(sent.headers.fields))


@asynccontextmanager
async def client_at(profile: Profile, *faults: str) -> AsyncIterator[Client]:
    clock = Clock()
    async with (
        StandardEmulator(profile, faults=faults, clock=clock) as emulator,
        httpx.AsyncClient(trust_env=False, timeout=10) as http,
    ):
        yield Client(emulator, http, clock)


def test_a_fault_of_another_profile_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"generic has no fault 'get-404'.*step-up"):
        StandardEmulator(Profile.GENERIC, faults=["get-404"])


async def test_a_document_of_another_client_id_is_refused() -> None:
    async with client_at(Profile.GENERIC) as client:
        client.client_id = client.emulator.example_client + "?other"
        assert (await client.post("token", grant_type="refresh_token")).json()["error"] == "invalid_client"


@pytest.mark.parametrize("fault", ["dpop-required", "dpop-nonce"])
async def test_dpop_binds_the_token_to_the_key(fault: str) -> None:
    """RFC 9449 §5, §7.1, §8: our own proofs, judged by code that was written apart from them."""
    async with client_at(Profile.GENERIC, fault) as client:
        await client.register()
        key, nonces = make_dpop_key(), DpopNonces()
        refused = await client.exchange((await client.callback())["code"])
        assert refused.json()["error"] == "invalid_dpop_proof"
        form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
        url = f"{client.emulator.issuer}/token"
        code = (await client.callback())["code"]
        answer = await client.proved(key, url, nonces, code=code, **form)
        if fault == "dpop-nonce":
            assert answer.json()["error"] == "use_dpop_nonce"
            nonces = DpopNonces({client.emulator.issuer: answer.headers["dpop-nonce"]})
            answer = await client.proved(key, url, nonces, code=code, **form)
        tokens = answer.json()
        assert tokens["token_type"] == "DPoP"
        token, resource = tokens["access_token"], client.emulator.resource_url
        assert (await client.open(token)).status_code == 401, "as a bearer token it is worthless"
        nonces = DpopNonces({f"resource {resource.rstrip('/')}": answer.headers.get("dpop-nonce", "")})
        now = datetime.fromtimestamp(client.clock(), UTC)
        for holder, status in ((make_dpop_key(), 401), (key, 200)):
            field = authorization_field("DPoP", Secret(token))
            asked = Request("GET", resource, Headers.of([field]))
            sent = with_proof(asked, holder, nonces, now=now, jti=make_jti())
            assert (await client.http.get(resource, headers=list(sent.headers.fields))).status_code == status
        assert (await client.http.get(resource, headers=list(sent.headers.fields))).status_code == 401, (
            "replay"
        )


async def test_after_a_move_the_resource_names_another_issuer_that_knows_no_old_client() -> None:
    async with client_at(Profile.GENERIC) as client:
        tokens, before = await client.log_in(), client.emulator.issuer
        client.emulator.move_authorization_server()
        assert client.emulator.issuer != before
        assert (await client.metadata())["issuer"] == client.emulator.issuer
        assert (await client.open(tokens["access_token"])).status_code == 401
        assert (await client.post("token", grant_type="refresh_token")).json()["error"] == "invalid_client"
        client.client_id = ""
        assert (await client.open((await client.log_in())["access_token"])).status_code == 200
