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

from authlens_core.emulator import Profile, StandardEmulator

CLIENT_CREDENTIALS = "client_credentials"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
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

    def __init__(self, emulator: StandardEmulator, http: httpx.AsyncClient) -> None:
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

    async def welcomed(self, answer: httpx.Response) -> str:
        """Return whom the resource greets for the token of an answer."""
        assert answer.status_code == 200, answer.text
        assert "refresh_token" not in answer.json()
        headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
        return str((await self.http.get(self.emulator.resource_url, headers=headers)).json()["message"])


@asynccontextmanager
async def program(*faults: str) -> AsyncIterator[Program]:
    async with (
        StandardEmulator(Profile.MACHINE, faults=faults) as emulator,
        httpx.AsyncClient(trust_env=False, timeout=10) as http,
    ):
        yield Program(emulator, http)


async def test_the_metadata_names_machine_grants_alone() -> None:
    """No endpoint is for a browser, and no client registers itself."""
    async with program() as one:
        url = f"{one.emulator.issuer}/.well-known/oauth-authorization-server"
        document = (await one.http.get(url)).json()
        assert document["grant_types_supported"] == [CLIENT_CREDENTIALS, JWT_BEARER]
        assert not {"authorization_endpoint", "registration_endpoint"}.intersection(document)
        idp = (await one.http.get(f"{one.machines.idp}/.well-known/openid-configuration")).json()
        assert (idp["issuer"], idp["token_endpoint"]) == (one.machines.idp, f"{one.machines.idp}/token")


async def test_a_client_gets_a_token_by_each_way_to_authenticate() -> None:
    async with program() as one:
        form = {"grant_type": CLIENT_CREDENTIALS}
        assert await one.welcomed(await one.post(form, "machine-basic")) == "Welcome, machine-basic"
        posted = {"client_id": "machine-post", "client_secret": one.machines.secret}
        assert await one.welcomed(await one.post({**form, **posted})) == "Welcome, machine-post"
        keyed = one.keyed(one.signed(jti="1"))
        assert await one.welcomed(await one.post(keyed)) == "Welcome, machine-key"


async def test_a_client_that_authenticates_in_another_way_is_refused() -> None:
    async with program() as one:
        form = {"grant_type": CLIENT_CREDENTIALS}
        for client in ("machine-post", "machine-key", "unknown"):
            assert (await one.refused(form, client))[0] == "invalid_client"
        assert (await one.refused({**form, "client_id": "machine-basic"}))[0] == "invalid_client"


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


async def test_an_assertion_with_an_identifier_is_good_once() -> None:
    async with program() as one:
        keyed = one.keyed(one.signed(jti="same"))
        assert (await one.post(keyed)).status_code == 200
        assert await one.refused(keyed) == ("invalid_client", "jti of the assertion was used before")
        form = {"grant_type": JWT_BEARER, "client_id": "machine-workload"}
        form["assertion"] = one.machines.assertion()
        assert (await one.post(form)).status_code == 200
        assert (await one.refused(form))[0] == "invalid_grant"


async def test_a_workload_gets_a_token_for_what_its_platform_says() -> None:
    async with program() as one:
        given = await one.http.get(f"{one.emulator.issuer}/workload/assertion")
        form = {"grant_type": JWT_BEARER, "client_id": "machine-workload", "assertion": given.text}
        assert (await one.welcomed(await one.post(form))).startswith("Welcome, system:serviceaccount:")
        forged = jwt.encode({"alg": "ES256"}, {"iss": "https://platform.example"}, ECKey.generate_key())
        assert (await one.refused({**form, "assertion": forged}))[0] == "invalid_grant"
        assert (await one.refused({**form, "assertion": "x"}))[0] == "invalid_grant"


async def test_a_company_gives_its_user_a_grant_for_the_server() -> None:
    """Token exchange at the identity provider, then its ID-JAG at the server, once."""
    async with program() as one:
        exchanged = (await one.post(one.exchange(), place="/idp/token")).json()
        assert (exchanged["token_type"], exchanged["issued_token_type"]) == ("N_A", f"{TOKEN_TYPE}id-jag")
        form = {"grant_type": JWT_BEARER, "assertion": exchanged["access_token"]}
        answer = await one.post(form, "machine-enterprise")
        assert await one.welcomed(answer) == "Welcome, ada@example.com"
        assert (await one.refused(form, "machine-enterprise"))[0] == "invalid_grant"
        assert await one.refused({**form, "client_id": "machine-workload"}) == (
            "invalid_grant",
            "client_id of the assertion is another one",
        )
        # An ID token says who the user is, and grants nothing.
        id_token = {**form, "assertion": one.machines.id_token()}
        assert (await one.refused(id_token, "machine-enterprise"))[1].startswith("typ of the assertion")


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


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("assertion-expired", "invalid_grant"),
        ("assertion-audience", "invalid_grant"),
        ("key-unknown", "invalid_grant"),
        ("grant-not-allowed", "unauthorized_client"),
        ("scope-refused", "invalid_scope"),
    ],
)
async def test_each_fault_refuses_the_workload_with_its_error(fault: str, error: str) -> None:
    async with program(fault) as one:
        form = {"grant_type": JWT_BEARER, "client_id": "machine-workload", "scope": "read write"}
        assert (await one.refused({**form, "assertion": one.machines.assertion()}))[0] == error


async def test_the_key_of_a_client_and_the_policy_of_a_company_can_be_the_fault() -> None:
    async with program("key-unknown", "policy-denies") as one:
        assert (await one.refused(one.keyed(one.signed())))[0] == "invalid_client"
        assert (await one.refused(one.exchange(), place="/idp/token"))[0] == "access_denied"


async def test_a_mcp_client_and_a_test_in_another_process_find_what_they_need() -> None:
    async with (
        StandardEmulator(Profile.MACHINE, admin=True) as emulator,
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
