"""Web pages in a real browser that attack the port of the callback while a login waits.

Neither a page of another site nor one whose name is rebound to this machine ends the wait, answers it, or
reads anything. Then the browser comes back, and the login succeeds.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest

from authlens_core.login.login import Login
from authlens_core.trace.events import AnswerIgnored, AuthorizationReady, Event
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.login_options import Options
from authlens_core.wire.client import Wire
from support.chromium import (
    ELEMENTS,
    FETCHES,
    REBOUND,
    Browser,
    ask,
    at_evil,
    page_with,
    visit,
)
from support.hostile_server import answer, hostile_server
from support.waiting import PATIENCE
from support.wild_process import come_back
from support.wild_server import WildServer, wild_server

pytestmark = pytest.mark.e2e
FORGED = "code=forged&state=guessed&iss=https://evil.example"
SENT_BY_A_PAGE = "sent by another web page, not by the browser itself"
UPGRADE = "a change of protocol"
FORM_POST = "a form: perhaps the server uses response_mode=form_post, which only its owner can change"
NOT_OURS = "an answer to another login"
NAVIGATIONS = {
    element for element in ELEMENTS if "refresh" in element or "location" in element or "open(" in element
}


@dataclass
class Waiting:
    """A login that waits for its attacked.

    Attributes:
        login: the login.
        server: its server.
        link: the link that was shown.
        reasons: why requests were ignored.
    """

    login: Login
    server: WildServer
    link: str = ""
    running: asyncio.Task[object] | None = None
    shown: asyncio.Event = field(default_factory=asyncio.Event)
    reasons: set[str] = field(default_factory=set)

    @property
    def port(self) -> int:
        return urlsplit(parse_qs(urlsplit(self.link).query)["redirect_uri"][0]).port or 0

    def callback(self, host: str = "localhost") -> str:
        return f"http://{host}:{self.port}/callback?{FORGED}"

    async def still_succeeds(self) -> bool:
        """Let the browser come back, and tell whether the login gets its tokens, with one exchange."""
        await come_back(self.server, self.link)
        assert self.running is not None
        await asyncio.wait_for(self.running, PATIENCE)
        record = self.login.trace.records[-1]
        tokens = [path for method, path in self.server.requests if path == "/token"]
        return (record.stage, record.outcome, len(tokens)) == (Stage.ACCESS, Outcome.PASSED, 1)


@asynccontextmanager
async def waiting() -> AsyncIterator[Waiting]:
    """Run a login up to the wait for the attacked."""
    async with wild_server() as server, Wire(environ={}) as wire:
        login = Login(f"{server.url}/api", wire, options=Options(port=0, wait=60))
        found = Waiting(login, server)

        def on_event(event: Event) -> None:
            if isinstance(event, AuthorizationReady):
                found.link = event.url
                found.shown.set()
            elif isinstance(event, AnswerIgnored):
                found.reasons.add(event.reason)

        login.watch(on_event)
        found.running = asyncio.create_task(login.run_all())
        try:
            await asyncio.wait_for(found.shown.wait(), PATIENCE)
            yield found
        finally:
            await login.aclose()


@pytest.mark.parametrize("way", FETCHES)
async def test_a_script_of_another_site_gets_nothing_and_ends_nothing(attacked: Browser, way: str) -> None:
    """H086: with each of a browser's ways to send a request beside a navigation."""
    page = answer("200 OK", "Content-Type: text/html", body=b"<!doctype html><body>An honest page")
    async with waiting() as wait, hostile_server(*page) as attacker:
        await visit(attacked, at_evil(attacker.url))
        learned = await ask(attacked, FETCHES[way], wait.callback())
        assert learned in {"refused", "read:"}
        assert wait.reasons == {UPGRADE if way == "websocket" else SENT_BY_A_PAGE}
        assert wait.login.wait.waiting
        assert await wait.still_succeeds()


def _reason(element: str) -> str:
    if element in NAVIGATIONS:
        return NOT_OURS
    return FORM_POST if 'method="post"' in element else SENT_BY_A_PAGE


@pytest.mark.parametrize(
    ("element", "reason"),
    [(element, _reason(element)) for element in ELEMENTS],
)
async def test_a_navigation_without_the_state_of_the_login_changes_nothing(
    attacked: Browser, element: str, reason: str
) -> None:
    """H075, H083: the browser goes there itself; what it brings is not what this login asked for."""
    async with waiting() as wait:
        body = page_with(element, wait.callback())
        async with hostile_server(*answer("200 OK", "Content-Type: text/html", body=body)) as attacker:
            await visit(attacked, at_evil(attacker.url))
            await asyncio.to_thread(attacked.script, "return new Promise(r => setTimeout(r, 300))")
            assert wait.reasons == {reason}
            assert wait.login.wait.waiting
            assert await wait.still_succeeds()


async def test_a_name_that_is_rebound_to_this_machine_is_misdirected(attacked: Browser) -> None:
    """H085: the page is then of the same origin as the port, and still learns nothing but a constant page."""
    async with waiting() as wait:
        await visit(attacked, wait.callback(REBOUND))
        assert wait.reasons == {"another host"}
        for code in ("fetch('/callback?code=x&state=y')", "fetch('/test')"):
            learned = await ask(attacked, code, "")
            assert learned == "refused", "the constant page allows no script to connect"
        assert wait.reasons == {"another host"}
        assert await wait.still_succeeds()


async def test_the_page_of_the_callback_cannot_be_framed_or_scripted(attacked: Browser) -> None:
    """H081: what the browser ends on has neither a script nor a place in another page, nor the code in it."""
    async with waiting() as wait:
        await visit(attacked, f"http://localhost:{wait.port}/callback?{wait.server.callback(wait.link)}")
        text = await asyncio.to_thread(attacked.text)
        assert wait.server.secrets["code"] not in text
        assert wait.running is not None
        await asyncio.wait_for(wait.running, PATIENCE)
