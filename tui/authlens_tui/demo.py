"""The demo: the program on the embedded emulator. No account, no network, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from authlens_core.credentials.open_store import OpenedStore, memory_only
from authlens_core.emulator.emulator import Emulator
from authlens_core.emulator.faults import Fault
from authlens_core.emulator.person import play_person
from authlens_core.login.facts import Options
from authlens_tui.program import Program
from authlens_tui.screens.wizard import Player

__all__ = ["DemoApp"]

_TOKEN_LIFETIME: Final = 120  # seconds: long enough to look around, short enough to see it end


class DemoApp(Program):
    """Starts the emulator, then the wizard on its resource.

    Args:
        faults: what the emulator breaks.
        play: true when the demo signs in by itself as soon as the link is there.
        port: the callback port.
        environ: the environment to go by; the process's own by default.
    """

    def __init__(
        self,
        *,
        faults: Collection[Fault] = (),
        play: bool = False,
        port: int = 8400,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(environ=environ)
        self._emulator = Emulator(faults=faults, access_token_lifetime=_TOKEN_LIFETIME)
        self._play = play
        self._port = port

    async def prepare(self) -> None:
        """Start the emulator before the first screen."""
        await self._emulator.__aenter__()
        self._start_url = self._emulator.resource_url

    async def on_unmount(self) -> None:
        """Stop the emulator when everything that speaks to it has ended."""
        await super().on_unmount()
        await self._emulator.__aexit__(None, None, None)

    def options(self) -> Options:
        """Use the callback port that was asked for."""
        return Options(port=self._port)

    def suggestion(self) -> str:
        """Suggest the emulator's resource."""
        return self._emulator.resource_url

    def player(self) -> Player | None:
        """Play the person at the emulator's page, over real HTTP."""
        return _sign_in

    async def open_place_for_secrets(self) -> OpenedStore | None:
        """Keep the demo's tokens in memory: they are worth nothing and clutter no keyring."""
        return replace(memory_only(), notes=())

    def start_login(self, url: str, *, play: bool = False) -> None:
        """Open the wizard; with --play the demo signs in when the link is there."""
        super().start_login(url, play=play or self._play)


async def _sign_in(url: str) -> str:
    try:
        result = await play_person(url)
    except (OSError, TimeoutError, ValueError):
        return "The demo's person could not open the emulator's page. Open the link in a browser instead."
    if result.delivered:
        return "Signed in as ada@example.com at the emulator's page; the browser's answer is on its way."
    return "Signed in, but the emulator's page did not lead back. In a browser you would see why."
