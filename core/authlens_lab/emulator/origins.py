"""Two origins on loopback, served in the running event loop until they are stopped."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections import deque
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict

from msgspec import Struct

from authlens_core.values.finish import finish
from authlens_core.values.secret import Unprinted
from authlens_lab.emulator.randomness import drawn_from, source_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from authlens_lab.emulator.uvicorn_server import OriginApp, QuietServer

BACKLOG: Final = 128  # connections that wait to be accepted
# Attempts to find a port that is free in both families.
ATTEMPTS: Final = 16
NO_IPV6: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}
MOST_REQUESTS: Final = 2_000
LONGEST_BODY: Final = 64 * 1024  # bytes of a request
NAMES: Final = ("127.0.0.1", "localhost")


class SeenRequest(Unprinted, Struct, frozen=True):
    """A request that reached the emulator: who was sent which credential, and no value of it.

    Attributes:
        origin: `app` or `team`; `resource` or `server` of a standard server.
        header_names: the field names in lower case, in order.
        body: its first 64 KiB, where bodies were asked for; None elsewhere.
    """

    origin: str
    method: str
    path: str
    header_names: tuple[str, ...]
    body: bytes | None = None


class LoopbackSettings(TypedDict, total=False):
    """The settings of every `LoopbackServer`."""

    port: int
    seed: int | None
    origin: ASGIApp | None
    bodies: bool
    names: tuple[str, str]


class LoopbackServer:
    """A resource on 127.0.0.1 and its authorization server on localhost; an asynchronous context manager.

    Two host names, because cookies ignore ports.

    Args:
        names: the host names in the URLs of the two; names of this machine.
        port: the resource's port; the other origin has the next one. 0 picks free ones.
        seed: makes ids, codes and opaque tokens the same at each start; signing keys stay random.
        origin: what answers a request that is let in; None for the emulator's own resource.
        bodies: whether the log of requests has their bodies.

    Attributes:
        origin: the application behind the login.
        origins: the names of the two in the log of requests.
        resource_origin: the resource's origin, without a final slash.
        server_url: the authorization server's origin, without a final slash; not always the issuer.
        stopping: set while it is stopped, for answers that would go on.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int | None = None,
        origin: ASGIApp | None = None,
        bodies: bool = False,
        names: tuple[str, str] = NAMES,
    ) -> None:
        self._port = port
        self._names = names
        self._bodies = bodies
        self.origin = None if origin is None else _origin_app(origin)
        self._source = source_of(seed)
        self._requests: deque[SeenRequest] = deque(maxlen=MOST_REQUESTS)
        self.origins = ("resource", "server")
        self.resource_origin = ""
        self.server_url = ""
        self.stopping = asyncio.Event()
        self._servers: list[QuietServer] = []
        self._running = AsyncExitStack()

    @property
    def requests(self) -> list[SeenRequest]:
        """The last 2,000 requests, oldest first."""
        return list(self._requests)

    def forget_requests(self) -> None:
        self._requests.clear()

    async def start(self) -> None:
        """Listen on both origins; return once they answer.

        Raises:
            OSError: a port is in use.
        """
        from authlens_lab.emulator.uvicorn_server import serve

        self.stopping.clear()
        async with AsyncExitStack() as stack:
            if self.origin is not None:
                stack.push_async_callback(self.origin.stop)
                await self.origin.start()
            # Two hosts and not two ports of one: cookies ignore ports, so the parties would share them (RFC
            # 6265 §8.5).
            resource = [bind("127.0.0.1", self._port)]
            stack.callback(close_all, resource)
            server = bind_both(self._port + 1 if self._port else 0)
            stack.callback(close_all, server)
            stack.push_async_callback(self._stop_servers)  # unwinds before the sockets are closed
            self.resource_origin, self.server_url = (
                f"http://{name}:{sockets[0].getsockname()[1]}"
                for name, sockets in zip(self._names, (resource, server), strict=True)
            )
            for name, app, sockets in zip(self.origins, self._build(), (resource, server), strict=True):
                self._servers.append(await serve(self._answering(name, app), sockets))
            # Only now: if anything before this fails, what was bound and started is undone.
            self._running = stack.pop_all()

    def _build(self) -> tuple[ASGIApp, ASGIApp]:
        """Return the applications of the two origins, whose URLs are known."""
        raise NotImplementedError

    def _answering(self, origin: str, app: ASGIApp) -> ASGIApp:
        """Return `app` for HTTP alone: its requests are in the log, and it draws values from our source."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                body, receive = await _read_ahead(receive) if self._bodies else (None, receive)
                self._note(origin, scope, body)
                with drawn_from(self._source):
                    await app(scope, receive, send)

        return answer

    def _note(self, origin: str, scope: Mapping[str, Any], body: bytes | None) -> None:
        names = tuple(name.decode("latin-1") for name, _ in scope["headers"])
        self._requests.append(SeenRequest(origin, scope["method"], scope["path"], names, body=body))

    async def stop(self) -> None:
        """Stop answering and free the ports; a second call does nothing."""
        # First: streams that never end wait for it, and would hold up the servers.
        self.stopping.set()
        running, self._running = self._running, AsyncExitStack()
        await running.aclose()

    async def _stop_servers(self) -> None:
        servers, self._servers = self._servers, []

        async def stop_all() -> None:
            await asyncio.gather(*(server.stop() for server in servers))

        await finish(stop_all())  # a server that is cancelled in it keeps its sockets in the loop

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _origin_app(app: ASGIApp) -> OriginApp:
    from authlens_lab.emulator.uvicorn_server import OriginApp

    return OriginApp(app)


async def _read_ahead(receive: Receive) -> tuple[bytes, Receive]:
    """Return the first bytes of a body, and what receives all of it again."""
    messages: deque[Any] = deque()
    body, more = b"", True
    while more and len(body) < LONGEST_BODY:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        more = message.get("more_body", False)

    async def receive_again() -> Any:
        return messages.popleft() if messages else await receive()

    return body[:LONGEST_BODY], receive_again


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket on a loopback address; port 0 picks a free one.

    Raises:
        OSError: the port is in use, or the address family is missing.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP, because asyncio turns Nagle's delay of 40 ms off only where the protocol is not 0.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def bind_both(port: int) -> list[socket.socket]:
    """Return listening sockets on 127.0.0.1 and, where there is one, ::1, with one port between them.

    Raises:
        OSError: the port is in use on one of them.
    """
    if port == 0:
        for _ in range(ATTEMPTS):  # a port that is free on 127.0.0.1 may be in use on ::1
            with contextlib.suppress(OSError):
                return _bind_pair(0)
    return _bind_pair(port)


def _bind_pair(port: int) -> list[socket.socket]:
    first = bind("127.0.0.1", port)
    try:
        return [first, bind("::1", first.getsockname()[1])]
    except OSError as error:
        if error.errno in NO_IPV6:
            return [first]
        first.close()
        raise


def close_all(listeners: list[socket.socket]) -> None:
    for listener in listeners:
        listener.close()
    listeners.clear()


def occupied(port: int) -> list[socket.socket]:
    """Listen on a port and never answer; an address that is in use already is left as it is."""
    listeners: list[socket.socket] = []
    # Both, because a client that finds one in use could still listen at the other (RFC 8252 §7.3).
    for host in ("127.0.0.1", "::1"):
        with contextlib.suppress(OSError):
            listeners.append(bind(host, port))
            port = listeners[0].getsockname()[1]
    return listeners
