"""How fast the proxy is: its delay against no proxy, its throughput against mitmproxy's reverse mode."""

import asyncio
import http.client
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from authlens_lab.emulator.fixture import RunningEmulator
from support.verb_process import authlens, log_in, machine_in, running

pytestmark = pytest.mark.benchmark
SIZE = 1 << 30
CALLS = 200


async def _big(request: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        block, left = b"x" * 65_536, SIZE
        while left:
            yield block
            left -= len(block)

    return StreamingResponse(body(), headers={"content-length": str(SIZE)})


async def _small(_: Request) -> Response:
    return PlainTextResponse("hello")


def _fetched(connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]) -> int:
    connection.request("GET", path, headers=dict(headers))
    answer, size = connection.getresponse(), 0
    assert answer.status == 200
    while data := answer.read(1 << 20):
        size += len(data)
    return size


@dataclass(frozen=True)
class Way:
    """One way to the resource: its URL, and what a request carries."""

    url: str
    headers: Mapping[str, str]

    @contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        """Open a connection that is used for every request."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        try:
            yield connection
        finally:
            connection.close()

    @property
    def base(self) -> str:
        return urlsplit(self.url).path.rstrip("/")


def _added(direct: Way, proxied: Way) -> float:
    """Return the median seconds that a way adds; the calls take turns, so that the load counts for both."""
    added = []
    with direct.connection() as one, proxied.connection() as other:
        for _ in range(CALLS):
            began = time.perf_counter()
            _fetched(one, f"{direct.base}/small", direct.headers)
            between = time.perf_counter()
            _fetched(other, f"{proxied.base}/small", proxied.headers)
            added.append((time.perf_counter() - between) - (between - began))
    return statistics.median(added)


def _rate(way: Way) -> float:
    """Return the bytes a second of a large body."""
    with way.connection() as connection:
        began = time.perf_counter()
        assert _fetched(connection, f"{way.base}/big", way.headers) == SIZE
        return SIZE / (time.perf_counter() - began)


def _rates(ours: Way, theirs: Way | None) -> tuple[float, float]:
    """Return the medians of both, measured in turn: the machine is not equally busy at all times."""
    rounds = [(_rate(ours), 0.0 if theirs is None else _rate(theirs)) for _ in range(5)]
    return statistics.median(one for one, _ in rounds), statistics.median(other for _, other in rounds)


@asynccontextmanager
async def _mitmproxy(upstream: str) -> AsyncIterator[str | None]:
    """Run mitmproxy in reverse mode where it is installed; yield its URL."""
    program = shutil.which("mitmdump")
    if program is None:
        yield None
        return
    port = 18_999
    process = await asyncio.create_subprocess_exec(
        *(program, "-q", "--mode", f"reverse:{upstream}", "--listen-host", "127.0.0.1", "-p", str(port)),
        *("--set", "stream_large_bodies=1m"),
    )
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.2)
                    continue
                writer.close()
                break
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        await process.wait()


async def test_the_proxy_adds_little_and_holds_nothing(tmp_path: Path) -> None:
    """At most 3 ms at the median, half of mitmproxy's rate; 1 GiB in less memory than a tenth of it."""
    app = Starlette(routes=[Route("/big", _big), Route("/small", _small)])
    access = RunningEmulator(origin=app, access_token_lifetime=3600)
    machine = machine_in(tmp_path)
    try:
        await log_in(machine, access.resource_url)
        token = (await authlens(machine, "token", access.resource_url)).answer.strip()
        direct = Way(access.resource_url, {"Authorization": f"Bearer {token}"})
        async with running(machine, "proxy", access.resource_url) as proxy:
            added = await asyncio.to_thread(_added, direct, Way(proxy.first, {}))
            async with _mitmproxy(access.resource_url) as url:
                other = None if url is None else Way(url, direct.headers)
                ours, theirs = await asyncio.to_thread(_rates, Way(proxy.first, {}), other)
            status = Path(f"/proc/{proxy.process.pid}/status").read_text()
    finally:
        access.stop()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    print(f"added {added * 1e3:.2f} ms, {ours / 1e6:.0f} MB/s, peak {peak:.0f} MiB")  # noqa: T201
    print(f"mitmproxy {theirs / 1e6:.0f} MB/s")  # noqa: T201
    assert added <= 0.003
    assert peak < 100
    assert ours >= 0.5 * theirs
