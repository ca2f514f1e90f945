"""The person at the browser, played by real HTTP: opens the link, signs in or denies, and is sent on."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final, Literal
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from authlens_core.emulator.account import email_of

__all__ = ["Hop", "PlayResult", "play_person"]

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
MOST_HOPS: Final = 12
LONGEST_HEAD: Final = 64 * 1024
LONGEST_PAGE: Final = 1024 * 1024
BROWSER_FIELDS: Final = (
    "User-Agent: Mozilla/5.0 (authlens demo person)\r\n"
    "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n"
    "Sec-Fetch-Mode: navigate\r\nConnection: close\r\n"
)


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of the browser; the query is left out because it may hold a code."""

    method: str
    url: str
    status: int


@dataclass(frozen=True, slots=True)
class PlayResult:
    """What the person saw.

    Attributes:
        callback_url: where the server sent the browser back to, with code or error; None if it never did.
        delivered: whether the listener at the callback answered.
        status: the status of the last page, 0 if there was none.
        page: the text of the last page.
        hops: the requests on the way.
    """

    callback_url: str | None = field(repr=False)
    delivered: bool
    status: int
    page: str
    hops: tuple[Hop, ...]

    @property
    def words(self) -> str:
        """What the last page says, without its markup and the notice that it is the emulator's."""
        found = _Words()
        found.feed(self.page)
        text = " ".join(found.texts) if "<main" in self.page else self.page
        return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class _Page:
    status: int
    location: str
    cookies: tuple[str, ...] = field(repr=False)
    text: str = field(repr=False)


class _Words(HTMLParser):
    """Collects what stands in the main part of a page, notices and the name of the page's maker left out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._main = False
        self._aside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin with the main part; leave out a paragraph that is not about what happened."""
        self._main = self._main or tag == "main"
        if tag == "p":
            self._aside = dict(attrs).get("class") in ("notice", "name")

    def handle_endtag(self, tag: str) -> None:
        """End the paragraph, and with the main part everything."""
        self._aside = self._aside and tag != "p"
        self._main = self._main and tag != "main"

    def handle_data(self, data: str) -> None:
        """Take the text."""
        if self._main and not self._aside:
            self.texts.append(data)


class _Form(HTMLParser):
    """Finds the first form: where it goes and what it carries hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False
        self.action = ""
        self.hidden: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms and hidden fields."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.found:
            self.found = True
            self.action = given.get("action", "")
        elif tag == "input" and self.found and given.get("type") == "hidden":
            self.hidden[given.get("name", "")] = given.get("value", "")


async def play_person(
    authorization_url: str,
    *,
    user: str = "ada",
    choice: Literal["sign in", "deny"] = "sign in",
    deliver: bool = True,
    timeout: float = 15.0,  # noqa: ASYNC109 - the whole play has one deadline
) -> PlayResult:
    """Play the person whom an authorization URL waits for.

    Args:
        authorization_url: what a browser would open; loopback only.
        user: a demo user, by e-mail address or by the part before the @.
        choice: which button is pressed.
        deliver: whether the browser reaches the callback; False leaves a person who copies the URL by hand.
        timeout: seconds for all of it.

    Raises:
        ValueError: the URL, or a redirect, leads away from loopback.
        TimeoutError: it took too long.
        OSError: nobody listens at the emulator.
    """
    async with asyncio.timeout(timeout):
        return await _Browser(authorization_url).play(email_of(user), choice, deliver=deliver)


class _Browser:
    """Follows redirects by hand and keeps cookies by host, as a browser does, whatever the port."""

    def __init__(self, authorization_url: str) -> None:
        self._url = authorization_url
        self._callback = parse_qs(urlsplit(authorization_url).query).get("redirect_uri", [""])[0]
        self._cookies: dict[str, dict[str, str]] = {}
        self._hops: list[Hop] = []

    async def play(self, user: str, choice: str, *, deliver: bool) -> PlayResult:
        url, form = self._url, b""
        shown = _Page(0, "", (), "")
        for _ in range(MOST_HOPS):
            shown = await self._open(url, form)
            if shown.location:
                url, form = urljoin(url, shown.location), b""
                if self._is_callback(url):
                    return await self._finish(url, shown, deliver=deliver)
                continue
            found = _Form()
            found.feed(shown.text)
            if not found.found or form:
                break
            url = urljoin(url, found.action) if found.action else url
            form = urlencode({**found.hidden, "user": user, "choice": choice}).encode()
        return PlayResult(None, delivered=False, status=shown.status, page=shown.text, hops=tuple(self._hops))

    def _is_callback(self, url: str) -> bool:
        here, there = urlsplit(url), urlsplit(self._callback)
        return (here.scheme, here.netloc, here.path) == (there.scheme, there.netloc, there.path)

    async def _finish(self, url: str, shown: _Page, *, deliver: bool) -> PlayResult:
        delivered = False
        if deliver:
            try:
                shown = await self._open(url, b"")
                delivered = True
            except OSError as error:
                shown = _Page(0, "", (), f"The browser cannot reach the callback: {error}")
        return PlayResult(url, delivered, shown.status, shown.text, tuple(self._hops))

    async def _open(self, url: str, form: bytes) -> _Page:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "http" or host not in LOOPBACK:
            msg = "The demo person opens pages on loopback only."
            raise ValueError(msg)
        jar = self._cookies.setdefault(host, {})
        shown = await _request(url, form, "; ".join(f"{name}={value}" for name, value in jar.items()))
        for cookie in shown.cookies:
            pair, _, attributes = cookie.partition(";")
            name, _, value = pair.strip().partition("=")
            if "max-age=0" in attributes.lower():
                jar.pop(name, None)
            else:
                jar[name] = value
        method = "POST" if form else "GET"
        self._hops.append(Hop(method, parts._replace(query="", fragment="").geturl(), shown.status))
        return shown


async def _request(url: str, form: bytes, cookies: str) -> _Page:
    """Send one request and read the answer to its end.

    Raises:
        OSError: nobody listens, or what answers does not speak HTTP.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = f"{'POST' if form else 'GET'} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n{BROWSER_FIELDS}"
    if cookies:
        head += f"Cookie: {cookies}\r\n"
    if form:
        head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n"
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80, limit=LONGEST_HEAD)
    try:
        writer.write(f"{head}\r\n".encode("latin-1") + form)
        await writer.drain()
        return await _read_page(reader)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError) as error:
        msg = "the answer is not HTTP"
        raise OSError(msg) from error
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _read_page(reader: asyncio.StreamReader) -> _Page:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status_line, *lines = head.rstrip("\r\n").split("\r\n")
    fields = [(name.strip().lower(), value.strip()) for name, _, value in (x.partition(":") for x in lines)]
    first = dict(reversed(fields))
    if first.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    elif "content-length" in first:
        body = await reader.readexactly(min(int(first["content-length"]), LONGEST_PAGE))
    else:
        body = await reader.read(LONGEST_PAGE)
    cookies = tuple(value for name, value in fields if name == "set-cookie")
    location = first.get("location", "") if status_line.split()[1].startswith("3") else ""
    return _Page(int(status_line.split()[1]), location, cookies, body.decode("utf-8", "replace"))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        if len(body) + size > LONGEST_PAGE:
            break
        body += await reader.readexactly(size)
        await reader.readuntil(b"\r\n")
    return body
