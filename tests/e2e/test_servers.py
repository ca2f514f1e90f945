"""The real servers themselves: a whole grant by hand, so that a later failure is known to be authlens's."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from support.person import Person
from support.server_process import ServerProcess
from support.waiting import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("servers")]

REDIRECT_URI = "http://127.0.0.1:8400/callback"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A plain client that keeps away from proxies."""
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        yield client


async def server_metadata(http: httpx.AsyncClient, server: ServerProcess) -> dict[str, Any]:
    """Fetch the RFC 8414 document."""
    answer = await http.get(f"{server.issuer}/.well-known/oauth-authorization-server")
    metadata: dict[str, Any] = answer.raise_for_status().json()
    return metadata


async def test_the_challenge_names_the_metadata(http: httpx.AsyncClient, real_server: ServerProcess) -> None:
    """RFC 9728 §5.1: the 401 says where the resource metadata is, and the metadata names the server."""
    refused = await http.get(real_server.resource)
    metadata = (await http.get(real_server.ready["resource_metadata"])).json()

    assert refused.status_code == 401
    assert (
        f'resource_metadata="{real_server.ready["resource_metadata"]}"' in refused.headers["www-authenticate"]
    )
    assert metadata["resource"] == real_server.resource
    assert metadata["authorization_servers"] == [real_server.issuer]


async def test_the_server_metadata_is_at_the_rfc_8414_place(
    http: httpx.AsyncClient, real_server: ServerProcess
) -> None:
    """RFC 8414 §3: issuer, endpoints, S256."""
    metadata = await server_metadata(http, real_server)

    assert metadata["issuer"] == real_server.issuer
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert {"registration_endpoint", "revocation_endpoint"} <= metadata.keys()


async def register(http: httpx.AsyncClient, metadata: dict[str, Any]) -> str:
    """Register a public client (RFC 7591)."""
    answer = await http.post(
        metadata["registration_endpoint"],
        json={
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": "read",
        },
    )
    return str(answer.raise_for_status().json()["client_id"])


def authorization_url(server: ServerProcess, metadata: dict[str, Any], client_id: str, verifier: str) -> str:
    """The link of the grant, with PKCE and the resource indicator."""
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": REDIRECT_URI,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "state": "a state",
        "scope": "read",
        "resource": server.resource,
    }
    return f"{metadata['authorization_endpoint']}?{urlencode(query)}"


async def test_a_grant_lives_rotates_and_ends(http: httpx.AsyncClient, real_server: ServerProcess) -> None:
    """Login, call, refresh with rotation, revoke: what the later tests ask of authlens is possible here."""
    metadata = await server_metadata(http, real_server)
    client_id = await register(http, metadata)
    verifier = secrets.token_urlsafe(32)
    async with Person() as person:
        callback = await person.callback_url(authorization_url(real_server, metadata, client_id, verifier))
    answer = {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}
    assert answer.get("error") is None, answer
    assert answer["state"] == "a state"

    code = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": REDIRECT_URI}
    more = {"client_id": client_id, "code_verifier": verifier, "resource": real_server.resource}
    tokens = (await http.post(metadata["token_endpoint"], data=code | more)).raise_for_status().json()
    assert (await call(http, real_server, tokens)).json() == {"hello": "alice@example.com"}

    refresh = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": client_id,
    }
    renewed = (await http.post(metadata["token_endpoint"], data=refresh)).raise_for_status().json()
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert (await call(http, real_server, renewed)).status_code == 200

    end = {"token": renewed["refresh_token"], "client_id": client_id, "client_secret": ""}
    assert (await http.post(metadata["revocation_endpoint"], data=end)).status_code == 200
    refresh["refresh_token"] = renewed["refresh_token"]
    assert (await http.post(metadata["token_endpoint"], data=refresh)).json()["error"] == "invalid_grant"


async def call(http: httpx.AsyncClient, server: ServerProcess, tokens: dict[str, Any]) -> httpx.Response:
    """Call the resource with the access token."""
    return await http.get(server.resource, headers={"Authorization": f"Bearer {tokens['access_token']}"})


async def test_a_person_can_say_no(http: httpx.AsyncClient, real_server: ServerProcess) -> None:
    """RFC 6749 §4.1.2.1: the refusal comes back to the callback with the state."""
    metadata = await server_metadata(http, real_server)
    client_id = await register(http, metadata)
    url = authorization_url(real_server, metadata, client_id, secrets.token_urlsafe(32))
    async with Person() as person:
        callback = await person.callback_url(url, allow=False)

    answer = parse_qs(urlsplit(callback).query)
    assert answer["error"] == ["access_denied"]
    assert answer["error_description"] == ["denied"]
    assert answer["state"] == ["a state"]


async def test_a_foreign_resource_is_refused(http: httpx.AsyncClient, real_server: ServerProcess) -> None:
    """RFC 8707 §2: a resource that the server does not know is `invalid_target`."""
    metadata = await server_metadata(http, real_server)
    client_id = await register(http, metadata)
    url = authorization_url(real_server, metadata, client_id, secrets.token_urlsafe(32))
    stranger = url.replace(
        urlencode({"resource": real_server.resource}), "resource=https%3A%2F%2Fother.example"
    )
    async with Person() as person:
        callback = await person.callback_url(stranger)

    assert parse_qs(urlsplit(callback).query)["error"] == ["invalid_target"]


async def test_a_forged_token_is_refused(http: httpx.AsyncClient, real_server: ServerProcess) -> None:
    """RFC 6750 §3.1: a token that the server never gave is `invalid_token`."""
    answer = await call(http, real_server, {"access_token": "eyJhbGciOiJub25lIn0.e30.AAAA"})

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
