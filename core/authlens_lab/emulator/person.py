"""Play the user at the browser over real HTTP: open the link, sign in or deny, follow the redirects."""

from __future__ import annotations

import asyncio
from html.parser import HTMLParser
from typing import Final, Literal
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from msgspec import Struct

from authlens_core.values.secret import Unprinted
from authlens_lab.emulator.loopback_http import LoadedPage, request
from authlens_lab.emulator.profile import email_of

MOST_HOPS: Final = 12  # redirects and forms of one play
BROWSER_FIELDS: Final = (
    ("User-Agent", "Mozilla/5.0 (authlens demo user)"),
    ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ("Sec-Fetch-Mode", "navigate"),
)


class Hop(Struct, frozen=True):
    """One request of the browser; the query is left out because it may hold a code."""

    method: str
    url: str
    status: int


class PlayResult(Unprinted, Struct, frozen=True):
    """What the user saw.

    Attributes:
        callback_url: the redirect back to the client, with code or error; None if there was none.
        delivered: whether the listener at the callback answered.
        status: the status of the last page, 0 if there was none.
        hops: the requests, in order.
    """

    callback_url: str | None
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
        return " · ".join(filter(None, (" ".join(block.split()) for block in blocks)))


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
        return await Browser().play(authorization_url, email_of(user), choice, deliver=deliver)


class Browser:
    """Follow redirects by hand, and keep cookies by host whatever the port, like a browser."""

    def __init__(self) -> None:
        self._first = ""
        self._callback = ""
        self._cookies: dict[str, dict[str, str]] = {}
        self._hops: list[Hop] = []

    async def play(self, url: str, user: str, choice: str = "sign in", *, deliver: bool = True) -> PlayResult:
        """Open a URL, fill in the form that it leads to, and go on to the callback; see `play_person`."""
        self._first, self._callback, self._hops = url, "", []
        form = b""
        shown = LoadedPage(0, "", (), "")
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
            elsewhere = here.netloc != urlsplit(self._first).netloc
            return elsewhere and bool({"code", "error"} & parse_qs(here.query).keys())
        # Without the query: the answer is in it.
        return (here.scheme, here.netloc, here.path) == (there.scheme, there.netloc, there.path)

    async def _finish(self, url: str, shown: LoadedPage, *, deliver: bool) -> PlayResult:
        delivered = False
        if deliver:
            try:
                shown = await self._open(url, b"")
                delivered = True
                shown = await self._followed(url, shown)
            except OSError as error:
                shown = LoadedPage(0, "", (), f"The browser cannot reach the callback: {error}")
        return PlayResult(url, delivered, shown.status, shown.text, tuple(self._hops))

    async def _followed(self, url: str, shown: LoadedPage) -> LoadedPage:
        """Return the page that a redirect of the callback leads to; it may lead away from this machine."""
        for _ in range(MOST_HOPS):
            if not shown.location:
                break
            url = urljoin(url, shown.location)
            try:
                shown = await self._open(url, b"")
            except (OSError, ValueError):
                break
        return shown

    async def _open(self, url: str, form: bytes) -> LoadedPage:
        parts = urlsplit(url)
        # A client's own page leads to the link that names it.
        self._callback = parse_qs(parts.query).get("redirect_uri", [self._callback])[0]
        # Cookies ignore ports (RFC 6265 §8.5).
        jar = self._cookies.setdefault(parts.hostname or "", {})
        sent = "; ".join(f"{name}={value}" for name, value in jar.items())
        cookies = (("Cookie", sent),) if sent else ()
        shown = await request(url, form, fields=(*BROWSER_FIELDS, *cookies))
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
