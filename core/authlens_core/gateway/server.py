"""The proxy on a socket of our own: loopback, or a Unix socket that only this account can open."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import uvicorn

from authlens_core.credentials.lifecycle.request_credential import RequestCredential
from authlens_core.gateway.forwarding import Mapping
from authlens_core.gateway.http_protocol import HttpProtocol
from authlens_core.gateway.reverse_proxy import Counters, ReverseProxy
from authlens_core.values.errors import UsageError
from authlens_core.values.url import Url
from authlens_core.wire.client import Wire

_BACKLOG: Final = 128
# Seconds for the answers under way when it stops.
_GRACE_SECONDS: Final = 1
_KEPT_FREE: Final = 4 * 1024 * 1024


class GatewayServer(uvicorn.Server):
    """Leaves signals to the program around it and writes no log."""

    def __init__(self, app: Any) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                interface="asgi3",
                http=HttpProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                # An answer has the fields of the resource, not those of this server.
                server_header=False,
                date_header=False,
                # They would let a client choose its own address, and the scheme of the URL.
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def serve_until_cancelled(self, listener: socket.socket) -> None:
        """Serve; at the cancellation close every connection first."""
        _keep_freed_memory()
        task = asyncio.create_task(self.serve([listener]))
        try:
            # Cancelled inside, uvicorn would leave its connections open.
            await asyncio.shield(task)
        finally:
            # By force: an event stream may have no end that could be waited for.
            self.should_exit = self.force_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await task
            for answering in self.server_state.tasks:
                answering.cancel()
            await asyncio.gather(*self.server_state.tasks, return_exceptions=True)


def _keep_freed_memory() -> None:
    """Spare each chunk of a body the page faults of memory that was just given back.

    glibc returns the free end of the heap to the system, by default from 128 KiB on, and has to ask for it
    again at the next chunk. Freeing one large block raises that limit to twice its size (mallopt(3),
    M_MMAP_THRESHOLD). The block itself is never touched, so it costs no memory.
    """
    bytes(_KEPT_FREE)


class LocalProxy:
    """A running proxy: what it serves, and what happened so far.

    Args:
        credential: for the resource.
        listener: a listening socket, on loopback or Unix.
    """

    def __init__(self, wire: Wire, credential: RequestCredential, listener: socket.socket) -> None:
        self._wire = wire
        self._credential = credential
        self._listener = listener
        self._mapping = _mapping(credential.resource, listener)
        self.counters = Counters()

    @property
    def resource(self) -> str:
        """The URL of the protected resource."""
        return self._mapping.upstream.text

    @property
    def url(self) -> str:
        """The URL that local programs use instead."""
        upstream = self._mapping.upstream
        if not self._mapping.local:
            return f"unix://{quote(str(self._listener.getsockname()))}#{upstream.target}"
        return f"{self._mapping.local}{self._mapping.prefix}{upstream.target}"

    @property
    def refreshes(self) -> int:
        """How often the credential was replaced by a newer one."""
        return self._credential.refreshes

    async def serve(self) -> None:
        """Serve until cancelled; then close every connection."""
        app = ReverseProxy(self._wire, self._credential, self._mapping, self.counters)
        await GatewayServer(app).serve_until_cancelled(self._listener)


def _mapping(resource: Url, listener: socket.socket) -> Mapping:
    # Only this account can open a Unix socket, so its address needs no secret.
    if listener.family != socket.AF_INET:
        return Mapping(resource)
    # Any page in a browser can send requests to a port of this machine, but it cannot guess this path.
    return Mapping(resource, f"http://127.0.0.1:{listener.getsockname()[1]}", f"/{secrets.token_urlsafe(24)}")


def loopback_socket(port: int) -> socket.socket:
    """Return a listening socket on 127.0.0.1; port 0 picks a free one.

    Raises:
        UsageError: the port cannot be had.
    """
    # Named TCP, because asyncio turns Nagle's delay of 40 ms off only where the protocol is not 0.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Here it means that a port whose last connections are being closed is free; on Windows, that a port
        # can be taken from the program that has it.
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"Port {port} cannot be used: {error.strerror or type(error).__name__}.",
            "Choose another --port, or omit it to use any free port.",
        ) from None
    return listener


@contextlib.contextmanager
def unix_listener(path: Path) -> Iterator[socket.socket]:
    """Yield a listening Unix socket with mode 0600; remove it at the end, and one that a dead process left.

    Raises:
        UsageError: the path is in use, or cannot be made.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise UsageError("This system has no Unix sockets.", "Use --port instead.")
    path = path.absolute()
    _remove_dead(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        # The mode is right from the first moment: between bind and chmod another account could connect.
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
            listener.listen(_BACKLOG)
        except OSError as error:
            raise UsageError(
                f"The socket {path!s} cannot be made: {error.strerror or str(error)}.",
                "Choose another --socket path; its directory must exist and belong to you.",
            ) from None
        finally:
            os.umask(before)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _remove_dead(path: Path) -> None:
    """Remove a socket on which nothing listens.

    Raises:
        UsageError: something listens there, or it is another kind of file.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    name = str(path)
    if not stat.S_ISSOCK(mode):
        raise UsageError(f"{name} exists and is not a socket.", "Choose another --socket path.")
    # The file outlives its process, so only a connection tells whether anyone listens.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(1.0)
        try:
            trial.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise UsageError(f"Another program listens on {name}.", "Stop it, or choose another --socket path.")
