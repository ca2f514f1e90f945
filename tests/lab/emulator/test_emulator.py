"""The emulator's life: it listens where it says, keeps a log without values, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import signal
import socket
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from authlens_lab.emulator import Emulator, Profile
from support.emulated_access import program_at
from support.waiting import cancelled


def can_connect(host: str, port: int) -> bool:
    """Tell whether somebody listens."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def own_ports() -> set[int]:
    """Return the ports on which this process listens; what another one takes meanwhile is not among them."""
    found = psutil.Process().net_connections(kind="tcp")
    return {one.laddr.port for one in found if one.status == psutil.CONN_LISTEN}


def ports_of(emulator: Emulator) -> tuple[int, int]:
    """Return the ports of app and team."""
    app, team = urlsplit(emulator.resource_url).port, urlsplit(emulator.server_url).port
    assert app is not None
    assert team is not None
    return app, team


async def drawn(emulator: Emulator) -> list[str]:
    """Return the ids of two clients that register one after the other."""
    found = []
    async with emulator, httpx.AsyncClient(trust_env=False) as http:
        place = f"{emulator.issuer.rstrip('/')}/.well-known/oauth-authorization-server"
        metadata = (await http.get(place)).json()
        for _ in range(2):
            asked = {
                "redirect_uris": ["http://localhost:8400/callback"],
                "token_endpoint_auth_method": "none",
            }
            answer = await http.post(metadata["registration_endpoint"], json=asked)
            found.append(answer.raise_for_status().json()["client_id"])
    return found


@pytest.mark.parametrize("profile", [Profile.ACCESS, Profile.GENERIC])
async def test_a_seed_gives_the_same_values_at_each_start(profile: Profile) -> None:
    """Another seed gives others, and so does none."""
    first = await drawn(Emulator(profile, seed=7))
    assert len(set(first)) == 2
    assert await drawn(Emulator(profile, seed=7)) == first
    assert await drawn(Emulator(profile, seed=8)) != first
    assert await drawn(Emulator(profile)) != await drawn(Emulator(profile))


async def test_a_start_that_fails_keeps_no_port() -> None:
    """The app's port is freed when the team's is taken."""
    for _ in range(20):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            team: int = taken.getsockname()[1]
            if can_connect("127.0.0.1", team - 1):
                continue
            with pytest.raises(OSError, match="in use"):
                await Emulator(port=team - 1).start()
            assert team - 1 not in own_ports()
            return
    pytest.fail("found no two free ports in a row")


@pytest.mark.parametrize("turns", [1, 4, 8])
async def test_a_start_that_is_cancelled_leaves_no_server(turns: int) -> None:
    """A demo that is left while it starts: a server without its sockets would run on."""
    before = asyncio.all_tasks()
    await cancelled(Emulator().start(), turns=turns)
    assert asyncio.all_tasks() == before


async def test_the_log_tells_who_was_sent_which_kind_of_header_and_no_value() -> None:
    """What the audience-isolation tests read."""
    async with program_at() as program:
        tokens = await program.log_in()
        await program.open(tokens["access_token"], "docs")
        last = program.emulator.requests[-1]
        assert (last.origin, last.method, last.path) == ("app", "GET", "/docs")
        assert "authorization" in last.header_names
        team = [seen for seen in program.emulator.requests if seen.origin == "team"]
        assert [seen.path.rpartition("/")[2] for seen in team if seen.method == "POST"][-1] == "token"
        assert team
        assert not any("authorization" in seen.header_names for seen in team)
        assert tokens["access_token"] not in repr(program.emulator.requests)


async def test_signals_stay_with_the_program_around_it(capfd: pytest.CaptureFixture[str]) -> None:
    """The app handles Ctrl-C itself; nothing is printed, an error in a request included."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with program_at() as program:
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
        await program.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", ports_of(program.emulator)[0])
        writer.write(b"this is not HTTP\r\n\r\n")
        assert b"400" in await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert capfd.readouterr() == ("", "")
