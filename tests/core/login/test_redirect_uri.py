"""A redirect URI that the user gives whole: the listener has exactly that address, or the user pastes."""

import asyncio
import socket
from urllib.parse import parse_qs, urlsplit

import pytest

from authlens_core.login.callback.binding import free_port
from authlens_core.login.login import Login
from authlens_core.login.registered_clients import MemoryClientRegistry
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.login_options import Options, with_remembered
from authlens_core.values.secret import Secret
from authlens_core.values.url import parse_url
from support.driven_login import client_of, failed, login_to, record_of, run_to, until
from support.scripted_login import ISSUER, ScriptedSender, honest

REGISTER = f"POST {ISSUER}/register"


async def _get(uri: str, query: str) -> bytes:
    url = parse_url(uri, loopback_http=True)
    reader, writer = await asyncio.open_connection(*url.address)
    writer.write(f"GET {url.path or '/'}?{query} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def _at_the_browser(login: Login) -> tuple[asyncio.Task[StageRecord], dict[str, str]]:
    """Return the stage that waits, and the parameters of its link."""
    events: list[Event] = []
    login.watch(events.append)
    await run_to(login, Stage.AUTHORIZATION)
    running = asyncio.create_task(login.step())
    await until(lambda: login.wait.waiting)
    [ready] = [event for event in events if isinstance(event, AuthorizationReady)]
    return running, {name: values[0] for name, values in parse_qs(urlsplit(ready.url).query).items()}


@pytest.mark.parametrize("path", ["/cb", "/oauth/callback", "/", ""])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "127.0.0.2"])
async def test_the_listener_has_exactly_this_host_port_and_path(host: str, path: str) -> None:
    uri = f"http://{host}:{free_port(host)}{path}"
    sender = ScriptedSender(honest())
    async with login_to(sender, Options(redirect_uri=uri, wait=60)) as login:
        running, link = await _at_the_browser(login)
        assert link["redirect_uri"] == uri
        assert b" 404 " in await _get(uri.removesuffix(path) + "/callback", "code=c")
        assert b" 200 " in await _get(uri, f"code=code-canary-1&state={link['state']}")
        assert (await running).outcome is Outcome.PASSED
    [registration] = [sent.document for sent in sender.sent if sent.line == REGISTER]
    assert registration["redirect_uris"] == [uri]


async def test_an_https_address_is_registered_and_its_answer_is_pasted() -> None:
    uri = "https://dev.example/oauth/callback"
    async with login_to(ScriptedSender(honest()), Options(redirect_uri=uri, wait=60)) as login:
        running, link = await _at_the_browser(login)
        assert login.wait.listener is None
        registration = record_of(login.trace, Stage.REGISTRATION)
        assert any(uri in check.seen for check in registration.checks if check.name.endswith("redirect_uri"))
        login.paste(Secret(f"{uri}?code=code-canary-1&state={link['state']}"))
        assert (await running).outcome is Outcome.PASSED


async def test_the_given_redirect_uri_is_sent_letter_for_letter() -> None:
    """A server compares it so, though Localhost and localhost are one host."""
    port = free_port("localhost")
    async with login_to(ScriptedSender(honest()), Options(redirect_uri=f"http://Localhost:{port}")) as login:
        _, link = await _at_the_browser(login)
        assert link["redirect_uri"] == f"http://Localhost:{port}"
        assert b" 200 " in await _get(f"http://localhost:{port}", f"code=c&state={link['state']}")


async def test_a_client_is_known_only_for_the_redirect_uri_it_was_registered_for() -> None:
    first, second = (f"http://localhost:{free_port('localhost')}/{path}" for path in "ab")
    registry, registered = MemoryClientRegistry(), []
    for uri in (first, second, first):
        sender = ScriptedSender(honest())
        async with login_to(sender, Options(redirect_uri=uri, wait=60), registry=registry) as login:
            await run_to(login, Stage.PKCE)
            assert client_of(login.facts).redirect_uri == uri
        registered += [sent.document["redirect_uris"] for sent in sender.sent if sent.line == REGISTER]
    assert registered == [[first], [second]]


@pytest.mark.parametrize("listen", [True, False])
async def test_a_taken_port_is_not_replaced_but_said(*, listen: bool) -> None:
    """The server has this redirect URI and no other; its way on is the same one with a free port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = Options(redirect_uri=f"http://127.0.0.1:{port}/cb", listen=listen)
        async with login_to(ScriptedSender(honest()), options) as login:
            await run_to(login, Stage.REGISTRATION)
            assert failed(await login.step()) == "registration.port"
            other = login.wait.another_port(options)
            assert other is not None
            assert (other.redirect_uri or "").startswith("http://127.0.0.1:")
            assert (other.redirect_uri or "").endswith("/cb")
            login.use(other)
            assert (await login.step()).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "uri", ["http://dev.example/cb", "https://dev.example/cb?x=1", "https://dev.example/cb#", "urn:x"]
)
async def test_one_that_cannot_be_used_is_refused_with_what_can(uri: str) -> None:
    async with login_to(ScriptedSender(honest()), Options(redirect_uri=uri)) as login:
        await run_to(login, Stage.REGISTRATION)
        record = await login.step()
        assert failed(record) == "registration.listener"
        assert "--redirect-uri" in str(record.failures[0].cure)


def test_the_choice_of_a_part_gives_up_the_whole() -> None:
    options = Options(redirect_uri="http://localhost:9/cb").choosing(port=8401)
    assert (options.redirect_uri, options.port) == (None, 8401)
    assert options.choosing(redirect_uri="http://[::1]:9/").redirect_uri == "http://[::1]:9/"


def test_one_that_is_remembered_gives_way_to_a_port_that_is_typed() -> None:
    stored = (("redirect_uri", "http://localhost:9/cb"),)
    assert with_remembered(Options(), stored).redirect_uri == "http://localhost:9/cb"
    assert with_remembered(Options(port=8401), stored) == Options(port=8401)
