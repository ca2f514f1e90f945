"""Play the user at the browser over real HTTP: open the link, sign in or deny, follow the redirects."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final, Literal
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import h11

from authlens_core.emulator.users import email_of

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
MOST_HOPS: Final = 12  # redirects and forms of one play
LONGEST_HEAD: Final = 64 * 1024  # bytes
LONGEST_PAGE: Final = 1024 * 1024  # bytes
BROWSER_FIELDS: Final = (
    ("User-Agent", "Mozilla/5.0 (authlens demo user)"),
    ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Connection", "close"),  # a new connection for each request: nothing to keep, nothing to close later
)


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of the browser; the query is left out because it may hold a code."""

    method: str
    url: str
    status: int


@dataclass(frozen=True, slots=True)
class PlayResult:
    """What the user saw.

    Attributes:
        callback_url: the redirect back to the client, with code or error; None if there was none.
        delivered: whether the listener at the callback answered.
        status: the status of the last page, 0 if there was none.
        hops: the requests, in order.
    """

    callback_url: str | None = field(repr=False)
    delivered: bool
    status: int
    page: str
    hops: tuple[Hop, ...]

    @property
    def words(self) -> str:
        """The text of the last page, without markup and without the emulator's notice."""
        parser = _Words()
        parser.feed(self.page)
        blocks = parser.blocks if "<main" in self.page else [self.page]
        return " · ".join(words for block in blocks if (words := " ".join(block.split())))


@dataclass(frozen=True, slots=True)
class _LoadedPage:
    status: int
    location: str
    cookies: tuple[str, ...] = field(repr=False)
    text: str = field(repr=False)


# Elements that do not start a line; all others part the text into blocks.
_INLINE: Final = frozenset({"a", "b", "code", "em", "i", "span", "strong"})


class _Words(HTMLParser):
    """Collect the text of the main part of a page, without notices and the name of its maker."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self._main = False
        self._aside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Start at `main`; skip paragraphs that are notices."""
        self._main = self._main or tag == "main"
        self._part(tag)
        if tag == "p":
            self._aside = dict(attrs).get("class") in ("notice", "name")

    def handle_endtag(self, tag: str) -> None:
        self._aside = self._aside and tag != "p"
        self._main = self._main and tag != "main"
        self._part(tag)

    def _part(self, tag: str) -> None:
        """Start another block where a browser starts a line."""
        if tag not in _INLINE:
            self.blocks.append("")

    def handle_data(self, data: str) -> None:
        if self._main and not self._aside:
            self.blocks[-1] += data


class _Form(HTMLParser):
    """Find the first form, its action and its hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.started = False
        self.action = ""
        self.hidden: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.started:
            self.started = True
            self.action = given.get("action", "")
        elif tag == "input" and self.started and given.get("type") == "hidden":
            self.hidden[given.get("name", "")] = given.get("value", "")


async def play_person(
    authorization_url: str,
    *,
    user: str = "ada",
    choice: Literal["sign in", "deny"] = "sign in",
    deliver: bool = True,
    timeout: float = 15.0,  # noqa: ASYNC109 - the whole play has one deadline
) -> PlayResult:
    """Play the user whom an authorization URL waits for.

    Args:
        authorization_url: the URL to open; loopback only.
        user: a demo user, by e-mail address or by the part before the @.
        deliver: whether the browser reaches the callback; False is a user who copies the URL by hand.
        timeout: seconds for the whole play.

    Raises:
        ValueError: the URL, or a redirect, leads away from loopback.
        TimeoutError: the play took longer.
        OSError: the emulator cannot be reached.
    """
    async with asyncio.timeout(timeout):
        return await _Browser(authorization_url).play(email_of(user), choice, deliver=deliver)


class _Browser:
    """Follow redirects by hand, and keep cookies by host whatever the port, like a browser."""

    def __init__(self, authorization_url: str) -> None:
        self._url = authorization_url
        self._callback = parse_qs(urlsplit(authorization_url).query).get("redirect_uri", [""])[0]
        self._cookies: dict[str, dict[str, str]] = {}
        self._hops: list[Hop] = []

    async def play(self, user: str, choice: str, *, deliver: bool) -> PlayResult:
        url, form = self._url, b""
        shown = _LoadedPage(0, "", (), "")
        for _ in range(MOST_HOPS):
            shown = await self._open(url, form)
            if shown.location:
                url, form = urljoin(url, shown.location), b""
                if self._is_callback(url):
                    return await self._finish(url, shown, deliver=deliver)
                continue
            page_form = _Form()
            page_form.feed(shown.text)
            # A form once filled in that leads to another page is the end: an error, or a refusal.
            if not page_form.started or form:
                break
            url = urljoin(url, page_form.action) if page_form.action else url
            form = urlencode({**page_form.hidden, "user": user, "choice": choice}).encode()
        return PlayResult(None, delivered=False, status=shown.status, page=shown.text, hops=tuple(self._hops))

    def _is_callback(self, url: str) -> bool:
        here, there = urlsplit(url), urlsplit(self._callback)
        if not self._callback:  # a pushed request: the link does not name its redirect URI
            elsewhere = here.netloc != urlsplit(self._url).netloc
            return elsewhere and bool({"code", "error"} & parse_qs(here.query).keys())
        return (here.scheme, here.netloc, here.path) == (there.scheme, there.netloc, there.path)

    async def _finish(self, url: str, shown: _LoadedPage, *, deliver: bool) -> PlayResult:
        delivered = False
        if deliver:
            try:
                shown = await self._open(url, b"")
                delivered = True
            except OSError as error:
                shown = _LoadedPage(0, "", (), f"The browser cannot reach the callback: {error}")
        return PlayResult(url, delivered, shown.status, shown.text, tuple(self._hops))

    async def _open(self, url: str, form: bytes) -> _LoadedPage:
        _require_loopback(url)
        parts = urlsplit(url)
        # Cookies ignore ports (RFC 6265 §8.5).
        jar = self._cookies.setdefault(parts.hostname or "", {})
        shown = await _request(url, form, "; ".join(f"{name}={value}" for name, value in jar.items()))
        for cookie in shown.cookies:
            pair, _, attributes = cookie.partition(";")
            name, _, value = pair.strip().partition("=")
            if "max-age=0" in attributes.lower():  # how the emulator deletes one
                jar.pop(name, None)
            else:
                jar[name] = value
        method = "POST" if form else "GET"
        self._hops.append(Hop(method, parts._replace(query="", fragment="").geturl(), shown.status))
        return shown


async def fetch_page(url: str) -> tuple[int, str]:
    """Return status and text of a page on loopback.

    Raises:
        ValueError: the URL leads elsewhere.
        OSError: the connection failed, took longer than five seconds, or the response is not HTTP.
    """
    _require_loopback(url)
    async with asyncio.timeout(5):
        shown = await _request(url, b"", "")
    return shown.status, shown.text


def _require_loopback(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "http" or (parts.hostname or "") not in LOOPBACK:
        raise ValueError("The simulated user opens only pages on loopback.")


async def _request(url: str, form: bytes, cookies: str) -> _LoadedPage:
    """Send one request and read the whole response.

    Raises:
        OSError: the connection failed, or the response is not HTTP.
    """
    parts = urlsplit(url)
    fields = [("Host", parts.netloc), *BROWSER_FIELDS]
    if cookies:
        fields.append(("Cookie", cookies))
    if form:
        fields += [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", str(len(form)))]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        for event in (
            h11.Request(method="POST" if form else "GET", target=target, headers=fields),
            h11.Data(data=form),
            h11.EndOfMessage(),
        ):
            writer.write(connection.send(event) or b"")
        await writer.drain()
        return await _read_page(connection, reader)
    except h11.RemoteProtocolError as error:
        raise OSError("the answer is not HTTP") from error
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _read_page(connection: h11.Connection, reader: asyncio.StreamReader) -> _LoadedPage:
    status, headers, body = 0, list[tuple[bytes, bytes]](), b""
    # A stream that never ends is cut: who plays a user does not wait for it.
    while len(body) < LONGEST_PAGE:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(LONGEST_HEAD))
        elif isinstance(event, h11.Response):
            status, headers = event.status_code, list(event.headers)
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            break
    cookies = tuple(value.decode("latin-1") for name, value in headers if name == b"set-cookie")
    location = dict(headers).get(b"location", b"").decode("latin-1") if 300 <= status < 400 else ""
    return _LoadedPage(status, location, cookies, body.decode("utf-8", "replace"))
