r"""A server that says exactly the bytes a test wants, and remembers exactly the bytes it got.

There is no HTTP library in it, so it can be as wrong as a test needs. A scenario is a sequence of steps:

    async with hostile_server(Receive(), Send(b"HTTP/1.1 200 OK\r\n"), Forever(Send(b"x"))) as server:
        await wire.send(Request("GET", server.url), loopback_http=True)

`LocalAuthority` is a certificate authority made at test time, for servers that speak TLS, well or badly.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import socket
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Receive:
    """Read one request, head and body as its Content-Length says, and remember its bytes."""


@dataclass(frozen=True, slots=True)
class Send:
    """Write bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for some seconds; None waits until the other end closes."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Until:
    """Do nothing until the test sets the event."""

    event: asyncio.Event


@dataclass(frozen=True, slots=True)
class Signal:
    """Set an event that the test waits for."""

    event: asyncio.Event


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection in the ordinary way."""


@dataclass(frozen=True, slots=True)
class Reset:
    """End the connection with a TCP reset."""


@dataclass(frozen=True, slots=True, init=False)
class Forever:
    """Repeat steps until the other end is gone."""

    steps: tuple[Step, ...]

    def __init__(self, *steps: Step) -> None:
        object.__setattr__(self, "steps", steps)


Step = Receive | Send | Wait | Until | Signal | Close | Reset | Forever


def answer(
    status: str = "200 OK", *fields: str, body: bytes = b"", length: int | None = None
) -> tuple[Step, ...]:
    """Return the steps of an honest answer; `length` overrides the true Content-Length."""
    size = len(body) if length is None else length
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *fields, f"Content-Length: {size}"))
    return (Receive(), Send(head.encode("latin-1") + b"\r\n" + body))


class _Ended(Exception):
    """The scenario closed the connection."""


@dataclass(slots=True)
class HostileServer:
    """What a running server can be asked.

    Attributes:
        port: where it listens, on 127.0.0.1.
        tls: true when it speaks TLS.
        requests: every request it received, raw, in order.
        connections: how many connections were accepted; a failed TLS handshake does not count.
        ended: how many connections are over.
    """

    port: int
    tls: bool
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    ended: int = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/" if self.tls else f"http://127.0.0.1:{self.port}/"


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)


async def _play(
    server: HostileServer, steps: Sequence[Step], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    for step in steps:
        if isinstance(step, Forever):
            while not writer.is_closing() and not reader.at_eof():
                await _play(server, step.steps, reader, writer)
        else:
            await _take(server, step, reader, writer)


async def _take(
    server: HostileServer, step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    match step:
        case Receive():
            server.requests.append(await _read_request(reader))
        case Send(data):
            writer.write(data)
            await writer.drain()
        case Wait(None):
            await reader.read()
        case Wait(seconds):
            await asyncio.sleep(seconds or 0)
        case Until(event):
            await event.wait()
        case Signal(event):
            event.set()
        case Reset():
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            raise _Ended
        case Close():
            raise _Ended


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Close, and cut the connection if the other end does not take what is still to be sent."""
    try:
        async with asyncio.timeout(10):
            writer.close()
            await writer.wait_closed()
    except (OSError, ssl.SSLError):
        pass
    finally:
        writer.transport.abort()


@contextlib.asynccontextmanager
async def hostile_server(
    *steps: Step, context: ssl.SSLContext | None = None, later: Sequence[Step] | None = None
) -> AsyncIterator[HostileServer]:
    """Run a server on 127.0.0.1 that plays `steps` on every connection and closes it after the last one.

    Args:
        later: the steps of every connection but the first; None repeats `steps`.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            tasks.add(task)
        server.connections += 1
        played = steps if later is None or server.connections == 1 else later
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, _Ended):
                await _play(server, played, reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            server.ended += 1
            await _hang_up(writer)
            if task is not None:
                tasks.discard(task)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    server = HostileServer(listener.sockets[0].getsockname()[1], context is not None)
    try:
        yield server
    finally:
        listener.close()
        for task in tuple(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tuple(tasks), timeout=2)
        await asyncio.sleep(0)


class LocalAuthority:
    """A certificate authority for tests, strict enough for every OpenSSL.

    Args:
        common_name: of the authority, as it will show as the issuer.
    """

    def __init__(self, common_name: str = "authlens test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        public = self._key.public_key()
        now = dt.datetime.now(dt.UTC)
        self._certificate = (
            x509.CertificateBuilder(self._name, self._name, public, x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=400))
            .not_valid_after(now + dt.timedelta(days=400))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.pem)

    def server_context(
        self,
        *names: str,
        valid_from_days: float = -1,
        valid_to_days: float = 30,
        self_signed: bool = False,
        subject: str = "authlens test server",
    ) -> ssl.SSLContext:
        """Return a context for a server called `names` (`localhost` and 127.0.0.1 when none is given)."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key()
        now = dt.datetime.now(dt.UTC)
        own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        issuer, signer = (own_name, key) if self_signed else (self._name, self._key)
        certificate = (
            x509.CertificateBuilder(issuer, own_name, public, x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=valid_from_days))
            .not_valid_after(now + dt.timedelta(days=valid_to_days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
            .add_extension(_alternative_names(names or ("localhost", "127.0.0.1")), critical=False)
            .sign(signer, hashes.SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "server.pem"
            private = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
            context.load_cert_chain(path)
        return context


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names(names: Sequence[str]) -> x509.SubjectAlternativeName:
    entries: list[x509.GeneralName] = []
    for name in names:
        try:
            entries.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            entries.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(entries)


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    fields: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        """The JSON-RPC message; empty without a body."""
        return dict(json.loads(self.body)) if self.body else {}

    @property
    def is_request(self) -> bool:
        return self.method == "POST" and {"id", "method"} <= self.message.keys()


Reply = Callable[[Asked], bytes | Awaitable[bytes] | None]
"""Returns what is sent before the connection is closed; None to stay silent until the client is gone."""


@dataclass
class RawServer:
    """A running server.

    Attributes:
        asked: every request, in order.
    """

    url: str
    asked: list[Asked] = field(default_factory=list)


def json_answer(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    return _answer(body, status, ("Content-Type: application/json", *fields))


def stream_answer(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    return _answer(body, status, ("Content-Type: text/event-stream", *fields))


def _answer(body: bytes, status: str, fields: tuple[str, ...]) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}"))
    return head.encode("latin-1") + b"\r\n" + body


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *lines = head.rstrip().split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    body = await reader.readexactly(int(fields.get("content-length", 0)))
    return Asked(line.split()[0], fields, body)


@asynccontextmanager
async def raw_mcp_server(reply: Reply) -> AsyncIterator[RawServer]:
    """Run a server on 127.0.0.1 that answers each request by `reply`."""
    tasks: set[asyncio.Task[None]] = set()
    server = RawServer("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            asked = await _read(reader)
            server.asked.append(asked)
            data = reply(asked)
            if data is None:
                await reader.read()
            else:
                writer.write(data if isinstance(data, bytes) else await data)
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())  # it may be cancelled before it begins

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as listener:
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/mcp"
        try:
            yield server
        finally:
            for task in set(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)
