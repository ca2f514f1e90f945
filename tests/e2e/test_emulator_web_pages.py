"""Web pages in a real browser that attack the administration of an emulator on this machine."""

import pytest

from authlens_lab.emulator import Emulator
from support.chromium import EVIL, REBOUND, Browser, ask, visit
from support.hostile_server import answer, hostile_server

pytestmark = pytest.mark.e2e
PAGE = answer("200 OK", "Content-Type: text/html", body=b"<!doctype html><body>A page")
JSON = "headers: {'Content-Type': 'application/json'}"
REQUESTS = {
    "read": "fetch(url)",
    "post without a body": "fetch(url + '/deny', {method: 'POST', mode: 'no-cors'})",
    "post of a form": "fetch(url + '/deny', {method: 'POST', mode: 'no-cors', body: new FormData()})",
    "post of JSON": f"fetch(url + '/deny', {{method: 'POST', body: '{{}}', {JSON}}})",
    "beacon": "(navigator.sendBeacon(url + '/deny'), Promise.resolve())",
    "put": f"fetch(url + '/faults', {{method: 'PUT', body: '[]', {JSON}}})",
}


@pytest.mark.parametrize("host", [EVIL, "127.0.0.1", "localhost"])
@pytest.mark.parametrize("way", REQUESTS)
async def test_a_page_of_another_origin_changes_and_reads_nothing(
    attacked: Browser, way: str, host: str
) -> None:
    """H410: also a page of another server on this machine, which is of the same site."""
    async with Emulator(admin=True, faults=["public"]) as emulator, hostile_server(*PAGE) as attacker:
        await visit(attacked, attacker.url.replace("127.0.0.1", host))
        found = await ask(attacked, REQUESTS[way], f"{emulator.server_url}/emulator/admin")
        assert found in {"refused", "read:"}
        assert emulator.grants.denied == Emulator().grants.denied
        assert [str(fault) for fault in emulator.faults] == ["public"]


@pytest.mark.parametrize("way", REQUESTS)
async def test_a_name_that_is_rebound_to_this_machine_changes_and_reads_nothing(
    attacked: Browser, way: str
) -> None:
    """H410: the page is then of the same origin as the administration."""
    async with Emulator(admin=True, faults=["public"]) as emulator:
        rebound = emulator.server_url.replace("localhost", REBOUND)
        await visit(attacked, f"{rebound}/a-page")
        found = await ask(attacked, REQUESTS[way], f"{rebound}/emulator/admin")
        assert found != "nothing"
        assert "service_token" not in found
        assert emulator.grants.denied == Emulator().grants.denied
        assert [str(fault) for fault in emulator.faults] == ["public"]
