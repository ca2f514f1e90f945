"""Play the user at the browser over real HTTP: open the link, sign in or deny, follow the redirects."""

from __future__ import annotations

import asyncio
import re
from html import unescape
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
_MAIN: Final = re.compile(r"<main\b[^>]*>(.*?)(?:</main>|$)", re.DOTALL)
# The emulator's notice, and the maker of a page of authlens.
_ASIDE: Final = re.compile(r'<p class="(?:notice|name)">.*?</p>', re.DOTALL)
# Elements that do not start a line; all others part the text into blocks.
_INLINE: Final = re.compile(r"</?(?:a|b|code|em|i|span|strong)\b[^>]*>")
_ELEMENT: Final = re.compile(r"<[^>]*>")
_FORM: Final = re.compile(r"<form\b([^>]*)>")
_INPUT: Final = re.compile(r"<input\b([^>]*)>")
_ATTRIBUTE: Final = re.compile(r'([\w-]+)="([^"]*)"')


def _attributes(element: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in _ATTRIBUTE.findall(element)}


class Hop(Struct, frozen=True):
    """One request of the browser; the query is left out because it may hold a code."""

    method: str
    url: str
    status: int


class PlayResult(Unprinted, Struct, frozen=True):
    """The last page of a play, and the way to it.

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
        main = _MAIN.search(self.page)
        if main is None:
            return " ".join(self.page.split())
        blocks = _ELEMENT.split(_INLINE.sub("", _ASIDE.sub("<p>", main[1])))
        return " · ".join(filter(None, (" ".join(unescape(block).split()) for block in blocks)))


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
        page = LoadedPage(0, "", (), "")
        for _ in range(MOST_HOPS):
            page = await self._open(url, form)
            if page.location:
                url, form = urljoin(url, page.location), b""
                if self._is_callback(url):
                    return await self._finish(url, page, deliver=deliver)
                continue
            page_form = _FORM.search(page.text)
            # A form once filled in that leads to another page is the end: an error, or a refusal.
            if page_form is None or form:
                break
            url = urljoin(url, _attributes(page_form[1]).get("action", ""))
            inputs = map(_attributes, _INPUT.findall(page.text))
            hidden = {field["name"]: field["value"] for field in inputs if field.get("type") == "hidden"}
            form = urlencode({**hidden, "user": user, "choice": choice}).encode()
        return self._result(None, page, delivered=False)

    def _is_callback(self, url: str) -> bool:
        callback, here = urlsplit(self._callback), urlsplit(url)
        if not self._callback:  # a pushed request: the link does not name its redirect URI
            is_elsewhere = here.netloc != urlsplit(self._first).netloc
            return is_elsewhere and bool({"code", "error"} & parse_qs(here.query).keys())
        # Without the query: the answer is in it.
        return here._replace(query="", fragment="") == callback._replace(query="", fragment="")

    async def _finish(self, url: str, page: LoadedPage, *, deliver: bool) -> PlayResult:
        if not deliver:
            return self._result(url, page, delivered=False)
        try:
            page = await self._open(url, b"")
        except OSError as error:
            page = LoadedPage(0, "", (), f"The browser cannot reach the callback: {error}")
            return self._result(url, page, delivered=False)
        return self._result(url, await self._followed(url, page), delivered=True)

    def _result(self, url: str | None, page: LoadedPage, *, delivered: bool) -> PlayResult:
        return PlayResult(url, delivered, page.status, page.text, hops=tuple(self._hops))

    async def _followed(self, url: str, page: LoadedPage) -> LoadedPage:
        """Return the page that a redirect of the callback leads to; it may lead away from this machine."""
        for _ in range(MOST_HOPS):
            if not page.location:
                break
            url = urljoin(url, page.location)
            try:
                page = await self._open(url, b"")
            except (OSError, ValueError):
                break
        return page

    async def _open(self, url: str, form: bytes) -> LoadedPage:
        parts = urlsplit(url)
        # A client's own page leads to the link that names it.
        self._callback = parse_qs(parts.query).get("redirect_uri", [self._callback])[0]
        # Cookies ignore ports (RFC 6265 §8.5).
        jar = self._cookies.setdefault(parts.hostname or "", {})
        cookies = "; ".join(f"{name}={value}" for name, value in jar.items())
        fields = (*BROWSER_FIELDS, ("Cookie", cookies)) if cookies else BROWSER_FIELDS
        page = await request(url, form, fields=fields)
        for cookie in page.cookies:
            pair, _, attributes = cookie.partition(";")
            name, _, value = pair.strip().partition("=")
            jar[name] = value
            if "max-age=0" in attributes.lower():  # how the emulator deletes one
                del jar[name]
        method = "POST" if form else "GET"
        self._hops.append(Hop(method, parts._replace(query="", fragment="").geturl(), page.status))
        return page
