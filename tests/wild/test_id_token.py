"""A login at a server whose ID token is forged, not asked for, or whose keys do not come."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from support.wild_process import Ended, LoginProcess
from support.wild_server import Change, Place, WildServer, cut_off, silent, status, wild_server, without

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "wait4"), reason="the process is waited for with os.wait4"),
]

BOUND = 30.0
OPENID = ("--scope", "openid")


def _stored(machine: dict[str, str]) -> str:
    path = Path(machine["AUTHLENS_HOME"])
    return "".join(one.read_text() for one in path.rglob("secrets.plain.json"))


def _checks(ended: Ended) -> dict[str, str]:
    stages = [one for one in ended.events if one["event"] == "stage_ended"]
    return {check["name"]: check["severity"] for stage in stages for check in stage["checks"]}


@pytest.mark.parametrize("device", [(), ("--device",)], ids=["code", "device"])
async def test_an_id_token_that_was_asked_for_is_verified(
    device: tuple[str, ...], machine: dict[str, str]
) -> None:
    """A device authorization request has no nonce, so none can come back."""
    async with wild_server() as server:
        server.signer = "server"
        ended = await LoginProcess(machine, server, (*OPENID, *device)).run(BOUND)
    assert ended.code == 0, ended.words
    assert _checks(ended)["id_token.signature"] == "pass"
    assert ("id_token.nonce" in _checks(ended)) is (device == ())


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (None, None),
        (Place.KEYS, status(404)),
        (Place.KEYS, cut_off(10)),
        (Place.SERVER_METADATA, without("jwks_uri")),
    ],
    ids=["keys", "keys not found", "keys cut off", "no place for keys"],
)
async def test_an_unsigned_id_token_stops_the_login_whatever_the_keys(
    place: Place | None, change: Change | None, machine: dict[str, str]
) -> None:
    """H422: no key is needed to see that no one signed it."""
    async with wild_server(place, change) as server:
        server.signer = "no one"
        ended = await LoginProcess(machine, server, OPENID).run(BOUND)
        assert ended.code == 7, ended.words
        assert _checks(ended)["id_token.signature"] == "failure"
        assert server.secrets["access_token"] not in _stored(machine)


@pytest.mark.parametrize("signer", ["no one", "stranger"])
async def test_an_id_token_that_was_not_asked_for_is_ignored(signer: str, machine: dict[str, str]) -> None:
    """H110: RFC 6749 §5.1 has a client ignore what it does not know; its keys are not fetched either."""
    async with wild_server() as server:
        server.signer = signer
        ended = await LoginProcess(machine, server, ("--scope", "read")).run(BOUND)
        assert ended.code == 0, ended.words
        assert ("GET", "/keys") not in server.requests
    checks = {name: found for name, found in _checks(ended).items() if name.startswith("id_token.")}
    assert checks == {"id_token.unrequested": "notice"}


async def _stopped_by(process: LoginProcess, server: WildServer, number: signal.Signals) -> Ended:
    running = asyncio.create_task(process.run(BOUND))
    async with asyncio.timeout(BOUND):
        await server.changed.wait()
    process.send(number)
    return await running


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_while_the_keys_are_fetched_ends_the_fetch_and_loses_no_token(
    number: signal.Signals, code: int, machine: dict[str, str]
) -> None:
    """H423: the code is used, so the tokens exist only here and at the server."""
    async with wild_server(Place.KEYS, silent) as server:
        server.signer = "server"
        ended = await _stopped_by(LoginProcess(machine, server, OPENID), server, number)
        assert ended.code == code, ended.words
        assert ended.events[-1] == {**ended.events[-1], "event": "stopped", "exit_code": code}
        assert server.secrets["access_token"] in _stored(machine)
        assert server.secrets["refresh_token"] in _stored(machine)
        assert ("GET", "/api") not in server.requests[server.requests.index(("GET", "/keys")) :]
    assert _checks(ended)["exchange.kept"] == "pass"


async def test_an_unsigned_id_token_is_not_stored_because_a_signal_came(machine: dict[str, str]) -> None:
    """H423: the end of the fetch passes no check."""
    async with wild_server(Place.KEYS, silent) as server:
        server.signer = "no one"
        ended = await _stopped_by(LoginProcess(machine, server, OPENID), server, signal.SIGTERM)
        assert ended.code == 143, ended.words
        assert server.secrets["access_token"] not in _stored(machine)
