"""Two origins on loopback, served in the running event loop until they are stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from authlens_core.emulator.request_log import RequestLog, SeenRequest
from authlens_core.emulator.sockets import bind, bind_both, close_all

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from authlens_core.emulator.server import QuietServer


class LoopbackServer:
    """What both emulators are: started and stopped, also as an asynchronous context manager, with a log.

    Args:
        log: the requests that reach it.
    """

    def __init__(self, log: RequestLog) -> None:
        self._log = log
        self._origins = Origins()

    @property
    def requests(self) -> list[SeenRequest]:
        """The last 2,000 requests, oldest first."""
        return self._log.requests()

    def forget_requests(self) -> None:
        self._log.clear()

    async def start(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        """Stop; a second call does nothing."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class Origins:
    """A resource on 127.0.0.1 and its authorization server on localhost.

    Two host names, because cookies ignore ports.
    """

    def __init__(self) -> None:
        self._servers: list[QuietServer] = []
        self._running = AsyncExitStack()

    async def start(self, port: int, build: Callable[[str, str], tuple[ASGIApp, ASGIApp]]) -> None:
        """Listen on both origins; return once they answer.

        Args:
            port: the resource's port; the other origin has the next one. 0 picks free ones.
            build: returns the applications of the two origins, given their URLs without a final slash.

        Raises:
            OSError: a port is in use.
        """
        from authlens_core.emulator.server import serve

        async with AsyncExitStack() as stack:
            resource = [bind("127.0.0.1", port)]
            stack.callback(close_all, resource)
            server = bind_both(port + 1 if port else 0)
            stack.callback(close_all, server)
            stack.push_async_callback(self._stop_servers)  # unwinds before the sockets are closed
            urls = (
                f"http://127.0.0.1:{resource[0].getsockname()[1]}",
                f"http://localhost:{server[0].getsockname()[1]}",
            )
            for app, sockets in zip(build(*urls), (resource, server), strict=True):
                self._servers.append(await serve(app, sockets))
            self._running = stack.pop_all()

    async def stop(self) -> None:
        """Stop answering and free the ports; a second call does nothing."""
        running, self._running = self._running, AsyncExitStack()
        await running.aclose()

    async def _stop_servers(self) -> None:
        servers, self._servers = self._servers, []
        await asyncio.gather(*(server.stop() for server in servers))
