"""The web server of a party: a free port of this machine, for as long as its block runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from authlens_core.emulator.origins import bind, close_all
from authlens_core.emulator.uvicorn_server import QuietServer, serve

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from authlens_core.emulator.standard.standard_emulator import StandardEmulator


class PartyServer:
    """What each party is; an asynchronous context manager.

    Attributes:
        url: its origin, without a final slash.
    """

    HOST: ClassVar[str] = "127.0.0.1"
    """The host in its URL; a name below localhost tells a reader whose site it is."""

    def __init__(self) -> None:
        self._sockets = [bind("127.0.0.1", 0)]
        self.url = f"http://{self.HOST}:{self._sockets[0].getsockname()[1]}"
        self._running: QuietServer | None = None

    def _app(self) -> ASGIApp:
        """Return what answers its requests."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        self._running = await serve(self._app(), self._sockets)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running is not None:
            await self._running.stop()
        close_all(self._sockets)


class SecondResource(PartyServer):
    """Another resource of an emulator, on an origin of its own: where a token that is not for it is tried.

    Attributes:
        url: its origin, without a final slash.
    """

    HOST = "second.localhost"

    def __init__(self, emulator: StandardEmulator) -> None:
        super().__init__()
        self._resource = emulator.second_resource(self.url)

    def _app(self) -> ASGIApp:
        return self._resource
