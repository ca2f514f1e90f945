"""The proxy between a client that knows no login and a resource that wants one, and its rules."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.request_credential import RequestCredential, asks_for_a_token
from authlens_core.gateway.forwarding import Mapping
from authlens_core.gateway.reverse_proxy import Counters, ReverseProxy
from authlens_core.gateway.server import GatewayServer, loopback_socket
from authlens_core.values.errors import AuthlensError
from authlens_core.values.url import parse_url
from core.gateway.upstream import Upstream, upstream
from support.waiting import PATIENCE

from .conftest import LoggedIn

SECRET = "/secret-path"


@dataclass(frozen=True)
class Running:
    """A proxy, a client of it, and the resource behind it."""

    base: str
    client: httpx.AsyncClient
    resource: Upstream
    counters: Counters
    at: LoggedIn

    @property
    def netloc(self) -> str:
        """Host and port of the proxy."""
        return urlsplit(self.base).netloc


@asynccontextmanager
async def serving(at: LoggedIn, path: str = "") -> AsyncIterator[Running]:
    """Run a proxy to a resource that lets the server's access tokens in."""
    async with upstream(lambda: at.server.access_tokens) as resource:
        grant = at.credentials.list()[0]
        url = resource.url + path
        _, secrets = await at.credentials.load(grant.grant_id)
        await at.credentials.save(replace(grant, resource_url=url, resource=url), secrets)
        credential = RequestCredential(at.credentials, at.wire, url)
        await credential.fields()
        with loopback_socket(0) as listener:
            local = f"http://127.0.0.1:{listener.getsockname()[1]}"
            counters = Counters()
            mapping = Mapping(parse_url(url, loopback_http=True), local, SECRET)
            app = ReverseProxy(at.wire, credential, mapping, counters)
            server = asyncio.create_task(GatewayServer(app).serve_until_cancelled(listener))
            async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
                yield Running(local + SECRET, client, resource, counters, at)
            server.cancel()
            with suppress(asyncio.CancelledError):
                await server


@pytest.fixture
async def proxy(logged_in: LoggedIn) -> AsyncIterator[Running]:
    """A proxy to a whole origin."""
    async with serving(logged_in) as running:
        yield running


async def test_the_credential_is_added_and_the_clients_own_is_not_passed_on(proxy: Running) -> None:
    """Everything else arrives as it was sent, a query that no strict parser takes included."""
    answer = await proxy.client.request(
        "PUT",
        f"{proxy.base}/a%2Fb?x[]=1",
        headers={"Authorization": "Bearer guessed", "CF-Access-Token": "x", "X-Other": "kept"},
        content=b"body",
    )
    facts = answer.json()
    fields = dict(facts["headers"])
    assert (facts["method"], facts["path"], facts["query"]) == ("PUT", "/a%2Fb", "x[]=1")
    assert (fields["authorization"], fields["x-other"]) == ("Bearer access-canary-0", "kept")
    assert fields["host"] == urlsplit(proxy.resource.url).netloc
    assert "cf-access-token" not in fields
    assert facts["body"] == "body"


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/echo", {"Host": "evil.example"}, 421, "wrong_host"),
        ("/echo", {"Host": "localhost"}, 421, "wrong_host"),
        ("/echo", {"Origin": "https://evil.example"}, 403, "wrong_origin"),
        ("/echo", {"Origin": "null"}, 403, "wrong_origin"),
        ("/.well-known/oauth-protected-resource", {}, 404, "not_found"),
        ("/.well-known/oauth-protected-resource/mcp", {}, 404, "not_found"),
        ("/.well-known/oauth-authorization-server", {}, 404, "not_found"),
        ("/.well-known%2Foauth-authorization-server", {}, 404, "not_found"),
        ("/mcp/.well-known/openid-configuration", {}, 404, "not_found"),
        ("/.well-known/cloudflare-access-protected-resource/mcp", {}, 404, "not_found"),
        ("/cdn-cgi/access/logout", {}, 404, "not_found"),
    ],
)
async def test_what_is_not_let_in(
    path: str, headers: dict[str, str], status: int, code: str, proxy: Running
) -> None:
    """A rebound name, a web page, the discovery of OAuth, the end of the session."""
    answer = await proxy.client.get(proxy.base + path, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert proxy.resource.seen == []


@pytest.mark.parametrize(
    "path", ["/", "/echo", "/secret-pathX/echo", "/.well-known/oauth-protected-resource"]
)
async def test_nothing_is_served_without_the_secret_path(path: str, proxy: Running) -> None:
    """Another account of this machine can reach the port, and not the path."""
    answer = await proxy.client.get(proxy.base.removesuffix(SECRET) + path)
    assert answer.status_code == 404
    assert proxy.resource.seen == []


async def test_a_401_is_one_refresh_and_one_retry_and_the_client_sees_none_of_it(proxy: Running) -> None:
    """The token ends before its time; a body that was sent already is sent again."""
    proxy.at.server.access_tokens.clear()
    answers = await asyncio.gather(
        *(proxy.client.post(f"{proxy.base}/echo", content=b"again") for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["body"] for answer in answers} == {"again"}
    assert len(proxy.at.server.posts("/token")) == 1


async def test_a_resource_that_refuses_the_new_token_too_is_not_a_challenge_for_the_client(
    proxy: Running,
) -> None:
    """A client that saw a 401 would begin a login of its own."""
    proxy.resource.valid = set
    for _ in range(3):
        answer = await proxy.client.get(f"{proxy.base}/echo")
        assert (answer.status_code, answer.json()["error"]) == (502, "refused")
        assert "www-authenticate" not in answer.headers
    assert len(proxy.at.server.posts("/token")) == 1
    assert proxy.counters.errors == 3


async def test_a_401_of_the_application_itself_passes_without_its_challenge(proxy: Running) -> None:
    """It asks for another credential than ours: nothing is refreshed."""
    answer = await proxy.client.get(f"{proxy.base}/basic")
    assert (answer.status_code, answer.text) == (401, "for the application itself")
    assert "www-authenticate" not in answer.headers
    assert proxy.at.server.posts("/token") == []


async def test_a_login_that_is_needed_names_the_command(proxy: Running) -> None:
    """The refresh token is dead as well."""
    proxy.at.server.access_tokens.clear()
    proxy.at.server.dead = True
    answer = await proxy.client.get(f"{proxy.base}/echo")
    facts = answer.json()
    assert (answer.status_code, facts["error"], facts["exit_code"]) == (503, "login_needed", 4)
    assert facts["command"] == f"authlens login {proxy.resource.url}"


async def test_redirects_stay_here_or_are_refused(proxy: Running) -> None:
    """The credential goes to one origin; a login page is a login that is needed."""
    for target in ("/echo?x=1", f"{proxy.resource.url}/echo?x=1"):
        answer = await proxy.client.get(f"{proxy.base}/redirect", params={"to": target})
        assert answer.headers["location"] == f"{proxy.base}/echo?x=1"
    for target in ("https://evil.example/x", "//evil.example/x", "http://127.0.0.1:1/"):
        answer = await proxy.client.get(f"{proxy.base}/redirect", params={"to": target})
        assert (answer.status_code, answer.json()["error"]) == (502, "bad_answer")
        assert "location" not in answer.headers
    to_login = {"to": "https://team.example/cdn-cgi/access/login/wiki"}
    answer = await proxy.client.get(f"{proxy.base}/redirect", params=to_login)
    assert (answer.status_code, answer.json()["error"]) == (503, "login_needed")


async def test_the_session_cookie_of_access_stays_behind_and_others_are_for_this_proxy(
    proxy: Running,
) -> None:
    """A cookie on 127.0.0.1 would go to every other program that listens there."""
    answer = await proxy.client.get(f"{proxy.base}/cookies")
    assert answer.headers.get_list("set-cookie") == [
        f"theme=dark; HttpOnly; Path={SECRET}/a; SameSite=Strict"
    ]
    assert "strict-transport-security" not in answer.headers


async def test_events_arrive_as_they_are_sent_and_a_client_that_leaves_ends_the_stream(
    proxy: Running,
) -> None:
    """Nothing is held back until the answer is complete, which it never is."""
    async with proxy.client.stream("GET", f"{proxy.base}/events") as answer:
        chunks = answer.aiter_text()
        assert await anext(chunks) == "data: first\n\n"
        proxy.resource.more.set()
        assert await anext(chunks) == "data: second\n\n"
    await asyncio.wait_for(proxy.resource.left.wait(), 30)


async def test_an_answer_that_breaks_off_is_one_error_and_cut_for_the_client_too(proxy: Running) -> None:
    """Nothing of the proxy's own follows the part that was passed on."""
    with pytest.raises(httpx.RemoteProtocolError):
        await proxy.client.get(f"{proxy.base}/cut")
    assert proxy.counters.errors == 1


async def test_large_bodies_pass_both_ways_whole(proxy: Running) -> None:
    """With a length and chunked; what is sent twice is only what is small."""
    data = os.urandom(8_000_000)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 100_000):
            yield data[start : start + 100_000]

    for content in (data, chunks()):
        answer = await proxy.client.post(f"{proxy.base}/upload", content=content)
        assert answer.json() == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    answer = await proxy.client.get(f"{proxy.base}/big", params={"size": 8_000_001})
    assert len(answer.content) == 8_000_001


async def test_a_streamed_upload_with_a_dead_token_is_not_sent_twice(proxy: Running) -> None:
    """Its body is gone; the client is asked to send it again, and then it works."""
    proxy.at.server.access_tokens.clear()
    data = b"x" * 1_000_000
    answer = await proxy.client.post(f"{proxy.base}/upload", content=data)
    assert (answer.status_code, answer.json()["error"]) == (503, "send_again")
    answer = await proxy.client.post(f"{proxy.base}/upload", content=data)
    assert answer.json()["size"] == len(data)


async def upgraded(
    proxy: Running, path: str = SECRET, target: str = "/ws", **fields: str
) -> tuple[bytes, bytes]:
    """Ask for a WebSocket, send a few bytes, and return the head and what came back."""
    host, _, port = proxy.netloc.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    given = {"Host": proxy.netloc, "Connection": "Upgrade", "Upgrade": "websocket", **fields}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    writer.write(f"GET {path}{target} HTTP/1.1\r\n{lines}\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    if b" 101 " not in head:
        body = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        return head, body
    writer.write(b"\x81\x03abc")
    back = await asyncio.wait_for(reader.readexactly(len(b"early\x81\x03abc")), 30)
    writer.close()
    await asyncio.wait_for(proxy.resource.left.wait(), 30)
    return head, back


async def test_websocket_frames_pass_untouched_and_the_end_of_one_side_ends_the_other(
    proxy: Running,
) -> None:
    """What the server sent together with its 101 is not lost."""
    head, back = await upgraded(proxy)
    assert b"Sec-WebSocket-Accept: as-asked" in head
    assert back == b"early\x81\x03abc"


async def test_a_websocket_with_a_dead_token_is_one_refresh_and_one_retry(proxy: Running) -> None:
    proxy.at.server.access_tokens.clear()
    head, _ = await upgraded(proxy)
    assert head.startswith(b"HTTP/1.1 101 ")
    assert len(proxy.at.server.posts("/token")) == 1


async def test_an_upgrade_whose_refusal_breaks_off_does_not_end_like_a_whole_answer(proxy: Running) -> None:
    """It is shorter than its length says, and nothing of the proxy's own follows."""
    head, body = await upgraded(proxy, target="/cut")
    assert b"content-length: 100" in head.lower()
    assert body == b"begun"
    assert proxy.counters.errors == 1


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [("", {}, 404), (SECRET, {"Origin": "https://evil.example"}, 403), (SECRET, {"Host": "evil"}, 421)],
)
async def test_a_websocket_is_let_in_by_the_same_rules(
    path: str, fields: dict[str, str], status: int, proxy: Running
) -> None:
    """Browsers send WebSocket requests to any address, with an Origin."""
    head, body = await upgraded(proxy, path, **fields)
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert "error" in json.loads(body)


async def test_an_upgrade_with_a_head_over_the_limit_is_refused_with_the_reason(proxy: Running) -> None:
    """The client gets an answer, and the resource is not asked."""
    head, body = await upgraded(proxy, **{"X-Long": "x" * 64 * 1024})
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body)["error"] == "header_too_large"
    assert proxy.resource.seen == []


async def test_a_credential_for_a_path_is_for_nothing_beside_it(logged_in: LoggedIn) -> None:
    """The grant is for /mcp; dot segments and escapes do not lead out of it."""
    async with serving(logged_in, "/mcp") as running:
        for path in ("/mcp", "/mcp/x"):
            assert (await running.client.get(running.base + path)).status_code == 200
        for path in ("/", "/mcpx", "/mcp/%2e%2e/admin", "/mcp%2Fx"):
            answer = await running.client.get(running.base + path)
            assert (answer.status_code, answer.json()["error"]) == (403, "not_covered"), path


async def test_a_resource_that_is_gone_is_an_answer_and_no_hang(proxy: Running) -> None:
    """What went wrong is named; the address of the token is not."""
    proxy.resource.url = ""
    dead = Mapping(parse_url("http://127.0.0.1:1", loopback_http=True), "http://127.0.0.1:0", "")
    app = ReverseProxy(
        proxy.at.wire,
        RequestCredential(proxy.at.credentials, proxy.at.wire, proxy.at.credentials.list()[0].resource_url),
        dead,
        Counters(),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:0") as client:
        answer = await client.get("/x")
    assert (answer.status_code, answer.json()["error"]) == (502, "network")


async def test_a_refusal_answers_a_request_of_json_rpc_in_json_rpc(proxy: Running) -> None:
    """Clients of MCP drop the body of any other status than 200, and with it the command."""
    proxy.at.server.dead = True
    proxy.at.server.access_tokens.clear()
    call = {"jsonrpc": "2.0", "id": "a", "method": "tools/list"}
    answer = await proxy.client.post(f"{proxy.base}/echo", json=call)
    body = answer.json()
    assert (answer.status_code, body["id"], body["error"]["code"]) == (200, "a", -32064)
    assert body["error"]["data"]["command"] in body["error"]["message"]
    for other in ({"jsonrpc": "2.0", "method": "notifications/x"}, {"id": 1}, [call]):
        answer = await proxy.client.post(f"{proxy.base}/echo", json=other)
        assert (answer.status_code, answer.json()["error"]) == (503, "login_needed")


MAPPING = Mapping(parse_url("https://app.example/"), "http://127.0.0.1:8080", "/s3cret")


@pytest.mark.parametrize(
    ("lines", "asks"),
    [
        ([], True),
        (["Bearer"], True),
        (['DPoP error="use_dpop_nonce"'], True),
        (["Cloudflare-Access"], True),
        (['Basic realm="app"'], False),
        (['Basic realm="app", Bearer error="invalid_token"'], True),
        (['Basic realm="app"', "Bearer"], True),
        ([""], True),
        ([" , "], True),
    ],
)
def test_a_401_is_about_the_token_unless_all_its_challenges_are_of_another_kind(
    lines: list[str], *, asks: bool
) -> None:
    """An empty field, or one line with several challenges, is allowed (RFC 9110 §11.6.1)."""
    fields = [(b"WWW-Authenticate", line.encode()) for line in lines]
    assert asks_for_a_token(401, fields) is asks


def test_another_status_is_not_about_the_token() -> None:
    assert not asks_for_a_token(403, [(b"WWW-Authenticate", b"Bearer")])


@pytest.mark.parametrize(
    ("location", "here"),
    [
        ("/next?x=1", "http://127.0.0.1:8080/s3cret/next?x=1"),
        ("https://app.example/next#part", "http://127.0.0.1:8080/s3cret/next#part"),
        ("//app.example/next", "http://127.0.0.1:8080/s3cret/next"),
        ("next", "next"),
        ("../next", "../next"),
        ("?page=2", "?page=2"),
        ("#part", "#part"),
        ("", ""),
    ],
)
def test_a_relative_location_stays_relative_to_the_request(location: str, here: str) -> None:
    """RFC 9110 §10.2.2: the client resolves it against the address that it asked, which is here."""
    assert MAPPING.to_local(location) == here


@pytest.mark.parametrize(
    "location", ["https://other.example/", "//other.example/", "\\\\other.example/", "javascript:x"]
)
def test_a_location_elsewhere_is_not_followed(location: str) -> None:
    with pytest.raises(AuthlensError):
        MAPPING.to_local(location)
