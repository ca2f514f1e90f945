"""A real browser through the login page to the callback: what the person sees, and what the page may do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.trace.record import Outcome
from authlens_core.values.login_options import Options
from authlens_core.wire.client import Wire
from e2e.real_login import log_in, story
from support.chromium import Browser, chromium
from support.person import Page
from support.server_process import ServerProcess

pytestmark = pytest.mark.e2e

ANY_PORT = Options(port=0, wait=60.0)


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    async with Session(Wire(), Credentials.memory()) as session:
        yield session


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """One browser for one test."""
    starting = chromium()
    browser = await asyncio.to_thread(starting.__enter__)
    try:
        yield browser
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


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
