"""HTTP of the emulator's own clients: one request, one connection, loopback only, no redirect followed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import httpcore
from msgspec import Struct

from authlens_core.values.secret import Unprinted

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_BELOW: Final = ".localhost"
LONGEST_PAGE: Final = 1024 * 1024  # bytes
FORM: Final = "application/x-www-form-urlencoded"


class LoadedPage(Unprinted, Struct, frozen=True):
    """A response; `location` is empty unless it redirects, `challenge` unless it wants a credential."""

    status: int
    location: str
    cookies: tuple[str, ...]
    text: str
    challenge: str = ""


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
    # As browsers do: a resolver may not know names below localhost (RFC 6761 §6.3).
    host = "127.0.0.1" if name.endswith(_BELOW) else name
    target = parts._replace(scheme="", netloc="", path=parts.path or "/", fragment="").geturl()
    address = httpcore.URL(scheme="http", host=host, port=parts.port or 80, target=target)
    method, media_types = ("POST", [("Content-Type", media_type)]) if body else ("GET", [])
    sent = [("Host", parts.netloc), *fields, *media_types]
    try:
        # A new connection for each request: nothing to keep, nothing to close later.
        async with (
            httpcore.AsyncConnectionPool() as connections,
            connections.stream(method, address, headers=sent, content=body or None) as answer,
        ):
            return await _read_page(answer)
    except httpcore.ProtocolError as error:
        raise OSError("the answer is not HTTP") from error
    except httpcore.NetworkError as error:
        raise OSError(str(error)) from error


async def _read_page(answer: httpcore.Response) -> LoadedPage:
    body = b""
    async for chunk in answer.aiter_stream():
        body += chunk
        # A stream that never ends is cut: who plays a user does not wait for it.
        if len(body) >= LONGEST_PAGE:
            break
    headers = [(name.lower(), value.decode("latin-1")) for name, value in answer.headers]
    cookies = tuple(value for name, value in headers if name == b"set-cookie")
    location = dict(headers).get(b"location", "") if 300 <= answer.status < 400 else ""
    challenge = dict(headers).get(b"www-authenticate", "")
    return LoadedPage(answer.status, location, cookies, body.decode("utf-8", "replace"), challenge)
