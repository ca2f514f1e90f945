"""The bridge and servers that misbehave: each request is answered once, and nothing hangs."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from socket import socket
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from authlens_core.credentials.lifecycle.request_credential import RequestCredential
from authlens_core.gateway.mcp_bridge import McpBridge
from authlens_core.gateway.mcp_http import McpHttp
from authlens_core.gateway.server import GatewayServer, loopback_socket
from support.waiting import PATIENCE

from .conftest import LoggedIn

Answer = Callable[[Request, dict[str, Any]], Awaitable[Response]]
INITIALIZE = {"id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
INITIALIZED = {"method": "notifications/initialized"}
PING = {"id": 1, "method": "ping"}
RESTART: dict[str, Any] = {}
"""Not sent: here the server restarts, once it has answered `PING`."""


@dataclass
class Server:
    """An MCP endpoint whose answers a test scripts, and what it was asked."""

    answer: Answer
    seen: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the script."""
        request = Request(scope, receive)
        body = await request.body()
        message = json.loads(body) if body else {}
        self.seen.append((request.method, dict(request.headers), message))
        await (await self.answer(request, message))(scope, receive, send)


async def at_once(_: float) -> None:
    """Let a pause pass: the clock is the test's."""
    await asyncio.sleep(0)


async def bridged(at: LoggedIn, answer: Answer, *messages: dict[str, Any]) -> tuple[Server, list[Any]]:
    """Send messages through a bridge to a server; return the server and what came back."""
    server, lines, answered = Server(answer), [], {0: asyncio.Event(), 1: asyncio.Event()}
    serving: list[asyncio.Task[None]] = []

    async def write(line: bytes) -> None:
        lines.append(json.loads(line))
        if lines[-1].get("id") in answered:
            answered[lines[-1]["id"]].set()

    async def given() -> AsyncIterator[bytearray]:
        for message in messages:
            if message is RESTART:
                await answered[1].wait()
                await stop()
                start(loopback_socket(port))
                continue
            yield bytearray(json.dumps({"jsonrpc": "2.0", **message}).encode())
            if message is INITIALIZE:  # no client goes on before it has its answer
                await answered[0].wait()

    def start(listener: socket) -> None:
        serving.append(asyncio.create_task(GatewayServer(server.app).serve_until_cancelled(listener)))

    async def stop() -> None:
        serving[-1].cancel()
        with suppress(asyncio.CancelledError):
            await serving[-1]

    with loopback_socket(0) as listener:
        port = listener.getsockname()[1]
        url = f"http://127.0.0.1:{port}/mcp"
        grant = at.credentials.list()[0]
        _, secrets = await at.credentials.load(grant.grant_id)
        await at.credentials.save(replace(grant, resource_url=url, resource=url), secrets)
        start(listener)
        http = McpHttp(at.wire, RequestCredential(at.credentials, at.wire, url))
        try:
            async with asyncio.timeout(PATIENCE):
                await McpBridge(http, write, lambda _: None, sleep=at_once).run(given())
        finally:
            await stop()
    return server, lines


def result(message: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the response to a request."""
    return {"jsonrpc": "2.0", "id": message["id"], "result": fields}


def events(*texts: str) -> Response:
    """Return a stream of events that ends."""

    async def body() -> AsyncIterator[str]:
        for text in texts:
            yield f"{text}\n\n"

    return StreamingResponse(body(), media_type="text/event-stream")


def scripted(*answers: Response | Callable[[dict[str, Any]], Response]) -> Answer:
    """Answer each POST of a request by the next of `answers`."""
    left = list(answers)

    async def answer(_: Request, message: dict[str, Any]) -> Response:
        if "id" not in message:
            return Response(status_code=202)
        one = left.pop(0)
        return one if isinstance(one, Response) else one(message)

    return answer


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Response("<html>", 200, media_type="text/html"), -32067, "text/html"),
        (Response("nonsense", 200, media_type="application/json"), -32067, "JSON-RPC"),
        (Response(status_code=202), -32067, "202"),
        (Response("oops", 500), -32603, "500"),
        (Response("gone", 404), -32601, "404"),
        (Response("no", 405), -32601, "no streamable HTTP"),
        (JSONResponse({"error": {"code": -5, "message": "mine"}}, 400), -5, "mine"),
        (RedirectResponse("https://evil.example/mcp"), -32067, "evil.example"),
        (RedirectResponse("https://t.example/cdn-cgi/access/login/x"), -32064, "authlens login"),
        (events("data: not json"), -32067, "JSON-RPC"),
        (events(": nothing"), -32067, "without an answer"),
    ],
)
async def test_an_answer_that_is_none_becomes_one_error(
    answer: Response, code: int, words: str, logged_in: LoggedIn
) -> None:
    """With the id of the request; the credential went to one host only."""
    _, lines = await bridged(logged_in, scripted(answer), PING)
    (line,) = lines
    assert (line["id"], line["error"]["code"]) == (1, code)
    assert words in line["error"]["message"]


async def test_messages_of_a_stream_come_in_order_and_end_with_the_response(logged_in: LoggedIn) -> None:
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}

    def stream(message: dict[str, Any]) -> Response:
        messages = note, note, result(message, ok=True)
        return events(*(f"data: {json.dumps(one)}" for one in messages), "data: never read")

    _, lines = await bridged(logged_in, scripted(stream), PING)
    assert [line.get("method") for line in lines] == ["notifications/message", "notifications/message", None]
    assert lines[-1]["result"] == {"ok": True}


def with_sessions(answer: Answer) -> Answer:
    """Answer as a server with sessions: each `initialize` begins the next; other requests get `answer`."""
    sessions = iter(["one", "two", "three"])

    async def answered(request: Request, message: dict[str, Any]) -> Response:
        if request.method != "POST" or "id" not in message:
            return Response(status_code=405 if request.method == "GET" else 202)
        if message["method"] == "initialize":
            fields = {"Mcp-Session-Id": next(sessions)}
            return JSONResponse(result(message, protocolVersion="2025-11-25"), headers=fields)
        return await answer(request, message)

    return answered


def methods(server: Server) -> list[str]:
    """Return the methods of the messages that a server was sent, in their order."""
    return [message["method"] for method, _, message in server.seen if method == "POST"]


async def test_a_session_that_the_server_has_ended_is_begun_again(logged_in: LoggedIn) -> None:
    """404 to a session: initialize, initialized, and the request once more (2025-11-25)."""

    @with_sessions
    async def answer(request: Request, message: dict[str, Any]) -> Response:
        if request.headers["mcp-session-id"] == "one":
            return Response(status_code=404)
        return JSONResponse(result(message, session=request.headers["mcp-session-id"]))

    server, lines = await bridged(logged_in, answer, INITIALIZE, INITIALIZED, PING)
    assert [line["id"] for line in lines] == [0, 1]
    assert lines[1]["result"] == {"session": "two"}
    handshake = ["initialize", "notifications/initialized", "ping"]
    assert methods(server) == 2 * handshake
    versions: Sequence[str | None] = [h.get("mcp-protocol-version") for m, h, _ in server.seen if m == "POST"]
    assert versions[::3] == [None, None]
    assert versions[-1] == "2025-11-25"
    assert server.seen[-1][0] == "DELETE"


async def test_a_server_that_restarts_is_gone_on_with(logged_in: LoggedIn) -> None:
    """Its connections are gone, its sessions too, and the client hears nothing of it."""
    latest: list[str] = []

    @with_sessions
    async def answer(request: Request, message: dict[str, Any]) -> Response:
        session = request.headers["mcp-session-id"]
        if message["id"] == 2 and session == "one":
            return Response(status_code=404)
        latest.append(session)
        return JSONResponse(result(message))

    _, lines = await bridged(
        logged_in, answer, INITIALIZE, INITIALIZED, PING, RESTART, {**PING, "id": 2}, {**PING, "id": 3}
    )
    assert sorted((line["id"], line.get("error")) for line in lines) == [
        (number, None) for number in range(4)
    ]
    assert latest[0] == "one"
    assert "two" in latest


async def test_requests_that_find_their_session_ended_share_one_new_one(logged_in: LoggedIn) -> None:
    both = asyncio.Barrier(2)

    @with_sessions
    async def answer(request: Request, message: dict[str, Any]) -> Response:
        if request.headers["mcp-session-id"] == "one":
            await both.wait()
            return Response(status_code=404)
        return JSONResponse(result(message, session=request.headers["mcp-session-id"]))

    again = {**PING, "id": 2}
    server, lines = await bridged(logged_in, answer, INITIALIZE, INITIALIZED, PING, again)
    assert {line["id"]: line["result"].get("session") for line in lines[1:]} == {1: "two", 2: "two"}
    assert methods(server).count("initialize") == 2


async def test_a_request_that_finds_the_new_session_ended_too_is_one_error(logged_in: LoggedIn) -> None:
    """H407: never a loop of sessions."""

    @with_sessions
    async def answer(_request: Request, _message: dict[str, Any]) -> Response:
        return Response(status_code=404)

    server, lines = await bridged(logged_in, answer, INITIALIZE, INITIALIZED, PING)
    assert "ended the session" in lines[1]["error"]["message"]
    assert methods(server).count("ping") == 2


async def test_a_request_that_may_have_been_acted_on_is_not_sent_again(logged_in: LoggedIn) -> None:
    """Its stream breaks off, and the session has ended before it is resumed."""

    @with_sessions
    async def answer(_request: Request, _message: dict[str, Any]) -> Response:
        return events("retry: 1\nid: e1\ndata:")

    async def resumed(request: Request, message: dict[str, Any]) -> Response:
        if "last-event-id" in request.headers:
            return Response(status_code=404)
        return await answer(request, message)

    server, lines = await bridged(logged_in, resumed, INITIALIZE, INITIALIZED, PING)
    assert "ended the session" in lines[1]["error"]["message"]
    assert methods(server).count("ping") == 1


async def test_a_stream_that_breaks_off_is_resumed(logged_in: LoggedIn) -> None:
    async def answer(request: Request, _message: dict[str, Any]) -> Response:
        if request.method == "GET" and request.headers.get("last-event-id") == "e1":
            return events(f"data: {json.dumps(result(PING, ok=True))}")
        cut = events("retry: 1\nid: e1")
        cut.headers["content-length"] = "100"
        return cut

    _, (line,) = await bridged(logged_in, answer, PING)
    assert line["result"] == {"ok": True}


async def test_what_the_server_says_unasked_is_passed_on_and_resumed(logged_in: LoggedIn) -> None:
    """The stream of GET, after its last event when it broke off."""
    said = iter(["1", "2"])
    after: list[str | None] = []
    all_said = asyncio.Event()

    async def answer(request: Request, message: dict[str, Any]) -> Response:
        if request.method == "GET":
            after.append(request.headers.get("last-event-id"))
            number = next(said, None)
            if number is None:
                all_said.set()
                return Response(status_code=405)
            body = json.dumps({"jsonrpc": "2.0", "id": f"s{number}", "method": "roots/list"})
            return events(f"retry: 10\nid: {number}\ndata: {body}")
        if message.get("method") == "initialize":
            return JSONResponse(result(message, protocolVersion="2025-11-25"))
        if "id" in message and "method" in message:
            await all_said.wait()
            return JSONResponse(result(message))
        return Response(status_code=202)

    _, lines = await bridged(logged_in, answer, INITIALIZE, INITIALIZED, PING)
    assert [line["id"] for line in lines] == [0, "s1", "s2", 1]
    assert after == [None, "1", "2"]


async def test_a_401_to_every_token_is_one_refresh_and_one_error(logged_in: LoggedIn) -> None:
    _, lines = await bridged(logged_in, scripted(*[Response(status_code=401)] * 4), PING, {**PING, "id": 2})
    assert [(line["id"], line["error"]["code"]) for line in lines] == [(1, -32065), (2, -32065)]
    assert all("authlens probe --kept" in line["error"]["message"] for line in lines)
    assert len(logged_in.server.posts("/token")) == 1


@pytest.mark.parametrize("scope", ["$(id)", "a;id", "--device"])
async def test_a_scope_that_is_not_a_plain_word_is_in_no_command(logged_in: LoggedIn, scope: str) -> None:
    """H324: an agent may run the command that it is given."""
    challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
    answer = JSONResponse({"error": "insufficient_scope"}, 403, headers={"WWW-Authenticate": challenge})
    server, (line,) = await bridged(logged_in, scripted(answer), PING)
    url = f"http://{server.seen[0][1]['host']}/mcp"
    assert line["error"]["data"]["command"] == f"authlens {url}"
    assert scope not in line["error"]["message"]


async def test_a_scope_that_is_too_small_is_one_error_that_names_the_login(
    logged_in: LoggedIn,
) -> None:
    """RFC 6750 §3.1: what was granted and what is wanted, together; no refresh can help."""
    grant = logged_in.credentials.list()[0]
    _, secrets = await logged_in.credentials.load(grant.grant_id)
    await logged_in.credentials.save(replace(grant, scope="read"), secrets)
    challenge = 'Bearer error="insufficient_scope", scope="write read"'
    answer = JSONResponse({"error": "insufficient_scope"}, 403, headers={"WWW-Authenticate": challenge})
    server, lines = await bridged(logged_in, scripted(answer), PING)
    (line,) = lines
    url = f"http://{server.seen[0][1]['host']}/mcp"
    command = f"authlens login {url} --scope 'read write'"
    assert line["error"]["code"] == -32064
    assert line["error"]["data"] == {"exit_code": 4, "command": command}
    assert command in line["error"]["message"]
    assert logged_in.server.posts("/token") == []


async def test_what_is_sent_behind_initialize_waits_for_its_answer(logged_in: LoggedIn) -> None:
    first = {**INITIALIZE, "params": {"protocolVersion": "2025-06-18"}}
    released = asyncio.Event()

    async def answer(_: Request, message: dict[str, Any]) -> Response:
        if message.get("method") == "initialize":
            with suppress(TimeoutError):
                await asyncio.wait_for(released.wait(), 0.1)
            fields = {"Mcp-Session-Id": "abc"}
            return JSONResponse(result(message, protocolVersion="2025-06-18"), headers=fields)
        released.set()
        return JSONResponse(result(message)) if "id" in message else Response(status_code=202)

    server, lines = await bridged(logged_in, answer, first, INITIALIZED, PING, {"id": 2, "method": "ping"})
    assert [line["id"] for line in lines] == [0, 1, 2]
    posts = [
        (message["method"], fields.get("mcp-session-id"))
        for method, fields, message in server.seen
        if method == "POST"
    ]
    assert posts[:2] == [("initialize", None), ("notifications/initialized", "abc")]
    assert posts[2:] == [("ping", "abc")] * 2
