"""Steering the emulator from another process, and from the fixtures for the tests of others."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from authlens_core.emulator import Emulator
from authlens_core.emulator.fixture import EmulatedAccess, emulated_access, emulated_access_factory

__all__ = ["emulated_access", "emulated_access_factory"]

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


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/faults", '["no such fault"]', JSON, 400),
        ("/faults", '["slow"]', {"content-type": "text/plain"}, 400),
        ("/faults", "{", JSON, 400),
        ("/faults", "3", JSON, 400),
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


async def test_there_is_no_administration_unless_asked_for() -> None:
    """The emulator answers as Access does."""
    async with Emulator() as emulator, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{emulator.team_url}/emulator/admin")).status_code == 404


async def test_an_unknown_action_is_named_with_the_known_ones() -> None:
    """So that a typing error is found."""
    async with Emulator(admin=True) as emulator, httpx.AsyncClient(trust_env=False) as http:
        admin = f"{emulator.team_url}/emulator/admin"
        answer = await http.post(f"{admin}/expire")
        assert answer.status_code == 404
        assert "expire-access-tokens" in answer.json()["actions"]
        assert (await http.post(f"{admin}/deny", json={"user": "ada"})).status_code == 200


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
