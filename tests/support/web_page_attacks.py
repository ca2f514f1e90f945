"""Web pages that attack a port of this machine from a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

from support.chromium import Browser, chromium

__all__ = ["ELEMENTS", "FETCHES", "REBOUND", "ask", "at_evil", "attacked_browser", "page_with", "visit"]

REBOUND = "rebound.example"
EVIL = "evil.example"

FETCHES = {
    "no-cors": "fetch(url, {mode: 'no-cors'})",
    "cors": "fetch(url)",
    "credentials": "fetch(url, {mode: 'no-cors', credentials: 'include'})",
    "post": "fetch(url, {mode: 'no-cors', method: 'POST', body: 'code=x'})",
    "preflight": "fetch(url, {method: 'PUT', headers: {'X-A': 'b'}})",
    "beacon": "(navigator.sendBeacon(url, 'code=x'), Promise.resolve())",
    "event source": "new Promise((_, no) => { new EventSource(url).onerror = no })",
    "image": "new Promise((_, no) => { let i = new Image(); i.onerror = no; i.src = url })",
    "script": "new Promise((_, no) => { let s = document.createElement('script'); s.onerror = no;"
    " s.src = url; document.body.append(s) })",
    "style": "new Promise((_, no) => { let s = document.createElement('link'); s.rel = 'stylesheet';"
    " s.onerror = no; s.href = url; document.head.append(s) })",
    "websocket": "new Promise((_, no) => { new WebSocket(url.replace('http', 'ws')).onerror = no })",
}
ASK = """
const url = arguments_url;
document.title = "asking";
Promise.resolve().then(() => {code}).then(r => r && r.text ? r.text() : "").then(
  t => {{ document.title = "read: " + t }}, e => {{ document.title = "refused" }})
"""

ELEMENTS = (
    '<iframe src="{url}"></iframe>',
    '<iframe sandbox="allow-scripts" src="{url}"></iframe>',
    '<object data="{url}"></object>',
    '<embed src="{url}">',
    '<meta http-equiv="refresh" content="0;url={url}">',
    '<script>location = "{url}"</script>',
    '<script>open("{url}")</script>',
    '<form method="post" action="{url}"></form><script>document.forms[0].submit()</script>',
    '<link rel="prefetch" href="{url}">',
)


@contextmanager
def attacked_browser() -> Iterator[Browser]:
    """Run a browser for which the names of the attacker lead to this machine."""
    with chromium(f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1,MAP {EVIL} 127.0.0.1") as browser:
        yield browser


def at_evil(url: str) -> str:
    """Return a URL of this machine under the name of the attacker."""
    return url.replace("127.0.0.1", EVIL)


def page_with(element: str, url: str) -> bytes:
    """Return a page with one of `ELEMENTS` that leads to `url`."""
    shown = url if "<script>" in element else escape(url)
    return f"<!doctype html><body>{element.format(url=shown)}".encode()


async def visit(browser: Browser, url: str) -> None:
    """Open a page."""
    await asyncio.to_thread(browser.open, url)


async def ask(browser: Browser, code: str, url: str) -> str:
    """Let the page that is open send a request; return what it learned."""

    def run() -> str:
        browser.script(ASK.replace("arguments_url", f'"{url}"').format(code=code))
        for _ in range(100):
            title = browser.title()
            if title != "asking":
                return title
            browser.script("return new Promise(r => setTimeout(r, 50))")
        return "nothing"

    return await asyncio.to_thread(run)
