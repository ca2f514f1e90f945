"""A real browser through the login page to the callback: what the person sees, and what the page may do."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.login_options import Options
from authlens_lab.emulator import Emulator
from e2e.real_login import log_in, story
from support.chromium import Browser, chromium
from support.person import Page
from support.server_process import ServerProcess

pytestmark = pytest.mark.e2e
ANY_PORT = Options(port=0, wait=60.0)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """One browser for one test."""
    starting = chromium()
    browser = await asyncio.to_thread(starting.__enter__)
    try:
        yield browser
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


SIGN_IN = "button[value='sign in']"


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """A local Cloudflare Access."""
    async with Emulator() as emulator:
        yield emulator


def press(browser: Browser, url: str, *buttons: str, ends_with: str) -> Page:
    """Open the link, press one button after the other, and wait for the words of the last page."""
    browser.open(url)
    for button in buttons:
        browser.find(button).click()
    text = browser.wait_for_text(ends_with)
    return Page(browser.url(), 200, text)


SUBRESOURCES = "return performance.getEntriesByType('resource').map(e => e.name)"
DENY = "button[value='deny']"


async def test_the_emulators_login_ends_on_the_page_that_says_it_worked(
    emulator: Emulator, session: Session, browser: Browser
) -> None:
    """From the link over the demo login page to the loopback page, in Debian's Chromium."""

    async def browse(url: str) -> Page:
        return await asyncio.to_thread(press, browser, url, SIGN_IN, ends_with="close this tab")

    trace, page = await log_in(start_login(session, emulator.resource_url, ANY_PORT), browse)

    assert trace.records[-1].stage is Stage.ACCESS, story(trace)
    assert trace.records[-1].outcome is Outcome.PASSED, story(trace)
    assert page is not None
    assert "on the machine where you started the login" in page.text


async def test_the_callback_page_runs_no_script_and_asks_for_nothing(
    emulator: Emulator, session: Session, browser: Browser, tmp_path: Path
) -> None:
    """The code stands in the page's address: nothing on the page may read it or send it on."""

    async def browse(url: str) -> Page:
        return await asyncio.to_thread(press, browser, url, SIGN_IN, ends_with="close this tab")

    await log_in(start_login(session, emulator.resource_url, ANY_PORT), browse)

    assert await asyncio.to_thread(browser.script, "return document.scripts.length") == 0
    asked = await asyncio.to_thread(browser.script, SUBRESOURCES)
    assert [name for name in asked if not name.endswith("/favicon.ico")] == []


async def test_a_denial_in_the_browser_ends_the_login(
    emulator: Emulator, session: Session, browser: Browser
) -> None:
    """The page says that it was refused, and so does the record."""

    async def browse(url: str) -> Page:
        return await asyncio.to_thread(press, browser, url, DENY, ends_with="go back to the terminal")

    trace, _ = await log_in(start_login(session, emulator.resource_url, ANY_PORT), browse)

    assert trace.records[-1].stage is Stage.AUTHORIZATION
    assert "access_denied" in story(trace)


async def test_a_login_at_a_real_provider(
    oidc_provider: ServerProcess, session: Session, browser: Browser
) -> None:
    """`oidc-provider` with its login page and its consent page."""

    def sign_in(url: str) -> Page:
        browser.open(url)
        browser.find("input[name=login]").type("alice")
        browser.find("input[name=password]").type("correct horse")
        browser.find("button").click()
        browser.wait_for_text("Allow access?")
        browser.find("button[value=allow]").click()
        return Page(browser.url(), 200, browser.wait_for_text("close this tab"))

    async def browse(url: str) -> Page:
        return await asyncio.to_thread(sign_in, url)

    trace, _ = await log_in(start_login(session, oidc_provider.resource, ANY_PORT), browse)

    assert trace.records[-1].outcome is Outcome.PASSED, story(trace)
