"""`authlens mcp-bridge` between the client of the Python MCP SDK and a server that wants a login."""

import asyncio
import fcntl
import json
import os
import signal
import sys
import termios
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Literal

import pytest
from mcp import MCPError
from mcp_types import ElicitRequestParams, ElicitResult

from support.mcp_tools_server import Bridged
from support.server_process import child
from support.verb_process import AUTHLENS, authlens, emulated, machine_in, process_table, secrets_in
from support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.e2e
ERAS: tuple[Literal["legacy", "auto"], ...] = ("legacy", "auto")


@pytest.mark.parametrize("mode", ERAS)
async def test_a_client_that_knows_no_login_lists_and_calls_tools(
    mode: Literal["legacy", "auto"], bridged: Bridged
) -> None:
    """Both generations of the protocol; no argument and no environment holds a token."""
    async with process_table() as table, bridged.client(mode) as client:
        assert client.protocol_version == {"legacy": "2025-11-25", "auto": "2026-07-28"}[mode]
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"add", "count", "ask"} <= names
        result = await client.call_tool("add", {"a": 2, "b": 3})
        assert result.structured_content == {"result": 5}
    tokens = secrets_in(bridged.machine)
    assert tokens
    assert not [token for token in tokens if token.encode() in b"".join(table)]


@pytest.mark.parametrize("mode", ERAS)
async def test_a_token_that_ends_in_the_middle_is_one_refresh(
    mode: Literal["legacy", "auto"], bridged: Bridged
) -> None:
    """The next calls succeed, however many at once."""
    async with bridged.client(mode) as client:
        before = (await bridged.control("POST"))["refreshes"]
        results = await asyncio.gather(*(client.call_tool("add", {"a": n, "b": 1}) for n in range(5)))
        assert [one.structured_content for one in results] == [{"result": n + 1} for n in range(5)]
    assert (await bridged.control())["refreshes"] == before + 1


@pytest.mark.parametrize("mode", ERAS)
async def test_progress_arrives_before_the_result(mode: Literal["legacy", "auto"], bridged: Bridged) -> None:
    """Messages of a stream are passed on one by one."""
    seen: list[float] = []

    async def reported(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async with bridged.client(mode) as client:
        await client.call_tool("count", {"to": 3}, progress_callback=reported)
    assert seen == [1, 2, 3]


async def test_the_server_asks_the_user_through_the_client(bridged: Bridged) -> None:
    """A request of the server, and the client's response to it; since 2026-07-28 there are none."""

    async def answer(_context: object, _params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"colour": "green"})

    async with bridged.client("legacy", elicitation_callback=answer) as client:
        result = await client.call_tool("ask", {})
    assert result.structured_content == {"result": "green"}


@pytest.mark.parametrize("mode", ERAS)
async def test_a_call_that_is_cancelled_ends_at_the_server(
    mode: Literal["legacy", "auto"], bridged: Bridged
) -> None:
    """By a notification until 2025-11-25, by closing the stream since 2026-07-28."""
    before = (await bridged.control())["count"]
    async with bridged.client(mode) as client:
        call = asyncio.create_task(client.call_tool("wait", {}))
        async with asyncio.timeout(PATIENCE):
            while (await bridged.control())["count"] == before:
                await asyncio.sleep(0.05)
            call.cancel()
            while (state := await bridged.control())["cancelled"] < state["count"]:
                await asyncio.sleep(0.05)
        result = await client.call_tool("add", {"a": 1, "b": 1})
        assert result.structured_content == {"result": 2}


async def test_a_stream_that_is_cut_is_resumed_after_its_last_event(bridged: Bridged) -> None:
    """The server closes the connection in the middle of a call (2025-11-25)."""
    async with bridged.client("legacy") as client:
        result = await client.call_tool("cut", {})
    assert result.structured_content == {"result": "after the cut"}


async def test_a_login_that_is_needed_is_an_error_that_names_the_command(tmp_path: Path) -> None:
    """Never a hang; stdout carries the protocol alone; a login made meanwhile is used from then on."""
    async with emulated() as url:
        machine = machine_in(tmp_path)
        asked = '{"jsonrpc":"2.0","id":"a","method":"ping"}\nnot json\n'
        done = await authlens(machine, "mcp-bridge", url, typed=asked)
        first, second = sorted((json.loads(line) for line in done.answer.splitlines()), key=str)
    assert done.code == 0
    errors = {first["id"]: first["error"], second["id"]: second["error"]}
    assert errors[None]["code"] == -32700
    assert errors["a"]["code"] == -32064
    assert errors["a"]["data"]["command"] == f"authlens login {url}"
    assert f"authlens login {url}" in errors["a"]["message"]


async def test_an_error_of_the_server_reaches_the_client(bridged: Bridged) -> None:
    async with bridged.client("legacy") as client:
        with pytest.raises(MCPError, match="unknown://resource"):
            await client.read_resource("unknown://resource")


async def test_a_client_that_reads_nothing_does_not_keep_the_bridge_from_ending(tmp_path: Path) -> None:
    """The bridge has an answer to write for which the pipe has no room when it is asked to end."""
    ours, theirs = os.pipe()
    try:
        command = (*AUTHLENS, "mcp-bridge", "https://mcp.example/")
        pipes = {"stdin": PIPE, "stdout": theirs, "stderr": PIPE}
        async with child(*command, env=machine_in(tmp_path), **pipes) as bridge:
            os.close(theirs)
            assert bridge.stdin is not None
            room = fcntl.fcntl(ours, fcntl.F_GETPIPE_SZ)
            request = {"jsonrpc": "2.0", "id": "i" * 2 * room, "method": "ping"}  # the answer repeats the id
            bridge.stdin.write(json.dumps(request).encode() + b"\n")
            await asyncio.to_thread(wait_until, lambda: _held(ours) == room, "the pipe is full")
            bridge.terminate()
            assert await asyncio.wait_for(bridge.wait(), PATIENCE) == 128 + signal.SIGTERM
    finally:
        os.close(ours)


def _held(pipe: int) -> int:
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
