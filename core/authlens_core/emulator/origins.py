"""Two origins on loopback, served in the running event loop until they are stopped."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from authlens_core.emulator.request_log import RequestLog, SeenRequest
from authlens_core.emulator.sockets import bind, bind_both, close_all
from authlens_core.finish import finish

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from authlens_core.emulator.server import QuietServer


class LoopbackServer:
    """What both emulators are: a resource on 127.0.0.1 and its authorization server on localhost.

    Two host names, because cookies ignore ports. It is an asynchronous context manager, too.

    Args:
        port: the resource's port; the other origin has the next one. 0 picks free ones.
        log: the requests that reach it.
        stopping: set while it is stopped, for answers that would go on.
    """

    def __init__(self, port: int, log: RequestLog, stopping: asyncio.Event) -> None:
        self._port = port
        self._log = log
        self._stopping = stopping
        self._servers: list[QuietServer] = []
        self._running = AsyncExitStack()

    @property
    def requests(self) -> list[SeenRequest]:
        """The last 2,000 requests, oldest first."""
        return self._log.requests()

    def forget_requests(self) -> None:
        self._log.clear()

    async def start(self) -> None:
        """Listen on both origins; return once they answer.

        Raises:
            OSError: a port is in use.
        """
        from authlens_core.emulator.server import serve

        self._stopping.clear()
        async with AsyncExitStack() as stack:
            resource = [bind("127.0.0.1", self._port)]
            stack.callback(close_all, resource)
            server = bind_both(self._port + 1 if self._port else 0)
            stack.callback(close_all, server)
            stack.push_async_callback(self._stop_servers)  # unwinds before the sockets are closed
            urls = (
                f"http://127.0.0.1:{resource[0].getsockname()[1]}",
                f"http://localhost:{server[0].getsockname()[1]}",
            )
            for app, sockets in zip(self._build(*urls), (resource, server), strict=True):
                self._servers.append(await serve(app, sockets))
            self._running = stack.pop_all()

    def _build(self, resource_url: str, server_url: str) -> tuple[ASGIApp, ASGIApp]:
        """Return the applications of the two origins, given their URLs without a final slash."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Stop answering and free the ports; a second call does nothing."""
        self._stopping.set()
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
