"""The browser driver itself, on a page from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.chromium import Browser, BrowserFailed, chromium

pytestmark = pytest.mark.e2e

PAGE = """<!doctype html><title>Who is there</title>
<form><input name="who"><button>Go</button></form>
<p id="out"></p>
<script>out.textContent = "Seen: " + new URLSearchParams(location.search).get("who")</script>"""


@pytest.fixture
def browser() -> Iterator[Browser]:
    """One browser for one test."""
    with chromium() as browser:
        yield browser


def test_a_page_can_be_read_filled_and_sent(browser: Browser, tmp_path: Path) -> None:
    """What the later tests use: open, type, click, text, URL, picture."""
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    browser.open(page.as_uri())
    assert browser.title() == "Who is there"

    browser.find("input").type("alice")
    browser.find("button").click()

    browser.wait_for_text("Seen: alice")
    assert browser.url().endswith("?who=alice")
    browser.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_not_there_is_not_found(browser: Browser) -> None:
    """A selector that matches nothing fails at once, with the driver's words."""
    browser.open("about:blank")

    with pytest.raises(BrowserFailed, match="no such element"):
        browser.find("#absent")
