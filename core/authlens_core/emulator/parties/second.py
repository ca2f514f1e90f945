"""Another resource of the same server, on an origin of its own: where a token that is not for it is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authlens_core.emulator.parties.party_server import PartyServer

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from authlens_core.emulator.standard.standard_emulator import StandardEmulator


class SecondResource(PartyServer):
    """The other resource of an emulator that runs. Use it as an asynchronous context manager.

    Attributes:
        url: its origin, without a final slash.
    """

    HOST = "second.localhost"

    def __init__(self, emulator: StandardEmulator) -> None:
        super().__init__()
        self._resource = emulator.second_resource(self.url)

    def _app(self) -> ASGIApp:
        return self._resource
