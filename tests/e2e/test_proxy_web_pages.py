"""Web pages in a real browser at the port of `authlens proxy`: those of others, and the resource's own.

The attacker knows the whole URL, secret path included. Nothing of it reaches the resource. The resource's
own pages work, with their forms, cookies and WebSockets.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from authlens_core.gateway.server import GatewayServer, loopback_socket
from support.chromium import (
    ELEMENTS,
    FETCHES,
    REBOUND,
    Browser,
    ask,
    at_evil,
    page_with,
    visit,
)
from support.hostile_server import answer, hostile_server
from support.served_proxy import served_proxy

pytestmark = pytest.mark.e2e
SETTLED = "return new Promise(r => setTimeout(r, 300))"
WORKER = "self.addEventListener('fetch', e => e.respondWith(new Response('from the worker of A')))"
REGISTER = "navigator.serviceWorker.register('worker.js', {scope: '/'}).then(() => 'registered')"


@dataclass
class Site:
    """A resource with pages, and what it was asked.

    Attributes:
        name: what its page says.
        fields: header fields of its page.
        extra: HTML in its page.
    """

    name: str = "A"
    url: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    extra: str = ""
    seen: list[Request] = field(default_factory=list)
    echoes: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def paths(self) -> list[str]:
        return [one.url.path for one in self.seen if one.url.path != "/favicon.ico"]

    async def page(self, request: Request) -> Response:
        self.seen.append(request)
        html = f"<!doctype html><title>site</title><body>site {self.name}{self.extra}"
        return HTMLResponse(html, headers=self.fields)

    async def worker(self, request: Request) -> Response:
        self.seen.append(request)
        return Response(WORKER, media_type="text/javascript", headers={"Service-Worker-Allowed": "/"})

    async def posted(self, request: Request) -> Response:
        self.seen.append(request)
        fields = await request.body()
        return PlainTextResponse(f"posted {fields.decode()} from {request.headers.get('origin')}")

    async def sign_in(self, request: Request) -> Response:
        self.seen.append(request)
        found = RedirectResponse("/inside", 302)
        found.set_cookie("session", "of-the-site", httponly=True, secure=True, domain="127.0.0.1")
        found.set_cookie("xsrf", "token", samesite="none", secure=True)
        found.set_cookie("__Host-bound", "to-one-host", secure=True)
        return found

    async def inside(self, request: Request) -> Response:
        self.seen.append(request)
        return HTMLResponse(f"<body>cookies: {request.headers.get('cookie', 'none')}")

    def upgrade(self, **_: object) -> asyncio.Protocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), self._switch)

    async def _switch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.echoes.set()
        writer.close()


@asynccontextmanager
async def site(name: str = "A", **given: object) -> AsyncIterator[Site]:
    """Serve one."""
    made = Site(name, **given)  # type: ignore[arg-type] # they are its own fields
    app = Starlette(
        routes=[
            Route("/worker.js", made.worker),
            Route("/posted", made.posted, methods=["POST"]),
            Route("/sign-in", made.sign_in),
            Route("/inside", made.inside),
            Route("/{rest:path}", made.page, methods=["GET", "POST", "PUT", "OPTIONS"]),
        ]
    )
    with loopback_socket(0) as listener:
        made.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = GatewayServer(app)
        server.config.http = "h11"
        server.config.ws = cast("type[asyncio.Protocol]", made.upgrade)
        serving = asyncio.create_task(server.serve_until_cancelled(listener))
        try:
            yield made
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving


HONEST = answer("200 OK", "Content-Type: text/html", body=b"<!doctype html><body>An honest page")


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1"])
@pytest.mark.parametrize("way", FETCHES)
async def test_a_script_of_another_site_or_port_reaches_nothing(
    attacked: Browser, way: str, name: str
) -> None:
    """H375: another port of this machine is the same site, and another origin."""
    async with site() as resource, served_proxy(resource.url) as proxy, hostile_server(*HONEST) as attacker:
        await visit(attacked, attacker.url.replace("127.0.0.1", name))
        learned = await ask(attacked, FETCHES[way], f"{proxy.base}/a")
        assert learned in {"refused", "read:"}
        assert resource.paths == []
        assert not resource.echoes.is_set()


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1"])
@pytest.mark.parametrize("element", ELEMENTS)
async def test_a_page_of_another_site_or_port_leads_no_one_in(
    attacked: Browser, element: str, name: str
) -> None:
    """H375: a frame, a form, a link: the browser itself would go there, with the credential behind it."""
    async with site() as resource, served_proxy(resource.url) as proxy:
        page = answer("200 OK", "Content-Type: text/html", body=page_with(element, f"{proxy.base}/a"))
        async with hostile_server(*page) as attacker:
            await visit(attacked, attacker.url.replace("127.0.0.1", name))
            await asyncio.to_thread(attacked.script, SETTLED)
        assert resource.paths == []


async def test_a_name_that_is_rebound_to_this_machine_reaches_nothing(attacked: Browser) -> None:
    """H375: the page is of the same origin as the port then, and sends its own name as the host."""
    async with site() as resource, served_proxy(resource.url) as proxy:
        await visit(attacked, proxy.base.replace("127.0.0.1", REBOUND) + "/a")
        assert "wrong_host" in await asyncio.to_thread(attacked.text)
        learned = await ask(attacked, "fetch('/secret-path/a')", "")
        assert "wrong_host" in learned
        assert resource.paths == []


async def test_the_pages_of_the_resource_work(attacked: Browser) -> None:
    """H376: typed into the address bar; scripts, a form and a WebSocket of its own."""
    form = '<form method="post" action="posted"><input name="a" value="b"></form>'
    policies = {"Referrer-Policy": "unsafe-url", "Strict-Transport-Security": "max-age=99"}
    async with site(extra=form, fields=policies) as resource, served_proxy(resource.url) as proxy:
        await visit(attacked, f"{proxy.base}/a")
        assert "site A" in await asyncio.to_thread(attacked.text)
        assert "read: <!doctype html>" in await ask(attacked, "fetch(url)", "b")
        await ask(attacked, FETCHES["websocket"], f"{proxy.base}/socket")
        assert resource.echoes.is_set()
        await asyncio.to_thread(attacked.script, "document.forms[0].submit()")
        shown = await asyncio.to_thread(attacked.wait_for_text, "posted")
        assert shown == f"posted a=b from {resource.url}"


async def test_a_form_of_a_page_that_tells_no_one_its_address_is_sent(attacked: Browser) -> None:
    """H375: a browser sends `Origin: null` with it, as it does for a page of another site."""
    form = '<meta name="referrer" content="no-referrer"><form method="post" action="posted"></form>'
    async with site(extra=form) as resource, served_proxy(resource.url) as proxy:
        await visit(attacked, f"{proxy.base}/a")
        await asyncio.to_thread(attacked.script, "document.forms[0].submit()")
        assert await asyncio.to_thread(attacked.wait_for_text, "posted") == "posted  from null"


async def test_the_secret_path_reaches_no_other_site(attacked: Browser) -> None:
    """H376: neither by a picture nor by a link, whatever the resource wants its pages to tell."""
    async with hostile_server(*HONEST) as elsewhere:
        picture = f'<img src="{at_evil(elsewhere.url)}"><a href="{at_evil(elsewhere.url)}">go</a>'
        fields = {"Referrer-Policy": "unsafe-url"}
        async with site(extra=picture, fields=fields) as resource, served_proxy(resource.url) as proxy:
            await visit(attacked, f"{proxy.base}/a")
            await asyncio.to_thread(attacked.find("a").click)
            await asyncio.to_thread(attacked.wait_for_text, "An honest page")
            assert "evil.example" in await asyncio.to_thread(attacked.url)
            assert resource.paths == ["/a"]
        assert elsewhere.requests
        told = [one for one in elsewhere.requests if b"secret-path" in one or b"Referer: http://127" in one]
        assert told == []


async def test_a_service_worker_does_not_outlive_its_resource(attacked: Browser) -> None:
    """H377: two resources one after the other on one port; the worker of the first would serve the second."""
    async with site("A") as resource, served_proxy(resource.url) as proxy:
        await visit(attacked, f"{proxy.base}/a")
        learned = await ask(attacked, f"{REGISTER}.then(t => ({{text: () => t}}))", "")
        assert learned == "refused"
        assert "/worker.js" not in resource.paths
        port = proxy.port
    async with site("B") as other, served_proxy(other.url, port=port, path="/another-path") as proxy:
        await visit(attacked, f"{proxy.base}/b")
        assert "site B" in await asyncio.to_thread(attacked.text)
        assert "/b" in other.paths


async def test_cookies_of_other_programs_stay_away_and_the_resources_own_come_back(attacked: Browser) -> None:
    """H378: a browser sends the cookies of 127.0.0.1 to every port of it."""
    planted = answer(
        "200 OK",
        *("Content-Type: text/html", "Set-Cookie: other=of-another-program; Path=/"),
        *("Set-Cookie: session=planted; Path=/",),
        body=b"another program",
    )
    async with site() as resource, served_proxy(resource.url) as proxy, hostile_server(*planted) as other:
        await visit(attacked, other.url)
        await visit(attacked, f"{proxy.base}/sign-in")
        shown = await asyncio.to_thread(attacked.wait_for_text, "cookies: ")
        back = {"session=of-the-site", "xsrf=token", "__Host-bound=to-one-host"}
        assert set(shown.removeprefix("cookies: ").split("; ")) == back
        readable = await asyncio.to_thread(attacked.script, "return document.cookie")
        assert "xsrf=token" in readable, "scripts of the resource send it back as a header field"
        await visit(attacked, other.url)
        assert b"of-the-site" not in other.requests[-1]
