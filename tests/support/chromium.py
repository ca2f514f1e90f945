"""Debian's Chromium without a window, driven over the W3C WebDriver protocol by a client of our own."""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import httpx

from support.needs import free_port, program

READY_SECONDS = 60.0
COMMAND_SECONDS = 60.0
ELEMENT_KEY = "element-6066-11e4-a52e-4f735466cecf"
"""How the protocol marks a reference to an element (W3C WebDriver §12.1)."""

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--window-size=1000,800",
)


class BrowserFailed(Exception):
    """The driver answered with an error, or not at all."""


class Element:
    """One element of the page that is open."""

    def __init__(self, browser: Browser, reference: str) -> None:
        """Take the driver's reference; only `Browser.find` makes elements."""
        self._browser = browser
        self._path = f"/element/{reference}"

    def click(self) -> None:
        """Click it, as a person would: it must be visible."""
        self._browser.command("POST", f"{self._path}/click", {})

    def type(self, text: str) -> None:
        self._browser.command("POST", f"{self._path}/value", {"text": text})

    def text(self) -> str:
        return str(self._browser.command("GET", f"{self._path}/text"))


class Browser:
    """One window. Every call blocks: from an async test, call it through `asyncio.to_thread`."""

    def __init__(self, driver: httpx.Client, session: str) -> None:
        """Take a driver and its session; use `chromium()` to make one."""
        self._driver = driver
        self._session = session

    def command(self, method: str, path: str, payload: dict[str, Any] | None = None) -> Any:
        """Send one WebDriver command and return its value.

        Raises:
            BrowserFailed: when the driver says so; the message is the driver's.
        """
        return _command(self._driver, method, f"/session/{self._session}{path}", payload)

    def open(self, url: str) -> None:
        self.command("POST", "/url", {"url": url})

    def find(self, css: str) -> Element:
        """Return the first element that a CSS selector matches.

        Raises:
            BrowserFailed: when nothing matches.
        """
        found = self.command("POST", "/element", {"using": "css selector", "value": css})
        return Element(self, found[ELEMENT_KEY])

    def url(self) -> str:
        return str(self.command("GET", "/url"))

    def title(self) -> str:
        return str(self.command("GET", "/title"))

    def text(self) -> str:
        return self.find("body").text()

    def script(self, body: str) -> Any:
        return self.command("POST", "/execute/sync", {"script": body, "args": []})

    def wait_for_text(self, text: str, seconds: float = 15.0) -> str:
        """Wait until the page shows a text; return the whole text of the page.

        Raises:
            BrowserFailed: when it does not come in time; the message carries what is there instead.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                seen = self.text()
            except BrowserFailed as between_pages:
                seen = str(between_pages)
            if text in seen:
                return seen
            if time.monotonic() > deadline:
                raise BrowserFailed(f"no {text!r} at {self.url()}:\n{seen}")
            time.sleep(0.05)

    def close(self) -> None:
        self.command("DELETE", "")


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Start a browser with a new profile and more `flags`; it and its driver are gone at the end.

    Skips or fails the test, by `support.needs`, where Chromium is not installed.
    """
    binary, driver = program("chromium"), program("chromedriver")
    with tempfile.TemporaryDirectory(prefix="authlens-chromium-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        environment = os.environ | {"HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_CACHE_HOME": folder}
        # It would choose a port that is free for IPv6, and end where a connection has the same one for IPv4.
        with subprocess.Popen(
            [driver, f"--port={free_port()}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
        ) as process:
            try:
                base_url = f"http://127.0.0.1:{_read_port(process)}"
                with httpx.Client(base_url=base_url, trust_env=False, timeout=COMMAND_SECONDS) as client:
                    browser = _new_session(client, binary, home / "profile", flags)
                    try:
                        yield browser
                    finally:
                        browser.close()
            finally:
                process.kill()


def _new_session(client: httpx.Client, binary: str, profile: Path, flags: Sequence[str]) -> Browser:
    options = {"binary": binary, "args": [*FLAGS, *flags, f"--user-data-dir={profile}"]}
    wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
    made = _command(client, "POST", "/session", {"capabilities": wanted})
    return Browser(client, made["sessionId"])


def _command(client: httpx.Client, method: str, path: str, payload: dict[str, Any] | None = None) -> Any:
    try:
        answer = client.request(method, path, json=payload)
        value = answer.json()["value"]
    except (httpx.HTTPError, json.JSONDecodeError, KeyError) as error:
        raise BrowserFailed(f"{method} {path}: {error!r}") from error
    if answer.is_error:
        raise BrowserFailed(f"{method} {path}: {value['error']}: {value['message']}")
    return value


def _read_port(process: subprocess.Popen[bytes]) -> int:
    """Read the driver's greeting, which ends with `on port N.`."""
    if process.stdout is None:
        raise BrowserFailed("the driver has no standard output")
    said = b""
    deadline = time.monotonic() + READY_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            piece = os.read(process.stdout.fileno(), 65_536)
            if not piece:
                break
            said += piece
            for line in said.decode(errors="replace").splitlines():
                _, found, rest = line.partition("started successfully on port ")
                if found and rest.endswith("."):
                    return int(rest.removesuffix("."))
    raise BrowserFailed(f"the driver did not start: {said.decode(errors='replace')}")


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
    with chromium(f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1,MAP {EVIL} 127.0.0.1") as browser:
        yield browser


def at_evil(url: str) -> str:
    return url.replace("127.0.0.1", EVIL)


def page_with(element: str, url: str) -> bytes:
    shown = url if "<script>" in element else escape(url)
    return f"<!doctype html><body>{element.format(url=shown)}".encode()


async def visit(browser: Browser, url: str) -> None:
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
