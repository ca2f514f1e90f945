"""Steering the emulator from another process, by its JSON interface."""

from __future__ import annotations

import httpx
import pytest

from authlens_lab.emulator import Emulator, Profile

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("profile", [Profile.MCP, Profile.GENERIC])
async def test_the_other_profiles_are_steered_in_the_same_way(profile: Profile) -> None:
    """Their own faults, the same list of requests."""
    async with Emulator(profile, admin=True) as emulator, httpx.AsyncClient(trust_env=False) as http:
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
        for action in ("deny", "allow", "revoke-user-tokens", "end-grants", "expire-access-tokens", "reset"):
            assert (await http.post(f"{admin}/{action}", json={"user": "ada"})).status_code == 200


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
        answer = await http.put(f"{emulator.server_url}/emulator/admin{path}", content=body, headers=headers)
        assert answer.status_code == status
        assert emulator.faults == frozenset()


@pytest.mark.parametrize("profile", [Profile.ACCESS, Profile.MCP, Profile.GENERIC])
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
    profile: Profile, sent: dict[str, str], status: int
) -> None:
    """H410: no page of a browser, whatever name leads to this machine."""
    async with Emulator(profile, admin=True) as emulator, httpx.AsyncClient(trust_env=False) as http:
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
        where = f"{emulator.server_url}/emulator/admin/end-grants"
        answer = await http.post(where, content=body, headers=headers)
        assert answer.status_code == 415
        assert "application/json" in answer.json()["error"]
        assert (await http.post(where, content=body, headers=JSON)).status_code == 200
