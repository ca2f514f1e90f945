"""A token that has expired while its server cannot answer: proxy and bridge start, say so, and recover."""

import asyncio
import json
from collections.abc import AsyncIterator

from authlens_core.credentials.lifecycle.request_credential import RequestCredential
from authlens_core.desk.programs import bridge_mcp, proxy
from authlens_core.desk.session import Session
from authlens_core.values.errors import AuthlensError, NetworkFailure
from support.rotating_server import Scripted
from support.waiting import PATIENCE

from .conftest import LoggedIn

DOWN = Scripted(503, {"error": "temporarily_unavailable"})


async def test_the_bridge_answers_with_the_cause_until_the_server_is_back(expired: LoggedIn) -> None:
    problems: list[AuthlensError] = []
    lines: list[dict[str, object]] = []
    answered = asyncio.Event()
    expired.server.answers("/token", DOWN, DOWN)
    expired.server.answers("/mcp", Scripted(200, {"jsonrpc": "2.0", "id": 2, "result": {}}))

    async def write(line: bytes) -> None:
        lines.append(json.loads(line))
        answered.set()

    async def asked() -> AsyncIterator[bytes]:
        yield b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
        await answered.wait()
        yield b'{"jsonrpc": "2.0", "id": 2, "method": "ping"}\n'

    async with asyncio.timeout(PATIENCE):
        session = Session(expired.wire, expired.credentials)
        note, problem = (lambda _words: None), problems.append
        await bridge_mcp(session, expired.url, asked(), write, note=note, on_problem=problem)
    assert [type(problem) for problem in problems] == [NetworkFailure]
    assert lines[0]["id"] == 1
    assert "503" in str(lines[0]["error"])
    assert lines[1] == {"jsonrpc": "2.0", "id": 2, "result": {}}


async def test_the_proxy_starts_and_says_what_is_wrong(expired: LoggedIn) -> None:
    problems: list[AuthlensError] = []
    expired.server.answers("/token", DOWN)
    session = Session(expired.wire, expired.credentials)
    async with proxy(session, expired.url, on_problem=problems.append) as served:
        assert served.url.startswith("http://127.0.0.1:")
    assert [type(problem) for problem in problems] == [NetworkFailure]


async def test_callers_that_wait_share_one_failure(expired: LoggedIn) -> None:
    expired.server.answers("/token", *[DOWN] * 8)
    shared = RequestCredential(expired.credentials, expired.wire, expired.url)
    found = await asyncio.gather(*(shared.fields() for _ in range(8)), return_exceptions=True)
    assert {type(one) for one in found} == {NetworkFailure}
    assert len(expired.server.posts("/token")) == 1
