"""The emulator's life: it listens where it says, keeps a log without values, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from authlens_core.emulator import Emulator, StandardEmulator
from support.cancelling import cancelled
from support.emulated_access import program_at


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
    app, team = urlsplit(emulator.resource_url).port, urlsplit(emulator.team_url).port
    assert app is not None
    assert team is not None
    return app, team


async def drawn(emulator: Emulator | StandardEmulator) -> list[str]:
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


@pytest.mark.parametrize("kind", [Emulator, StandardEmulator])
async def test_a_seed_gives_the_same_values_at_each_start(
    kind: type[Emulator | StandardEmulator],
) -> None:
    """Another seed gives others, and so does none."""
    first = await drawn(kind(seed=7))
    assert len(set(first)) == 2
    assert await drawn(kind(seed=7)) == first
    assert await drawn(kind(seed=8)) != first
    assert await drawn(kind()) != await drawn(kind())


def test_a_seed_also_gives_the_service_token() -> None:
    """It exists before the emulator starts."""
    assert Emulator(seed=7).service_token == Emulator(seed=7).service_token != Emulator().service_token


async def test_app_and_team_are_two_origins_of_two_names() -> None:
    """Research §7: cookies ignore ports, so the names have to differ."""
    async with Emulator() as emulator:
        assert urlsplit(emulator.resource_url).hostname == "127.0.0.1"
        assert urlsplit(emulator.issuer).hostname == "localhost"


async def test_the_team_listens_on_both_loopback_addresses() -> None:
    """The name localhost may mean either."""
    async with Emulator() as emulator:
        _, team = ports_of(emulator)
        assert can_connect("127.0.0.1", team)
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("there is no ::1 here")
        assert can_connect("::1", team)


async def test_stop_frees_the_ports_and_may_come_twice() -> None:
    """On each address that they were taken on."""
    emulator = Emulator()
    await emulator.start()
    ports = set(ports_of(emulator))
    assert own_ports() >= ports
    await emulator.stop()
    await emulator.stop()
    assert not own_ports() & ports


async def test_stop_frees_port_8400_as_well() -> None:
    """The fault `port-taken` ends with the emulator."""
    async with Emulator(faults=["port-taken"]):
        assert can_connect("127.0.0.1", 8400)
    assert 8400 not in own_ports()


async def test_a_chosen_port_is_the_app_s_and_the_next_one_is_the_team_s() -> None:
    """So that both can be forwarded."""
    for _ in range(20):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port: int = probe.getsockname()[1]
        try:
            async with Emulator(port=port) as emulator:
                assert ports_of(emulator) == (port, port + 1)
                return
        except (OSError, OverflowError):
            continue  # the next port belongs to somebody else
    pytest.fail("found no two free ports in a row")


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


async def test_a_stop_that_is_cancelled_leaves_no_server() -> None:
    """Twice: a worker of the app that is cancelled, and again when the app ends."""
    before = asyncio.all_tasks()
    emulator = Emulator()
    await emulator.start()
    ports = set(ports_of(emulator))
    await cancelled(emulator.stop(), times=2)
    assert asyncio.all_tasks() == before
    assert not own_ports() & ports


async def test_after_a_stop_it_can_be_started_again_and_remembers() -> None:
    """The dashboard's tokens are still good after the emulator comes back."""
    async with program_at() as program:
        tokens = await program.log_in()
        await program.emulator.stop()
        await program.emulator.start()
        assert (await program.open(tokens["access_token"])).status_code == 200


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


async def test_the_log_is_bounded() -> None:
    """An emulator that runs for days does not grow."""
    emulator = Emulator()
    for number in range(5000):
        emulator.note("app", {"method": "GET", "path": f"/{number}", "headers": ()})
    assert len(emulator.requests) == 2000
    assert emulator.requests[-1].path == "/4999"


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


def test_importing_the_emulator_loads_no_server() -> None:
    """The command line lists the faults without paying for a web server."""
    code = (
        "import sys, authlens_core.emulator; "
        "print(*{'starlette', 'uvicorn', 'joserfc', 'httpx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
