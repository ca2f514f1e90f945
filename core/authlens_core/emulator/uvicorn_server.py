"""A uvicorn server that is a task among others: no signal handlers, no output."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from authlens_core.values.finish import finish, finish_first

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
