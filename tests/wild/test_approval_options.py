"""`login --yes CHECK`: the failed check that it names is approved, and no other."""

import os
import shlex
from itertools import count

import pytest

from support.needs import free_port
from support.wild_process import Ended, LoginProcess
from support.wild_server import (
    Answer,
    Change,
    Place,
    WildServer,
    document,
    header,
    member,
    status,
    wild_server,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "wait4"), reason="the process is waited for with os.wait4")
ELSEWHERE = member("resource", "{stranger}/")
BOUND = 30.0


async def _login(machine: dict[str, str], server: WildServer, *options: str) -> Ended:
    return await LoginProcess(machine, server, options).run(BOUND)


NEEDS_MORE = (
    member("token_endpoint", "https://stranger.example/token"),
    member("code_challenge_methods_supported", ["plain"]),
)


async def test_only_the_check_that_is_named_is_approved(machine: dict[str, str]) -> None:
    """H111: a token for another resource; the cure names the option that approves it."""
    async with wild_server(Place.TOKEN, ELSEWHERE) as server:
        refused = await _login(machine, server, "--yes", "detection.protection")
        assert refused.code == 7, refused.words
        option = shlex.split(refused.events[-1]["commands"][-1])[-1]
        assert option.startswith("token.")

        approved = await _login(machine, server, "--yes", option)
        assert approved.code == 0, approved.words
        assert f"--yes {option}" in approved.words


def _wants_more() -> Change:
    """Return an answer that asks for another scope at every call."""
    turns = count(1)

    def change(answer: Answer) -> Answer:
        wanted = f'Bearer error="insufficient_scope", scope="more-{next(turns)}"'
        return header("WWW-Authenticate", wanted)(status(403)(answer))

    return change


async def test_a_resource_that_wants_another_scope_each_time_is_left_after_two_step_ups(
    machine: dict[str, str],
) -> None:
    """H424: approved once, it would have the user sign in for ever."""
    async with wild_server(Place.ACCESS, _wants_more()) as server:
        ended = await _login(machine, server, "--scope", "read", "--yes", "access.accepted")
    assert ended.code == 5, ended.words
    assert len([one for one in ended.events if one["event"] == "authorization_url"]) == 3
    last = ended.events[-1]
    assert last["event"] == "failed"
    assert "3 times" in last["cause"]
    [command] = last["commands"]
    assert shlex.split(command)[-2:] == ["--scope", "read more-1 more-2 more-3"]
    assert "To continue anyway" not in last["cure"]


@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client"])
async def test_a_client_that_this_login_registered_is_not_called_stored_and_registered_again(
    code: str, machine: dict[str, str]
) -> None:
    """H427: it is refused, but not because it is old."""
    async with wild_server(Place.TOKEN, lambda a: document({"error": code})(status(401)(a))) as server:
        port = ("--port", str(free_port()))  # a client is known for its redirect URI
        first = await _login(machine, server, *port)
        assert first.code == 5, first.words
        assert server.requests.count(("POST", "/register")) == 1
        assert "stored client" not in first.words
        # Only with invalid_client is the client what the refusal is about.
        own = "registered a client without a secret" if code == "invalid_client" else "the client itself"
        assert own in first.words

        # The next login finds it stored, and may register one anew: that one is new again.
        second = await _login(machine, server, *port)
        assert second.code == 5, second.words
        assert server.requests.count(("POST", "/register")) == 2
        assert second.words.count("registering a new one") == 1


async def test_nothing_is_said_to_continue_that_stops(machine: dict[str, str]) -> None:
    """H426: one of the two failed checks can be approved, and the login stops for the other."""
    place, s256 = NEEDS_MORE
    async with wild_server(Place.SERVER_METADATA, lambda a: s256(place(a))) as server:
        ended = await _login(machine, server, "--yes", "server.token_endpoint_host")
    assert ended.code == 7, ended.words
    assert "continu" not in ended.words.lower()
    assert "--yes" not in ended.words
    assert "S256" in ended.events[-1]["cause"]
