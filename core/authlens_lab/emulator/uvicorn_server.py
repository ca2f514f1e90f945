"""uvicorn as a task among others, without signals and output, and the lifespan of a caller's application."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from authlens_core.values.finish import finish, finish_first

if TYPE_CHECKING:
    from uvicorn.lifespan.on import LifespanOn

# Seconds for the answers under way when it stops.
GRACE_SECONDS: Final = 1


class QuietServer(uvicorn.Server):
    """Leaves signals to the program around it, and reports when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self._stopping = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        """Wait until it is stopped: uvicorn's own loop looks ten times a second."""
        # It says whether an end was asked for before the loop began.
        if not await self.on_tick(0):
            await self._stopping.wait()

    async def stop(self) -> None:
        """Close the sockets and the connections, and wait until that is done."""
        self.should_exit = True
        self._stopping.set()
        if self.task is not None:
            await self.task


async def serve(app: ASGIApp, sockets: list[socket.socket]) -> QuietServer:
    config = uvicorn.Config(
        app,
        http="h11",  # the pure Python parser: the other one may not be installed
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,  # the edge writes its own, which may be wrong on purpose
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = QuietServer(config)
    server.task = asyncio.create_task(server.serve(sockets))
    listening = asyncio.create_task(server.listening.wait())
    started = asyncio.wait({listening, server.task}, return_when=asyncio.FIRST_COMPLETED)
    # uvicorn does not close the sockets of a server that is stopped before it listens.
    _, cancelled = await finish_first(started)
    if cancelled:
        await finish(server.stop())
        raise asyncio.CancelledError
    if not listening.done():
        listening.cancel()
        await server.task  # it ended before it listened: let its error out
    return server


class OriginApp:
    """The application, which sees who is logged in as `scope["user"]`.

    Args:
        app: an ASGI application, with a lifespan or without.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._lifespan: LifespanOn | None = None

    async def start(self) -> None:
        """Start the application's lifespan, if it has one.

        Raises:
            RuntimeError: the application did not start.
        """
        import uvicorn
        from uvicorn.lifespan.on import LifespanOn

        config = uvicorn.Config(self._app, lifespan="auto", log_config=None, proxy_headers=False)
        config.load()
        self._lifespan = LifespanOn(config)
        await self._lifespan.startup()
        if self._lifespan.should_exit:
            raise RuntimeError("the application behind the login did not start")

    async def stop(self) -> None:
        if self._lifespan is not None:
            await self._lifespan.shutdown()

    def answer(self, user: str) -> Response:
        """Return what it answers to a request of `user`."""
        state: dict[str, Any] = {} if self._lifespan is None else self._lifespan.state
        return _FromOrigin(self._app, {"user": user, "state": dict(state)})


class _FromOrigin(Response):
    """The answer of the application, passed on as it comes."""

    def __init__(self, app: ASGIApp, added: dict[str, Any]) -> None:
        super().__init__()
        self._app = app
        self._added = added

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Without what the emulator's own routing put there: the application has its own.
        added = {**scope, **self._added}
        for key in ("path_params", "endpoint", "router"):
            added.pop(key, None)
        await self._app(added, receive, send)
