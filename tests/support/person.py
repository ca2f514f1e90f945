"""The person at the browser: opens the link, signs in, says yes or no, and lands on the callback."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from support.waiting import PATIENCE

MAX_STEPS = 20
REFUSALS = ("deny", "cancel", "reject", "abort")


class Lost(Exception):
    """The person cannot get from the link to the callback; the message says where they stand."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the person saw at the end."""

    url: str
    status: int
    text: str


@dataclass(slots=True)
class Form:
    """One form of a page: where it goes, what it carries, and its submit buttons."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    to_fill: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    @property
    def has_choice(self) -> bool:
        return any(_refuses(button) for button in self.buttons)


class BelowLocalhost(httpx.AsyncHTTPTransport):
    """Leads names such as wiki.localhost to this machine, as browsers do (RFC 6761, section 6.3).

    The resolver of the system need not know them.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to localhost; its Host header still has the name."""
        here = httpx.Request(
            request.method,
            request.url.copy_with(host="localhost"),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return await super().handle_async_request(here)


class Person:
    """Plays the person, with cookies of their own. Use as an async context manager."""

    def __init__(self, login: str = "alice@example.com", password: str = "correct horse") -> None:
        """Name the person; the password is typed wherever one is asked for."""
        self.login = login
        self.password = password
        self._browser = httpx.AsyncClient(
            trust_env=False, timeout=PATIENCE, mounts={"all://*.localhost": BelowLocalhost(trust_env=False)}
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._browser.aclose()

    async def authorize(self, authorization_url: str, *, allow: bool = True) -> Page:
        """Go from the link to the callback and open it, as a browser would; return the page seen there."""
        callback = await self.callback_url(authorization_url, allow=allow)
        answer = await self._browser.get(callback)
        return Page(str(answer.url), answer.status_code, answer.text)

    async def callback_url(self, authorization_url: str, *, allow: bool = True) -> str:
        """Go from the link to the callback and stop before it; return its URL, code and all.

        Raises:
            Lost: when a page is an error, or has no form to go on with.
        """
        redirect_uri = parse_qs(urlsplit(authorization_url).query).get("redirect_uri", [None])[0]
        request = self._browser.build_request("GET", authorization_url)
        for _ in range(MAX_STEPS):
            answer = await self._browser.send(request)
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if _is_at(target, redirect_uri):
                    return target
                request = self._browser.build_request("GET", target)
            elif answer.is_success:
                request = self._submit(answer, allow=allow)
            else:
                raise Lost(f"{answer.status_code} at {answer.url}: {answer.text[:500]}")
        raise Lost(f"still on the way after {MAX_STEPS} steps, at {request.url}")

    async def enter_code(self, page: str, *, allow: bool = True) -> Page:
        """Open the page of a device login with its code, sign in and decide; return the last page."""
        request = self._browser.build_request("GET", page)
        for _ in range(MAX_STEPS):
            answer = await self._browser.send(request)
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                request = self._browser.build_request("GET", target)
            elif answer.is_success and "<form" in answer.text:
                request = self._submit(answer, allow=allow)
            else:
                return Page(str(answer.url), answer.status_code, answer.text)
        raise Lost(f"still on the way after {MAX_STEPS} steps, at {request.url}")

    def _submit(self, answer: httpx.Response, *, allow: bool) -> httpx.Request:
        reader = FormReader()
        reader.feed(answer.text)
        reader.close()
        if not reader.forms:
            raise Lost(f"no form at {answer.url}: {answer.text[:500]}")
        form = next((form for form in reader.forms if form.has_choice), reader.forms[0])
        data = dict(form.fields)
        for name, kind in form.to_fill.items():
            data[name] = self.password if kind == "password" else self.login
        wanted = [button for button in form.buttons if _refuses(button) != allow]
        if form.has_choice and not wanted:
            raise Lost(f"no button says {'yes' if allow else 'no'} at {answer.url}")
        if wanted and wanted[0][0]:
            data.update(wanted[:1])
        target = urljoin(str(answer.url), form.action)
        if form.method == "get":
            return self._browser.build_request("GET", target, params=data)
        return self._browser.build_request("POST", target, data=data)


class FormReader(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a form, or add a field or a button to the one that is open."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get").lower()))
            return
        if not self.forms:
            return
        name, value = values.get("name", ""), values.get("value", "")
        kind = values.get("type", "submit" if tag == "button" else "text").lower()
        if tag == "button" or (tag == "input" and kind == "submit"):
            if kind == "submit":
                self.forms[-1].buttons.append((name, value))
        elif tag == "input" and name and kind in ("checkbox", "radio"):
            if "checked" in values:
                self.forms[-1].fields[name] = value or "on"
        elif tag == "input" and name:
            self.forms[-1].fields[name] = value
            if not value and kind != "hidden":
                self.forms[-1].to_fill[name] = kind


def _refuses(button: tuple[str, str]) -> bool:
    return any(word in part.lower() for part in button for word in REFUSALS)


def _is_at(url: str, redirect_uri: str | None) -> bool:
    """Tell whether a URL is the redirect URI with a query of its own.

    A pushed request (RFC 9126) names none in the link: then it is the loopback address that gets an answer.
    """
    here = urlsplit(url)
    if redirect_uri is None:
        answered = parse_qs(here.query).keys() & {"code", "error"}
        return here.path == "/callback" and here.hostname in {"localhost", "127.0.0.1"} and bool(answered)
    there = urlsplit(redirect_uri)
    return (here.scheme, here.netloc, here.path) == (there.scheme, there.netloc, there.path)
