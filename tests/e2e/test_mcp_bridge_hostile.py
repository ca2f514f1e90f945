"""`authlens mcp-bridge` between a client and a server of which either sends what it likes, byte by byte."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.grants import save_login
from support.hostile_server import Asked, Reply, json_answer, raw_mcp_server, stream_answer
from support.server_process import child
from support.verb_process import AUTHLENS, machine_in
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
LATER = b'{"jsonrpc":"2.0","id":"later","method":"tools/list"}\n'
INITIALIZE = b'{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}\n'
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'


@dataclass(frozen=True)
class Spoken:
    """What the bridge wrote until its input ended, and how it ended."""

    code: int
    lines: list[bytes]
    words: str

    def of(self, request_id: object) -> list[dict[str, Any]]:
        return [one for line in self.lines if (one := strict(line)).get("id") == request_id]


def strict(line: bytes) -> dict[str, Any]:
    """Return a line as a strict client reads it: UTF-8, one line, JSON without NaN and half characters."""

    def refused(word: str) -> object:
        raise AssertionError(word)

    text = line.decode("utf-8")
    assert len(text.splitlines()) == 1
    found = json.loads(text, parse_constant=refused)
    json.dumps(found, ensure_ascii=False).encode("utf-8")
    assert found["jsonrpc"] == "2.0"
    return dict(found)


async def spoken(directory: Path, reply: Reply, *steps: bytes | Sequence[object]) -> Spoken:
    """Run the bridge in front of a server.

    Args:
        steps: bytes for its standard input; a sequence of ids waits for an answer to each of them.
    """
    async with raw_mcp_server(reply) as server:
        machine = machine_in(directory)
        await save_login(machine, server.url)
        pipes = {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE}
        async with (
            asyncio.timeout(PATIENCE),
            child(*AUTHLENS, "mcp-bridge", server.url, env=machine, limit=2**24, **pipes) as bridge,
        ):
            assert bridge.stdin is not None
            assert bridge.stdout is not None
            lines: list[bytes] = []
            for step in steps:
                if isinstance(step, bytes):
                    bridge.stdin.write(step)
                    await bridge.stdin.drain()
                    continue
                missing = list(step)
                while missing:
                    line = await asyncio.wait_for(bridge.stdout.readline(), 15)
                    assert line, "the bridge has ended"
                    lines.append(line)
                    if (found := json.loads(line.decode("utf-8", "replace")).get("id")) in missing:
                        missing.remove(found)
            bridge.stdin.close()
            rest, words = await asyncio.gather(bridge.stdout.read(), bridge.stderr.read())  # type: ignore[union-attr]
            lines += rest.splitlines(keepends=True)
            return Spoken(await bridge.wait(), lines, words.decode())


def honest(asked: Asked) -> bytes:
    """Answer as a server does that means well."""
    if not asked.is_request:
        return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    result = {"jsonrpc": "2.0", "id": asked.message["id"], "result": {}}
    return json_answer(json.dumps(result).encode())


def to_the_first(data: bytes) -> Reply:
    return lambda asked: data if asked.is_request and asked.message["id"] == 1 else honest(asked)


ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{"a":%s}}'


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 302 Found\r\nLocation: http://[evil/mcp\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        json_answer(ANSWER % b"NaN"),
        json_answer(ANSWER % b"-Infinity"),
        json_answer(ANSWER % b'"\\ud800"'),
        json_answer(ANSWER % b'"\xe2\x80\xa8"'),
        json_answer(ANSWER % (b"[" * 900 + b"]" * 900)),
        json_answer(ANSWER % b"1e999"),
        json_answer((ANSWER % b"1").decode().encode("utf-16")),
        json_answer(b"[" + ANSWER % b"1" + b"," + ANSWER % b"2" + b"]"),
        stream_answer(b"data: [" + ANSWER % b"1" + b"," + ANSWER % b"2" + b"]\n\n"),
        stream_answer(b"data: " + ANSWER % b"1" + b"\n\ndata: " + ANSWER % b"2" + b"\n\n"),
        json_answer(b'{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}'),
        json_answer(b'{"jsonrpc":"2.0","id":1}'),
        json_answer(b'{"jsonrpc":"2.0","id":"1","result":{}}'),
        json_answer(b'{"jsonrpc":"2.0","id":"later","result":{"stolen":true}}'),
    ],
    ids=lambda data: data.partition(b"\r\n\r\n")[2][:60].decode("latin-1") or data[:40].decode(),
)
async def test_whatever_a_server_answers_each_request_gets_one_answer(data: bytes, tmp_path: Path) -> None:
    heard = await spoken(tmp_path, to_the_first(data), PING, [1], LATER, ["later"])
    assert heard.code == 0
    assert len(heard.of(1)) == len(heard.of("later")) == 1
    assert len(heard.lines) == 2
    assert "Traceback" not in heard.words


async def test_a_version_that_no_field_can_carry_ends_nothing(tmp_path: Path) -> None:
    def reply(asked: Asked) -> bytes:
        if asked.is_request and asked.message["method"] == "initialize":
            return json_answer(b'{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"\\ud800"}}')
        return honest(asked)

    heard = await spoken(tmp_path, reply, INITIALIZE, [0], INITIALIZED, PING, [1])
    assert (heard.code, len(heard.of(0)), len(heard.of(1))) == (0, 1, 1)


async def test_what_is_no_message_is_answered_and_ends_nothing(tmp_path: Path) -> None:
    odd = b"\xff\xfe\n[]\n{}\n" + b"[" * 100_000 + b"\n" + b'{"id":1.5,"jsonrpc":"2.0","method":"x"}\n'
    unnamed = b'{"id":"\\ud800","jsonrpc":"2.0","method":"x"}\n'
    heard = await spoken(tmp_path, honest, odd + unnamed, [None] * 6, PING, [1])
    assert (heard.code, len(heard.of(None)), len(heard.of(1))) == (0, 6, 1)


async def test_a_line_that_is_too_long_is_answered_and_ends_nothing(tmp_path: Path) -> None:
    heard = await spoken(tmp_path, honest, b"x" * (65 * 1024 * 1024), b"\n", [None], PING, [1])
    assert (heard.code, len(heard.of(None)), len(heard.of(1))) == (0, 1, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes there always block")
async def test_pipes_that_do_not_block_carry_whole_lines(tmp_path: Path) -> None:
    """H481: parents such as Node.js hand on their own; a client may read slowly."""
    large = json_answer(ANSWER % (b'"%s"' % (b"x" * 1_000_000)))
    inward, to_bridge = os.pipe()
    from_bridge, outward = os.pipe()
    for descriptor in (inward, outward):
        os.set_blocking(descriptor, False)
    async with raw_mcp_server(to_the_first(large)) as server, asyncio.timeout(PATIENCE):
        machine = machine_in(tmp_path)
        await save_login(machine, server.url)
        command = (*AUTHLENS, "mcp-bridge", server.url)
        async with child(*command, env=machine, stdin=inward, stdout=outward, stderr=PIPE) as bridge:
            os.close(inward)
            os.close(outward)
            loop, answers = asyncio.get_running_loop(), asyncio.StreamReader(limit=2**24)
            with open(from_bridge, "rb", buffering=0) as pipe, open(to_bridge, "wb", buffering=0) as requests:
                await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(answers), pipe)
                for line, request_id in ((PING, 1), (LATER, "later")):
                    requests.write(line)
                    answer = await asyncio.wait_for(answers.readline(), 15)
                    assert strict(answer)["id"] == request_id
                requests.close()
                assert await answers.read() == b""
            assert await bridge.wait() == 0
