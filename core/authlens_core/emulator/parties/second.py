"""Another resource of the same server, on an origin of its own: where a token that is not for it is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from authlens_core.emulator.origins import bind, close_all
from authlens_core.emulator.uvicorn_server import QuietServer, serve

if TYPE_CHECKING:
    from authlens_core.emulator.standard.standard_emulator import StandardEmulator


class SecondResource:
    """The other resource of an emulator that runs. Use it as an asynchronous context manager.

    Attributes:
        url: its origin, without a final slash.
    """

    def __init__(self, emulator: StandardEmulator) -> None:
        self._sockets = [bind("127.0.0.1", 0)]
        self.url = f"http://127.0.0.1:{self._sockets[0].getsockname()[1]}"
        self._app = emulator.second_resource(self.url)
        self._running: QuietServer | None = None

    async def __aenter__(self) -> Self:
        self._running = await serve(self._app, self._sockets)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running is not None:
            await self._running.stop()
        close_all(self._sockets)
