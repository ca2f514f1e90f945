"""The proxy in this process, in front of any resource, with a grant for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import h11
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.request_credential import RequestCredential
from authlens_core.credentials.records.grant import Grant, GrantSecrets, utc_now
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.gateway.forwarding import Mapping
from authlens_core.gateway.reverse_proxy import Counters, ReverseProxy
from authlens_core.gateway.server import GatewayServer, loopback_socket, unix_listener
from authlens_core.values.secret import Secret
from authlens_core.values.url import parse_url
from authlens_core.wire.client import Wire
from support.two_readings import read_messages
from support.waiting import PATIENCE

TOKEN = "access-canary-0"


@dataclass(frozen=True)
class ServedProxy:
    """A running proxy.

    Attributes:
        origin: scheme, host and port.
        path: the secret path.
    """

    origin: str
    path: str
    counters: Counters

    @property
    def netloc(self) -> str:
        return urlsplit(self.origin).netloc

    @property
    def port(self) -> int:
        return urlsplit(self.origin).port or 0

    @property
    def base(self) -> str:
        return self.origin + self.path

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, sent: bytes) -> bytes:
        """Send the bytes and return all that comes back until the proxy closes the connection."""
        reader, writer = await self.open()
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(sent)
                with suppress(ConnectionError):
                    await writer.drain()
                return await reader.read()
        finally:
            writer.close()

    async def answer_to(self, sent: bytes) -> tuple[bytes, bool]:
        """Send one request; return the bytes of its answer, and whether the connection stays open."""
        client, received = h11.Connection(h11.CLIENT), b""
        method, target = sent.split(b" ")[:2]
        client.send(h11.Request(method=method, target=target, headers=[("Host", self.netloc)]))
        client.send(h11.EndOfMessage())
        reader, writer = await self.open()
        writer.write(sent)
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    data = await reader.read(65_536)
                    received += data
                    if not data:
                        return received, False
                    client.receive_data(data)
                    while (event := client.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                        if isinstance(event, h11.EndOfMessage):
                            return received, client.their_state is h11.DONE
        finally:
            writer.close()


@asynccontextmanager
async def served_proxy(
    resource: str,
    *,
    granted: str = "",
    port: int = 0,
    path: str = "/secret-path",
    socket: Path | None = None,
    **options: Any,
) -> AsyncIterator[ServedProxy]:
    """Run a proxy to `resource` with a token for `granted` (by default the same)."""
    now, credentials = utc_now(), Credentials.memory()
    granted = granted or resource
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(granted))
    token_endpoint = f"{origin}/token"
    grant = Grant(
        *("grant-1", granted, granted, origin, token_endpoint, "client", "http://localhost"),
        *(now, now, now + timedelta(seconds=900)),
    )
    await credentials.save(replace(grant), GrantSecrets(Secret(TOKEN), Secret("refresh-canary-0")))
    async with Wire(environ={}) as wire:
        credential = RequestCredential(credentials, wire, resource)
        await credential.fields()
        with loopback_socket(port) if socket is None else unix_listener(socket) as listener:
            local = "" if socket else f"http://127.0.0.1:{listener.getsockname()[1]}"
            mapping = Mapping(parse_url(resource, loopback_http=True), local, "" if socket else path)
            app = ReverseProxy(wire, credential, mapping, Counters(), **options)
            server = GatewayServer(app)
            serving = asyncio.create_task(server.serve_until_cancelled(listener))
            try:
                yield ServedProxy(local, mapping.prefix, app.counters)
            finally:
                serving.cancel()
                with suppress(asyncio.CancelledError):
                    await serving
    await credentials.aclose()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class RawUpstream:
    """What a running one can be asked.

    Attributes:
        url: its origin.
        streams: the bytes of each connection, in order.
        answers: what it answers, in turn; the last one again and again.
        closes: whether it closes the connection after its first answer.
    """

    url: str
    streams: list[bytearray] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=lambda: [OK])
    closes: bool = False
    answered: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer as many requests as the bytes so far have for a reader that believes the length first."""
        stream = bytearray()
        self.streams.append(stream)
        done = 0
        with suppress(OSError):
            while data := await reader.read(65_536):
                stream += data
                found = [one for one in read_messages(bytes(stream), length_first=True) if one.complete]
                for _ in found[done:]:
                    writer.write(self.answers[min(self.answered, len(self.answers) - 1)])
                    self.answered += 1
                await writer.drain()
                if self.closes and self.answered == 1:
                    break
                done = len(found)
        writer.close()


@asynccontextmanager
async def raw_upstream() -> AsyncIterator[RawUpstream]:
    """Run one on 127.0.0.1."""
    upstream = RawUpstream("")
    listener = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield upstream
    finally:
        listener.close()
