"""The profiles `mcp` and `generic`: each specification and each fault, seen over real HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from authlens_core.emulator import Fault, Profile, StandardEmulator, play_person
from authlens_core.oauth.dpop import DpopKey, DpopNonces, make_dpop_key, make_jti, with_proof
from authlens_core.oauth.token import authorization_field
from authlens_core.values.exchange import Headers, Request
from authlens_core.values.secret import Secret
from support.emulated_access import challenge_of, parameters_of

REDIRECT = "http://localhost:8400/callback"
VERIFIER = "v" * 43
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
NEW = "2026-07-28"


class Clock:
    """The emulator's time, moved by the test."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).timestamp()

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@dataclass
class Client:
    """A client of the emulator that uses no stage of authlens."""

    emulator: StandardEmulator
    http: httpx.AsyncClient
    clock: Clock
    client_id: str = ""

    async def metadata(self) -> dict[str, Any]:
        """The server metadata."""
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
        """Post a form to an endpoint of the server."""
        return await self.http.post(
            f"{self.emulator.issuer}/{place}", data={"client_id": self.client_id, **form}
        )

    async def exchange(self, code: str) -> httpx.Response:
        """Exchange a code."""
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
        """Ask for the resource."""
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


@pytest.mark.parametrize("profile", [Profile.MCP, Profile.GENERIC])
async def test_a_seed_gives_the_same_tokens_at_each_start(profile: Profile) -> None:
    """The clients' ids and codes before them, too: tokens are drawn last."""

    async def tokens(seed: int) -> tuple[str, str]:
        async with (
            StandardEmulator(profile, seed=seed) as emulator,
            httpx.AsyncClient(trust_env=False) as http,
        ):
            answer = await Client(emulator, http, Clock()).log_in()
        return answer["access_token"], answer["refresh_token"]

    first = await tokens(7)
    assert await tokens(7) == first
    assert await tokens(8) != first


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_explains_itself_in_one_sentence(fault: Fault) -> None:
    assert fault.summary.endswith(".")
    assert fault.profiles


def test_a_fault_of_another_profile_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"generic has no fault 'get-404'.*step-up"):
        StandardEmulator(Profile.GENERIC, faults=["get-404"])


@pytest.mark.parametrize("profile", [Profile.MCP, Profile.GENERIC])
async def test_the_challenge_leads_to_the_server(profile: Profile) -> None:
    """RFC 9728 §5.1: nothing has to be guessed."""
    async with client_at(profile) as client:
        refused = await client.open()
        assert refused.status_code == 401
        url = refused.headers["www-authenticate"].partition('resource_metadata="')[2].partition('"')[0]
        document = (await client.http.get(url)).json()
        assert document["resource"] == client.emulator.resource_url
        assert document["authorization_servers"] == [client.emulator.issuer]
        assert (await client.metadata())["issuer"] == client.emulator.issuer


async def test_a_login_gets_a_token_that_the_resource_accepts() -> None:
    async with client_at(Profile.GENERIC) as client:
        await client.register()
        got = await client.callback()
        assert (got["state"], got["iss"]) == ("s", client.emulator.issuer)
        tokens = (await client.exchange(got["code"])).json()
        assert tokens["token_type"] == "Bearer"
        assert (await client.open(tokens["access_token"])).json()["message"] == "Welcome, ada@example.com"
        assert (await client.exchange(got["code"])).json()["error"] == "invalid_grant"


async def test_a_refresh_token_works_once_and_its_reuse_ends_the_grant() -> None:
    async with client_at(Profile.GENERIC) as client:
        old = await client.log_in()
        new = await client.post("token", grant_type="refresh_token", refresh_token=old["refresh_token"])
        assert (await client.open(new.json()["access_token"])).status_code == 200
        again = await client.post("token", grant_type="refresh_token", refresh_token=old["refresh_token"])
        assert again.json()["error"] == "invalid_grant"
        assert (await client.open(new.json()["access_token"])).status_code == 401


async def test_a_revoked_grant_is_dead() -> None:
    async with client_at(Profile.GENERIC) as client:
        tokens = await client.log_in()
        assert (await client.post("revoke", token=tokens["refresh_token"])).status_code == 200
        assert (await client.open(tokens["access_token"])).status_code == 401


async def test_a_registration_is_managed_with_its_own_token_only() -> None:
    """RFC 7592 §2.1, §2.3."""
    async with client_at(Profile.GENERIC) as client:
        other = (await client.register())["registration_access_token"]
        mine = await client.register()
        url, token = mine["registration_client_uri"], mine["registration_access_token"]
        assert (await client.http.delete(url)).status_code == 401
        stranger = {"authorization": f"Bearer {other}"}
        assert (await client.http.delete(url, headers=stranger)).status_code == 401
        owner = {"authorization": f"Bearer {token}"}
        assert (await client.http.get(url, headers=owner)).json()["client_id"] == mine["client_id"]
        assert (await client.http.delete(url, headers=owner)).status_code == 204
        assert (await client.http.get(url, headers=owner)).status_code == 401
        assert (await client.post("token", grant_type="refresh_token")).json()["error"] == "invalid_client"


async def test_a_client_metadata_document_needs_no_registration() -> None:
    """The server serves one itself, so that this can be tried without the network."""
    async with client_at(Profile.GENERIC, "no-registration") as client:
        assert "registration_endpoint" not in await client.metadata()
        client.client_id = client.emulator.example_client
        assert (await client.open((await client.log_in())["access_token"])).status_code == 200


async def test_a_document_of_another_client_id_is_refused() -> None:
    async with client_at(Profile.GENERIC) as client:
        client.client_id = client.emulator.example_client + "?other"
        assert (await client.post("token", grant_type="refresh_token")).json()["error"] == "invalid_client"


async def test_a_device_login_waits_for_the_user() -> None:
    """RFC 8628: pending, then tokens; the second use of the device code is refused."""
    async with client_at(Profile.GENERIC) as client:
        await client.register()
        started = (await client.post("device_authorization")).json()
        poll = {"grant_type": DEVICE_GRANT, "device_code": started["device_code"]}
        client.clock.now += 1
        assert (await client.post("token", **poll)).json()["error"] == "authorization_pending"
        played = await play_person(started["verification_uri_complete"])
        assert "Device connected" in played.words
        client.clock.now += 1
        tokens = (await client.post("token", **poll)).json()
        assert (await client.open(tokens["access_token"])).status_code == 200
        assert (await client.post("token", **poll)).json()["error"] == "invalid_grant"


async def test_a_device_login_that_the_user_denies_ends() -> None:
    async with client_at(Profile.GENERIC) as client:
        await client.register()
        started = (await client.post("device_authorization")).json()
        await play_person(started["verification_uri_complete"], choice="deny")
        client.clock.now += 1
        polled = await client.post("token", grant_type=DEVICE_GRANT, device_code=started["device_code"])
        assert polled.json()["error"] == "access_denied"


async def test_polling_too_fast_is_slowed_down_for_good() -> None:
    async with client_at(Profile.GENERIC) as client:
        await client.register()
        started = (await client.post("device_authorization")).json()
        poll = {"grant_type": DEVICE_GRANT, "device_code": started["device_code"]}
        assert (await client.post("token", **poll)).json()["error"] == "slow_down"
        client.clock.now += 1
        assert (await client.post("token", **poll)).json()["error"] == "slow_down"
        client.clock.now += 11
        assert (await client.post("token", **poll)).json()["error"] == "authorization_pending"


@pytest.mark.parametrize(
    ("fault", "error"), [("device-slow-down", "slow_down"), ("device-expired", "expired_token")]
)
async def test_the_faults_of_a_device_login(fault: str, error: str) -> None:
    async with client_at(Profile.GENERIC, fault) as client:
        await client.register()
        started = (await client.post("device_authorization")).json()
        client.clock.now += 3
        polled = await client.post("token", grant_type=DEVICE_GRANT, device_code=started["device_code"])
        assert polled.json()["error"] == error


async def test_a_device_code_is_offered_for_as_long_as_it_lasts() -> None:
    """A clock that runs meanwhile takes no second off: two seconds leave time for one poll."""
    ticks = count()
    emulator = StandardEmulator(
        Profile.GENERIC, faults=["device-expired"], clock=lambda: 1_000 + next(ticks) / 1_000
    )
    async with emulator, httpx.AsyncClient(trust_env=False) as http:
        endpoint, form = f"{emulator.issuer}/device_authorization", {"client_id": emulator.example_client}
        started = (await http.post(endpoint, data=form)).json()
    assert started["expires_in"] == 2


async def test_par_required_refuses_an_ordinary_request_and_takes_a_pushed_one() -> None:
    """RFC 9126 §4, §5."""
    async with client_at(Profile.GENERIC, "par-required") as client:
        await client.register()
        assert (await client.metadata())["require_pushed_authorization_requests"] is True
        assert (await client.callback())["error"] == "invalid_request"
        pushed = await client.post("par", **client.parameters())
        assert pushed.status_code == 201
        query = urlencode({"client_id": client.client_id, "request_uri": pushed.json()["request_uri"]})
        url = f"{client.emulator.issuer}/authorize?{query}"
        got = parameters_of((await play_person(url, deliver=False)).callback_url)
        assert (await client.exchange(got["code"])).status_code == 200
        assert (await play_person(url, deliver=False)).callback_url is None


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


async def test_jwt_access_tokens_cannot_be_revoked_and_outlive_their_grant() -> None:
    """RFC 7009 §2.2.1: the refresh token ends, the access token works until it expires."""
    async with client_at(Profile.GENERIC, "jwt-access-tokens") as client:
        tokens = await client.log_in()
        refused = await client.post("revoke", token=tokens["access_token"])
        assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_token_type")
        assert (await client.post("revoke", token=tokens["refresh_token"])).status_code == 200
        assert (await client.open(tokens["access_token"])).status_code == 200
        client.clock.now += 61
        assert (await client.open(tokens["access_token"])).status_code == 401
        again = await client.post("token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert again.json()["error"] == "invalid_grant"


async def test_step_up_names_the_scope_that_is_missing() -> None:
    """RFC 6750 §3.1."""
    async with client_at(Profile.GENERIC, "step-up") as client:
        refused = await client.open((await client.log_in(scope="read"))["access_token"])
        assert refused.status_code == 403
        assert 'error="insufficient_scope", scope="read write"' in refused.headers["www-authenticate"]
        allowed = await client.open((await client.log_in(scope="read write"))["access_token"])
        assert allowed.status_code == 200


async def test_openid_without_a_nonce_is_refused_where_one_is_required() -> None:
    async with client_at(Profile.GENERIC, "nonce-required") as client:
        await client.register()
        refused = await client.callback(scope="openid")
        assert (refused["error"], refused["error_description"]) == ("invalid_request", "nonce required")
        tokens = await client.log_in(scope="openid read", nonce="n-0S6")
        claims = base64.urlsafe_b64decode(tokens["id_token"].split(".")[1] + "==")
        assert json.loads(claims)["nonce"] == "n-0S6"


async def test_iss_can_be_missing_although_it_is_promised() -> None:
    """RFC 9207 §2.4."""
    async with client_at(Profile.GENERIC, "iss-missing") as client:
        await client.register()
        assert (await client.metadata())["authorization_response_iss_parameter_supported"] is True
        assert "iss" not in await client.callback()


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


async def test_an_mcp_client_of_2025_11_25_initializes_and_calls_a_tool() -> None:
    async with client_at(Profile.MCP) as client:
        assert (await client.call("initialize")).status_code == 401
        token = (await client.log_in())["access_token"]
        opened = await client.call("initialize", token, protocolVersion="2025-11-25", capabilities={})
        assert opened.json()["result"]["protocolVersion"] == "2025-11-25"
        assert "mcp-session-id" in opened.headers
        called = await client.call("tools/call", token, name="whoami")
        assert called.json()["result"]["content"][0]["text"] == "ada@example.com"
        assert (await client.open(token)).status_code == 405


async def test_an_mcp_client_of_2026_07_28_discovers_without_initialize() -> None:
    async with client_at(Profile.MCP) as client:
        token = (await client.log_in())["access_token"]
        found = (await client.call("server/discover", token, NEW)).json()["result"]
        assert found["supportedVersions"] == [NEW, "2025-11-25"]
        assert found["resultType"] == "complete"
        unknown = await client.call("server/discover", token, "2030-01-01")
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, -32022)
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/list",
            "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": NEW}},
        }
        bare = await client.open(token, "POST", json=body)
        assert (bare.status_code, bare.json()["error"]["code"]) == (400, -32020)


async def test_discover_only_refuses_initialize() -> None:
    async with client_at(Profile.MCP, "discover-only") as client:
        token = (await client.log_in())["access_token"]
        refused = await client.call("initialize", token, protocolVersion="2025-11-25")
        assert refused.status_code == 400
        assert refused.json()["jsonrpc"] == "2.0"
        found = await client.call("server/discover", token, NEW)
        assert found.json()["result"]["supportedVersions"] == [NEW]


async def test_get_404_hides_the_challenge_from_a_get() -> None:
    async with client_at(Profile.MCP, "get-404") as client:
        assert (await client.open()).status_code == 404
        assert (await client.call("initialize")).status_code == 401


async def test_open_initialize_asks_for_a_token_only_at_the_tools() -> None:
    async with client_at(Profile.MCP, "open-initialize") as client:
        assert (await client.call("initialize", protocolVersion="2025-11-25")).status_code == 200
        assert (await client.call("server/discover", "", NEW)).status_code == 200
        for method in ("tools/list", "tools/call"):
            refused = await client.call(method)
            assert refused.status_code == 401
            assert "resource_metadata" in refused.headers["www-authenticate"]


async def test_an_endless_stream_begins_and_ends_with_the_emulator() -> None:
    async with client_at(Profile.MCP, "endless-stream") as client:
        token = (await client.log_in())["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        async with client.http.stream("GET", client.emulator.resource_url, headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert (await anext(answer.aiter_bytes())).startswith(b":")


@pytest.mark.parametrize("fault", ["no-resource-metadata", "default-paths"])
async def test_an_old_server_is_its_own_authorization_server(fault: str) -> None:
    """MCP 2025-03-26."""
    async with client_at(Profile.MCP, fault) as client:
        refused = await client.open()
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        origin = client.emulator.resource_url.removesuffix("/mcp")
        assert client.emulator.issuer == origin
        for path in ("", "/mcp"):
            place = f"{origin}/.well-known/oauth-protected-resource{path}"
            assert (await client.http.get(place)).status_code == 404
        place = f"{origin}/.well-known/oauth-authorization-server"
        assert (await client.http.get(place)).status_code == (404 if fault == "default-paths" else 200)
        token = (await client.log_in())["access_token"]
        assert (await client.call("tools/list", token)).status_code == 200


async def test_the_log_has_no_values() -> None:
    async with client_at(Profile.GENERIC) as client:
        tokens = await client.log_in()
        await client.open(tokens["access_token"])
        assert client.emulator.requests[-1].origin == "resource"
        assert "authorization" in client.emulator.requests[-1].header_names
        assert tokens["access_token"] not in repr(client.emulator.requests)
