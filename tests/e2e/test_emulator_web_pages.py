"""Web pages in a real browser that attack the administration of an emulator on this machine."""

import asyncio
from collections.abc import Iterator

import pytest

from authlens_lab.emulator import Emulator
from support.chromium import Browser, chromium
from support.hostile_server import answer, hostile_server

pytestmark = pytest.mark.e2e
REBOUND, STRANGER = "rebound.example", "evil.example"
PAGE = answer("200 OK", "Content-Type: text/html", body=b"<!doctype html><body>A page")
JSON = "headers: {'Content-Type': 'application/json'}"
REQUESTS = {
    "read": "fetch(admin)",
    "post without a body": "fetch(admin + '/deny', {method: 'POST', mode: 'no-cors'})",
    "post of a form": "fetch(admin + '/deny', {method: 'POST', mode: 'no-cors', body: new FormData()})",
    "post of JSON": f"fetch(admin + '/deny', {{method: 'POST', body: '{{}}', {JSON}}})",
    "beacon": "(navigator.sendBeacon(admin + '/deny'), Promise.resolve())",
    "put": f"fetch(admin + '/faults', {{method: 'PUT', body: '[]', {JSON}}})",
}
ASK = """
document.title = "asking";
const admin = "{admin}";
Promise.resolve().then(() => {code}).then(r => r && r.type != "opaque" ? r.text() : "").then(
  t => {{ document.title = "read: " + t }}, e => {{ document.title = "refused" }})
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium(f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1,MAP {STRANGER} 127.0.0.1") as browser:
        yield browser


async def learned(browser: Browser, code: str, admin: str) -> str:
    """Let the page that is open send a request; return what it read."""

    def run() -> str:
        browser.script(ASK.format(admin=admin, code=code))
        while (title := browser.title()) == "asking":
            browser.script("return new Promise(r => setTimeout(r, 50))")
        return title

    return await asyncio.to_thread(run)


@pytest.mark.parametrize("host", [STRANGER, "127.0.0.1", "localhost"])
@pytest.mark.parametrize("way", REQUESTS)
async def test_a_page_of_another_origin_changes_and_reads_nothing(
    browser: Browser, way: str, host: str
) -> None:
    """H410: also a page of another server on this machine, which is of the same site."""
    async with Emulator(admin=True, faults=["public"]) as emulator, hostile_server(*PAGE) as attacker:
        await asyncio.to_thread(browser.open, attacker.url.replace("127.0.0.1", host))
        found = await learned(browser, REQUESTS[way], f"{emulator.server_url}/emulator/admin")
        assert found in {"refused", "read:"}
        assert emulator.grants.denied == Emulator().grants.denied
        assert [str(fault) for fault in emulator.faults] == ["public"]


@pytest.mark.parametrize("way", REQUESTS)
async def test_a_name_that_is_rebound_to_this_machine_changes_and_reads_nothing(
    browser: Browser, way: str
) -> None:
    """H410: the page is then of the same origin as the administration."""
    async with Emulator(admin=True, faults=["public"]) as emulator:
        rebound = emulator.server_url.replace("localhost", REBOUND)
        await asyncio.to_thread(browser.open, f"{rebound}/a-page")
        found = await learned(browser, REQUESTS[way], f"{rebound}/emulator/admin")
        assert "service_token" not in found
        assert emulator.grants.denied == Emulator().grants.denied
        assert [str(fault) for fault in emulator.faults] == ["public"]
