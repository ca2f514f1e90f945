"""The fixtures for the tests of others: every profile is steered in the same way."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from authlens_lab.emulator import Profile
from authlens_lab.emulator.fixture import (
    RunningEmulator,
    emulated_access,
    emulated_generic,
    emulated_mcp,
    emulator_factory,
    emulator_session_factory,
)
from lab.emulator.plain_client import LoginImpossible, PlainClient
from support.waiting import PATIENCE

__all__ = [
    "emulated_access",
    "emulated_generic",
    "emulated_mcp",
    "emulator_factory",
    "emulator_session_factory",
]

PAGE = Path(__file__).parents[3] / "docs" / "emulator.md"
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami"}}
Start = Callable[..., RunningEmulator]


@pytest.fixture(params=Profile, ids=str)
def start(request: pytest.FixtureRequest, emulator_factory: Start) -> Start:
    """Start an emulator of the profile with settings."""
    return partial(emulator_factory, request.param)


def log_in(server: RunningEmulator) -> PlainClient:
    """Log in as ada, or as the program `machine-basic`."""
    client = PlainClient(server.resource_url)
    if client.is_for_users:
        client.log_in(server.sign_in)
    else:
        secret = server.emulator.machines.secret
        client.ask({"grant_type": "client_credentials"}, ("machine-basic", secret))
    return client


def test_every_profile_denies_revokes_ends_and_is_reset(start: Start) -> None:
    """What is over for the resource and what for a refresh differ."""
    server = start(access_token_lifetime=3600)
    client = log_in(server)
    who = "ada" if client.is_for_users else "machine-basic"

    def answers() -> int:
        return client.request("POST", json=CALL).status_code

    assert answers() == 200
    server.deny(who)
    assert answers() == 401
    with pytest.raises((LoginImpossible, KeyError)):
        log_in(server).tokens["access_token"]
    server.allow(who)
    assert answers() == 200
    server.revoke("grace")
    assert answers() == 200
    server.revoke(who)
    assert answers() == 401
    if client.is_for_users:
        assert (client.refresh(), answers()) == (200, 200)
    else:
        client = log_in(server)
    server.end_grants()
    assert answers() == 401
    assert not client.is_for_users or client.refresh() == 400
    server.set_faults("origin-down" if server.emulator.is_access else "jwt-access-tokens")
    server.deny(who)
    server.reset()
    assert (server.paths(), server.emulator.faults, server.emulator.ledger.events) == ([], frozenset(), ())
    client = log_in(server)
    assert answers() == 200


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
    yield {"started": True}


async def seen(request: Request) -> JSONResponse:
    length = len(await request.body())
    return JSONResponse([request.method, request.user, request.state.started, length])


def test_an_application_of_yours_answers_behind_the_login_of_every_profile(start: Start) -> None:
    """It is started, sees who is logged in, and gets a whole body of which the log has the first 64 KiB."""
    app = Starlette(routes=[Route("/{path:path}", seen, methods=["POST", "PATCH"])], lifespan=lifespan)
    server = start(origin=app, bodies=True)
    client = log_in(server)
    who = "ada@example.com" if client.is_for_users else "machine-basic"
    assert client.request("PATCH", content=b"a" * 100_000).json() == ["PATCH", who, True, 100_000]
    assert httpx.post(server.resource_url, trust_env=False).status_code == 401
    bodies = {seen.path: seen.body or b"" for seen in server.requests() if seen.method in ("PATCH", "POST")}
    form = next(body for path, body in bodies.items() if path.endswith("/token"))
    assert b"grant_type=" in form
    path = httpx.URL(server.resource_url).path
    patched = [seen.body for seen in server.requests() if (seen.method, seen.path) == ("PATCH", path)]
    assert patched == [b"a" * 64 * 1024]


def test_an_application_that_does_not_start_is_named(emulator_factory: Start) -> None:
    @asynccontextmanager
    async def broken(_: Starlette) -> AsyncIterator[None]:
        raise OSError("no database")
        yield

    with pytest.raises(RuntimeError, match="behind the login did not start"):
        emulator_factory("generic", origin=Starlette(lifespan=broken))


def test_the_fixture_serves_a_test_without_an_event_loop(emulated_access: RunningEmulator) -> None:
    """As docs/emulator.md shows it."""
    answer = httpx.get(emulated_access.resource_url, trust_env=False)
    assert answer.status_code == 401
    assert emulated_access.paths() == ["GET /"]
    emulated_access.set_faults("public")
    assert httpx.get(emulated_access.resource_url, trust_env=False).status_code == 200


async def test_the_fixture_takes_settings_and_serves_a_test_with_an_event_loop(
    emulator_factory: Start,
) -> None:
    """Two of them beside each other."""
    one, other = emulator_factory(faults=("public",)), emulator_factory()
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(one.resource_url)).status_code == 200
        assert (await http.get(other.resource_url)).status_code == 401


@pytest.mark.slow
def test_the_examples_of_the_page_pass(tmp_path: Path) -> None:
    """As somebody would copy them: a `conftest.py`, the tests of two clients, and pytest."""
    blocks = re.findall(r"```python\n# (\w+)\.py\b[^\n]*\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == PAGE.read_text().count("```python\n# ") == 5
    for name, code in blocks:
        with (tmp_path / f"{name}.py").open("a") as file:
            file.write(code)
    client = "from lab.emulator.plain_client import *\nMyClient = PlainClient\n"
    (tmp_path / "my_client.py").write_text(client)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "NO_PROXY": "*", "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert "6 passed" in done.stdout, done.stdout + done.stderr
