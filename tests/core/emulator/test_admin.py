"""Steering the emulator from another process, and from the fixtures for the tests of others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from authlens_core.emulator import Emulator, Profile, StandardEmulator
from authlens_core.emulator.fixture import (
    EmulatedAccess,
    EmulatedStandard,
    emulated_access,
    emulated_access_factory,
    emulated_generic,
    emulated_mcp,
    emulated_standard_factory,
)
from support.waiting import PATIENCE

__all__ = [
    "emulated_access",
    "emulated_access_factory",
    "emulated_generic",
    "emulated_mcp",
    "emulated_standard_factory",
]

PAGE = Path(__file__).parents[3] / "docs" / "emulator.md"
JSON = {"content-type": "application/json"}


async def test_faults_are_set_and_cleared_while_it_runs() -> None:
    """The state says so, and the resource plays them."""
    async with Emulator(admin=True) as emulator, httpx.AsyncClient(trust_env=False) as http:
        admin = f"{emulator.team_url}/emulator/admin"
        state = (await http.put(f"{admin}/faults", json=["public"])).json()
        assert state["faults"] == ["public"]
        assert (await http.get(emulator.resource_url)).status_code == 200
        assert (await http.put(f"{admin}/faults", json=[])).json()["faults"] == []
        assert (await http.get(emulator.resource_url)).status_code == 401
        assert {"origin": "app", "method": "GET", "path": "/"} in (await http.get(admin)).json()["requests"]
        assert (await http.delete(f"{admin}/requests")).json()["requests"] == []


@pytest.mark.parametrize("profile", [Profile.MCP, Profile.GENERIC])
async def test_the_other_profiles_are_steered_in_the_same_way(profile: Profile) -> None:
    """Their own faults, the same list of requests."""
    async with StandardEmulator(profile, admin=True) as emulator, httpx.AsyncClient(trust_env=False) as http:
        admin = f"{emulator.server_url}/emulator/admin"
        state = (await http.put(f"{admin}/faults", json=["dpop-required"])).json()
        assert state["faults"] == ["dpop-required"]
        assert ("get-404" in state["all_faults"]) == (profile is Profile.MCP)
        assert (await http.get(emulator.resource_url)).headers["www-authenticate"].startswith("DPoP ")
        assert (await http.put(f"{admin}/faults", json=[])).json()["faults"] == []
        assert (await http.get(emulator.resource_url)).headers["www-authenticate"].startswith("Bearer ")
        path = httpx.URL(emulator.resource_url).path
        seen = {"origin": "resource", "method": "GET", "path": path}
        assert (await http.get(admin)).json()["requests"] == [seen, seen]
        assert (await http.delete(f"{admin}/requests")).json()["requests"] == []
        assert (await http.put(f"{admin}/faults", json=["slow"])).status_code == 400


async def test_a_fault_that_moves_the_login_server_can_be_set_while_it_runs() -> None:
    """Servers of 2025-03-26 are their own authorization server; the administration stays where it is."""
    async with (
        StandardEmulator(Profile.MCP, admin=True) as emulator,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        admin, resource = f"{emulator.server_url}/emulator/admin", httpx.URL(emulator.resource_url)
        metadata = resource.copy_with(path="/.well-known/oauth-authorization-server")
        assert (await http.get(metadata)).status_code == 404
        await http.put(f"{admin}/faults", json=["no-resource-metadata"])
        assert (await http.get(metadata)).json()["issuer"] == str(resource.copy_with(path="/")).rstrip("/")
        assert (await http.put(f"{admin}/faults", json=[])).json()["issuer"] == emulator.server_url


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/faults", '["no such fault"]', JSON, 400),
        ("/faults", '["slow"]', {"content-type": "text/plain"}, 415),
        ("/faults", "{", JSON, 400),
        ("/faults", "3", JSON, 400),
        ("/faults", "[" * 60_000, JSON, 400),
    ],
)
async def test_what_is_no_list_of_faults_changes_nothing(
    path: str, body: str, headers: dict[str, str], status: int
) -> None:
    """A page of another origin cannot send JSON without a preflight."""
    async with Emulator(admin=True) as emulator, httpx.AsyncClient(trust_env=False) as http:
        answer = await http.put(f"{emulator.team_url}/emulator/admin{path}", content=body, headers=headers)
        assert answer.status_code == status
        assert emulator.faults == frozenset()


EMULATORS: tuple[Callable[[], Emulator | StandardEmulator], ...] = (
    lambda: Emulator(admin=True),
    lambda: StandardEmulator(Profile.MCP, admin=True),
    lambda: StandardEmulator(Profile.GENERIC, admin=True),
)


@pytest.mark.parametrize("make", EMULATORS, ids=["access", "mcp", "generic"])
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"host": "rebound.example:{port}"}, 421),
        ({"host": "localhost"}, 421),
        ({"host": "localhost:1"}, 421),
        ({"host": "localhost:{port}.evil.example"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"origin": "https://localhost:{port}"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"host": "LOCALHOST:{port}"}, 200),
        ({"host": "127.0.0.1:{port}"}, 200),
        ({"host": "[::1]:{port}"}, 200),
        ({"origin": "http://localhost:{port}", "sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
    ],
    ids=str,
)
async def test_only_its_own_host_and_origin_reach_the_administration(
    make: Callable[[], Emulator | StandardEmulator], sent: dict[str, str], status: int
) -> None:
    """H410: no page of a browser, whatever name leads to this machine."""
    async with make() as emulator, httpx.AsyncClient(trust_env=False) as http:
        admin = httpx.URL(f"{emulator.issuer}/emulator/admin")
        headers = {name: value.format(port=admin.port) for name, value in sent.items()}
        for method, path, body in (("GET", "", None), ("PUT", "/faults", []), ("DELETE", "/requests", None)):
            answer = await http.request(method, f"{admin}{path}", headers=headers, json=body)
            assert answer.status_code == status


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
@pytest.mark.parametrize("body", [b"", b"{}"])
async def test_what_a_form_of_a_web_page_can_send_changes_nothing(kind: str | None, body: bytes) -> None:
    """H410: a browser sends these without asking; Fetch Metadata is missing in old ones."""
    async with Emulator(admin=True) as emulator, httpx.AsyncClient(trust_env=False) as http:
        headers = {} if kind is None else {"content-type": kind}
        where = f"{emulator.team_url}/emulator/admin/end-grants"
        answer = await http.post(where, content=body, headers=headers)
        assert answer.status_code == 415
        assert "application/json" in answer.json()["error"]
        assert (await http.post(where, content=body, headers=JSON)).status_code == 200


async def test_there_is_no_administration_unless_asked_for() -> None:
    """The emulator answers as Access does."""
    async with Emulator() as emulator, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{emulator.team_url}/emulator/admin")).status_code == 404
    async with StandardEmulator() as standard, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{standard.server_url}/emulator/admin")).status_code == 404


async def test_an_unknown_action_is_named_with_the_known_ones() -> None:
    """So that a typing error is found."""
    async with Emulator(admin=True) as emulator, httpx.AsyncClient(trust_env=False) as http:
        admin = f"{emulator.team_url}/emulator/admin"
        answer = await http.post(f"{admin}/expire", json={})
        assert answer.status_code == 404
        assert "expire-access-tokens" in answer.json()["actions"]
        assert (await http.post(f"{admin}/deny", json={"user": "ada"})).status_code == 200
        assert (await http.post(f"{admin}/deny", json=[])).json() == {"error": "send a JSON object"}


def test_the_fixture_serves_a_test_without_an_event_loop(emulated_access: EmulatedAccess) -> None:
    """As docs/emulator.md shows it."""
    answer = httpx.get(emulated_access.resource_url, trust_env=False)
    assert answer.status_code == 401
    assert emulated_access.paths() == ["GET /"]
    emulated_access.set_faults("public")
    assert httpx.get(emulated_access.resource_url, trust_env=False).status_code == 200


async def test_the_fixture_takes_settings_and_serves_a_test_with_an_event_loop(
    emulated_access_factory: Callable[..., EmulatedAccess],
) -> None:
    """Two of them beside each other."""
    one, other = emulated_access_factory(faults=("public",)), emulated_access_factory()
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(one.resource_url)).status_code == 200
        assert (await http.get(other.resource_url)).status_code == 401


def test_the_fixtures_start_the_other_profiles(
    emulated_mcp: EmulatedStandard, emulated_generic: EmulatedStandard
) -> None:
    """Each with its own kind of resource."""
    for server, path in ((emulated_mcp, "/mcp"), (emulated_generic, "/")):
        assert httpx.get(server.resource_url, trust_env=False).status_code == 401
        assert server.paths() == [f"GET {path}"]
        server.set_faults("step-up")
        assert 'scope="read"' in httpx.get(server.resource_url, trust_env=False).headers["www-authenticate"]


@pytest.mark.slow
def test_the_worked_example_of_the_page_passes(tmp_path: Path) -> None:
    """As somebody would copy it: a `conftest.py`, a test, and pytest."""
    blocks = re.findall(r"```python\n# (conftest|test_mcp_client)\.py\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 2
    for name, code in blocks:
        (tmp_path / f"{name}.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    environment = {**os.environ, "NO_PROXY": "*"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
