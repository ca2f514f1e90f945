"""The profile `machine`: each grant of a program, and each reason for which it is refused, over real HTTP."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from authlens_lab.emulator import Emulator, Profile

CLIENT_CREDENTIALS = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_TYPE = "urn:ietf:params:oauth:token-type:"
EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "client_id": "idp-client",
    "subject_token_type": f"{TOKEN_TYPE}id_token",
    "requested_token_type": f"{TOKEN_TYPE}id-jag",
}


class Program:
    """A program at the emulator that uses no stage of authlens."""

    def __init__(self, emulator: Emulator, http: httpx.AsyncClient) -> None:
        self.emulator = emulator
        self.machines = emulator.machines
        self.http = http

    async def post(self, form: dict[str, str], basic: str = "", place: str = "/token") -> httpx.Response:
        auth = (basic, self.machines.secret) if basic else None
        return await self.http.post(f"{self.emulator.issuer}{place}", data=form, auth=auth or httpx.Auth())

    async def refused(self, form: dict[str, str], basic: str = "", place: str = "/token") -> tuple[str, str]:
        body = (await self.post(form, basic, place)).json()
        return body["error"], body["error_description"]

    def signed(self, **changes: Any) -> str:
        """Return a client assertion of `machine-key` with changed claims; one that is None is left out."""
        now = int(time.time())
        claims = {"iss": "machine-key", "sub": "machine-key", "aud": self.emulator.issuer, "exp": now + 60}
        chosen = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode({"alg": "ES256"}, chosen, ECKey.import_key(self.machines.private_key))

    def keyed(self, assertion: str) -> dict[str, str]:
        return {
            "grant_type": CLIENT_CREDENTIALS,
            "client_assertion": assertion,
            "client_assertion_type": ASSERTION_TYPE,
        }

    def exchange(self, **changes: str) -> dict[str, str]:
        own = {"audience": self.emulator.issuer, "resource": self.emulator.resource_url}
        return {**EXCHANGE, **own, "subject_token": self.machines.id_token(), **changes}


@asynccontextmanager
async def program(*faults: str) -> AsyncIterator[Program]:
    async with (
        Emulator(Profile.MACHINE, faults=faults) as emulator,
        httpx.AsyncClient(trust_env=False, timeout=10) as http,
    ):
        yield Program(emulator, http)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "https://another.example"}, "aud of the assertion is another server"),
        ({"exp": 1}, "The assertion has expired"),
        ({"exp": 2**40}, "exp of the assertion is too far away"),
        ({"exp": None}, "The assertion has expired"),
        ({"iss": None}, "iss or sub of the assertion is missing"),
        ({"iss": "another"}, "iss and sub have to be the client"),
    ],
)
async def test_a_client_assertion_is_verified(changes: dict[str, Any], reason: str) -> None:
    async with program() as one:
        assert await one.refused(one.keyed(one.signed(**changes))) == ("invalid_client", reason)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"resource": "https://another.example"}, "invalid_target"),
        ({"audience": "https://another.example"}, "invalid_target"),
        ({"requested_token_type": "access_token"}, "invalid_request"),
        ({"subject_token": "x"}, "invalid_grant"),
        ({"client_id": "another"}, "invalid_client"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
    ],
)
async def test_the_identity_provider_verifies_an_exchange(changes: dict[str, str], error: str) -> None:
    async with program() as one:
        assert (await one.refused(one.exchange(**changes), place="/idp/token"))[0] == error


async def test_a_mcp_client_and_a_test_in_another_process_find_what_they_need() -> None:
    async with (
        Emulator(Profile.MACHINE, admin=True) as emulator,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        facts = (await http.get(f"{emulator.server_url}/emulator/admin")).json()["machines"]
        form = {
            "grant_type": CLIENT_CREDENTIALS,
            "client_id": "machine-post",
            "client_secret": facts["secret"],
        }
        token = (await http.post(f"{emulator.issuer}/token", data=form)).json()["access_token"]
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        headers = {"authorization": f"Bearer {token}"}
        answer = await http.post(f"{emulator.resource_url}mcp", json=body, headers=headers)
        assert answer.json()["result"]["tools"]
        claims = json.loads(base64.urlsafe_b64decode(facts["assertion"].split(".")[1] + "=="))
        assert claims["aud"] == emulator.issuer
        assert (await http.get(f"{emulator.server_url}/workload/key")).text.startswith("-----BEGIN")
        assert (await http.get(f"{emulator.server_url}/workload/nothing")).status_code == 404
        for field, status in (({"host": "evil.example"}, 421), ({"origin": "https://evil.example"}, 403)):
            refused = await http.get(f"{emulator.server_url}/workload/key", headers=field)
            assert refused.status_code == status
