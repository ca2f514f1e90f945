"""Fixtures for pytest: a simulated Cloudflare Access for the tests of your own client.

In your `conftest.py`: `pytest_plugins = ["authlens_core.emulator.fixture"]`. See docs/emulator.md.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest

from authlens_core.emulator.emulator import Emulator
from authlens_core.emulator.person import PlayResult, play_person

_Result = TypeVar("_Result")
_SECONDS = 30.0


class EmulatedAccess:
    """An emulator in a thread of its own, for tests with and without an event loop.

    Args:
        settings: those of `Emulator`.
    """

    def __init__(self, **settings: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.emulator = self._in_thread(self._made(settings))

    @staticmethod
    async def _made(settings: dict[str, Any]) -> Emulator:
        emulator = Emulator(**settings)
        await emulator.start()
        return emulator

    def _in_thread(self, work: Awaitable[_Result]) -> _Result:
        async def awaited() -> _Result:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(_SECONDS)

    def _called(self, work: Callable[[], _Result]) -> _Result:
        async def call() -> _Result:
            return work()

        return self._in_thread(call())

    @property
    def resource_url(self) -> str:
        """The protected resource."""
        return self.emulator.resource_url

    @property
    def issuer(self) -> str:
        """The authorization server."""
        return self.emulator.issuer

    def sign_in(self, authorization_url: str, *, user: str = "ada") -> PlayResult:
        """Play the user: open the link, sign in, allow, and deliver the code to the callback."""
        return self._in_thread(play_person(authorization_url, user=user))

    def set_faults(self, *names: str) -> None:
        """Replace the faults; without a name, nothing is broken."""
        self._called(lambda: self.emulator.set_faults(names))

    def expire_access_tokens(self) -> None:
        """Expire every access token; refresh tokens still work."""
        self._called(self.emulator.expire_access_tokens)

    def paths(self) -> list[str]:
        """Return what was asked so far, such as `GET /`."""
        return self._called(lambda: [f"{one.method} {one.path}" for one in self.emulator.requests])

    def stop(self) -> None:
        """Stop the emulator and its thread."""
        self._in_thread(self.emulator.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.close()


@pytest.fixture
def emulated_access_factory() -> Iterator[Callable[..., EmulatedAccess]]:
    """Start emulators with settings of your own; all of them stop after the test."""
    running: list[EmulatedAccess] = []

    def start(**settings: Any) -> EmulatedAccess:
        running.append(EmulatedAccess(**settings))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def emulated_access(emulated_access_factory: Callable[..., EmulatedAccess]) -> EmulatedAccess:
    """A simulated Cloudflare Access without a fault."""
    return emulated_access_factory()
