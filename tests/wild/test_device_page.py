"""`login --device` at a server that may relay the code of another server's page."""

import os
import shlex

import pytest

from support.wild_process import Ended, LoginProcess
from support.wild_server import Change, Place, WildServer, member, wild_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "wait4"), reason="the process is waited for with os.wait4"),
]

RELAYED = "https://honest.example/device"
BOUND = 30.0


async def _login(machine: dict[str, str], server: WildServer, *options: str) -> Ended:
    return await LoginProcess(machine, server, ("--device", *options)).run(BOUND)


@pytest.mark.parametrize(
    "relayed",
    [
        member("verification_uri", RELAYED),
        # Some servers put the code into the page itself, so the page is not shown either.
        member("verification_uri", f"{RELAYED}?user_code=WDJB-MJHT"),
        lambda a: member("verification_uri", None)(member("verification_url", RELAYED)(a)),
    ],
    ids=["plain", "filled in", "name in the draft"],
)
async def test_a_relayed_code_is_shown_only_after_a_yes_that_names_both_hosts(
    relayed: Change, machine: dict[str, str]
) -> None:
    """H420, DG-10: the metadata is the server's own; only the page is on another site."""
    async with wild_server(Place.DEVICE, relayed) as server:
        refused = await _login(machine, server)
        assert refused.code == 7, refused.words
        shown = refused.words + refused.answer
        assert "WDJB-MJHT" not in shown
        assert "honest.example/device" not in shown
        assert not [one for one in refused.events if one["event"] == "device_code"]
        assert ("POST", "/token") not in server.requests
        cure = refused.events[-1]["cure"]
        assert "only if you started this login" in cure
        assert "honest.example" in cure
        assert "127.0.0.1" in cure
        option = shlex.split(refused.events[-1]["commands"][-1])[-1]
        assert option == "device.verification_site=honest.example"

        approved = await _login(machine, server, "--yes", option)
        assert approved.code == 0, approved.words
        [shown_code] = [one for one in approved.events if one["event"] == "device_code"]
        assert shown_code["user_code"] == "WDJB-MJHT"
        assert shown_code["verification_uri"].startswith(RELAYED)


async def test_a_yes_for_one_page_is_none_for_that_of_another_site(machine: dict[str, str]) -> None:
    """H460: the first answer names a page that looks right, the next one that of an honest server."""
    async with wild_server(
        Place.DEVICE, member("verification_uri", "https://login.example/device")
    ) as server:
        refused = await _login(machine, server)
        option = shlex.split(refused.events[-1]["commands"][-1])[-1]
        server.change = member("verification_uri", RELAYED)
        again = await _login(machine, server, "--yes", option)
        assert again.code == 7, again.words
        assert "WDJB-MJHT" not in again.words + again.answer
        owner = f"honest.example and {server.url.removeprefix('http://')} belong to the same owner"
        assert owner in again.events[-1]["cure"]
        # Nor is the identifier alone one: it names no host.
        bare = await _login(machine, server, "--yes", option.partition("=")[0])
        assert bare.code == 7, bare.words
        assert "WDJB-MJHT" not in bare.words + bare.answer
        assert bare.events[-1]["commands"][-1].endswith("--yes device.verification_site=honest.example")


async def test_a_page_on_the_servers_own_site_is_shown_at_once(machine: dict[str, str]) -> None:
    async with wild_server() as server:
        ended = await _login(machine, server)
        assert ended.code == 0, ended.words
        [code] = [one for one in ended.events if one["event"] == "device_code"]
        assert code["verification_uri"] == f"{server.url}/device"
