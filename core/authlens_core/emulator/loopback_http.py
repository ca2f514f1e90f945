"""HTTP of the emulator's own clients: one request, one connection, loopback only, no redirect followed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import h11

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_BELOW: Final = ".localhost"
LONGEST_HEAD: Final = 64 * 1024  # bytes
LONGEST_PAGE: Final = 1024 * 1024  # bytes
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class LoadedPage:
    """A response; `location` is empty unless it redirects, `challenge` unless it wants a credential."""

    status: int
    location: str
    cookies: tuple[str, ...] = field(repr=False)
    text: str = field(repr=False)
    challenge: str = ""


async def fetch_page(url: str) -> tuple[int, str]:
    """Return status and text of a page on loopback.

    Raises:
        ValueError: the URL leads elsewhere.
        OSError: the connection failed, took longer than five seconds, or the response is not HTTP.
    """
    async with asyncio.timeout(5):
        shown = await request(url)
    return shown.status, shown.text


async def request(
    url: str, body: bytes = b"", *, fields: Sequence[tuple[str, str]] = (), media_type: str = FORM
) -> LoadedPage:
    """Send a GET, or a POST where there is a body, and read the whole response.

    Raises:
        ValueError: the URL leads away from loopback.
        OSError: the connection failed, or the response is not HTTP.
    """
    parts = urlsplit(url)
    name = parts.hostname or ""
    # A link can name any server, and a demo must send nothing beyond this machine.
    if parts.scheme != "http" or not (name in LOOPBACK or name.endswith(_BELOW)):
        raise ValueError("The simulated user opens only pages on loopback.")
    # A new connection for each request: nothing to keep, nothing to close later.
    sent = [("Host", parts.netloc), *fields, ("Connection", "close")]
    if body:
        sent += [("Content-Type", media_type), ("Content-Length", str(len(body)))]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
    # As browsers do: a resolver may not know names below localhost (RFC 6761 §6.3).
    host = "127.0.0.1" if name.endswith(_BELOW) else name
    reader, writer = await asyncio.open_connection(host, parts.port or 80)
    try:
        for event in (
            h11.Request(method="POST" if body else "GET", target=target, headers=sent),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            writer.write(connection.send(event) or b"")
        await writer.drain()
        return await _read_page(connection, reader)
    except h11.RemoteProtocolError as error:
        raise OSError("the answer is not HTTP") from error
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _read_page(connection: h11.Connection, reader: asyncio.StreamReader) -> LoadedPage:
    status, headers, body = 0, list[tuple[bytes, bytes]](), b""
    # A stream that never ends is cut: who plays a user does not wait for it.
    while len(body) < LONGEST_PAGE:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(LONGEST_HEAD))
        elif isinstance(event, h11.Response):
            status, headers = event.status_code, list(event.headers)
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            break
    cookies = tuple(value.decode("latin-1") for name, value in headers if name == b"set-cookie")
    location = dict(headers).get(b"location", b"").decode("latin-1") if 300 <= status < 400 else ""
    challenge = dict(headers).get(b"www-authenticate", b"").decode("latin-1")
    return LoadedPage(status, location, cookies, body.decode("utf-8", "replace"), challenge)
