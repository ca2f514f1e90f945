"""Fixtures for pytest: a simulated Cloudflare Access, MCP server or API for the tests of your own client.

In your `conftest.py`: `pytest_plugins = ["authlens_lab.emulator.fixture"]`. See docs/emulator.md.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from authlens_lab.emulator.emulator import Emulator
from authlens_lab.emulator.origins import SeenRequest
from authlens_lab.emulator.person import PlayResult, play_person
from authlens_lab.emulator.profile import Profile

_Result = TypeVar("_Result")
_Start = Callable[..., "RunningEmulator"]
_SECONDS = 30.0  # that a call into the thread may take; a login needs one or two


class RunningEmulator:
    """An emulator in a thread of its own, for tests with and without an event loop.

    Args:
        profile: `access`, `mcp`, `generic` or `machine`.
        settings: those of `Emulator`.
    """

    def __init__(self, profile: Profile | str = Profile.ACCESS, **settings: Any) -> None:
        self._loop = asyncio.new_event_loop()
        # A thread of its own, so that tests without an event loop can use the emulator.
        # A daemon: a test that is interrupted must not keep pytest from ending.
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.emulator: Emulator = self._in_thread(self._started(Profile(profile), settings))

    @staticmethod
    async def _started(profile: Profile, settings: dict[str, Any]) -> Emulator:
        emulator = Emulator(profile, **settings)
        await emulator.start()
        return emulator

    def _in_thread(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)

    def _called(self, work: Callable[[], _Result]) -> _Result:
        # In the thread of the loop, because nothing of an emulator is locked.
        async def call() -> _Result:
            return work()

        return self._in_thread(call())

    @property
    def resource_url(self) -> str:
        return self.emulator.resource_url

    @property
    def issuer(self) -> str:
        return self.emulator.issuer

    def sign_in(self, authorization_url: str, *, user: str = "ada") -> PlayResult:
        """Play the user: open the link, sign in, allow, and deliver the code to the callback."""
        return self._in_thread(play_person(authorization_url, user=user))

    def set_faults(self, *names: str) -> None:
        self._called(lambda: self.emulator.set_faults(names))

    def expire_access_tokens(self) -> None:
        """Expire every access token; refresh tokens still work."""
        self._called(self.emulator.expire_access_tokens)

    def revoke(self, user: str | None = None) -> None:
        """End the sessions and access tokens of a user, or of all; refresh tokens still work."""
        self._called(lambda: self.emulator.revoke_user_tokens(user))

    def end_grants(self) -> None:
        """End every grant: access tokens are refused, and a refresh answers invalid_grant."""
        self._called(self.emulator.end_grants)

    def deny(self, user: str) -> None:
        """Have the policy refuse a user, or a program of the profile `machine` by its id, until `allow`."""
        self._called(lambda: self.emulator.deny(user))

    def allow(self, user: str) -> None:
        self._called(lambda: self.emulator.allow(user))

    def reset(self) -> None:
        """Return to the state after the start, for the next test of a session."""
        self._called(self.emulator.reset)

    def requests(self) -> list[SeenRequest]:
        """Return the requests so far, oldest first; with `bodies=True`, each has its body."""
        return self._called(lambda: self.emulator.requests)

    def paths(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests()]

    def stop(self) -> None:
        self._in_thread(self.emulator.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.close()


def _started_until_the_end() -> Iterator[_Start]:
    """Yield what starts emulators, and stop all of them."""
    running: list[RunningEmulator] = []

    def start(profile: Profile | str = Profile.ACCESS, **settings: Any) -> RunningEmulator:
        running.append(RunningEmulator(profile, **settings))
        return running[-1]

    yield start
    for emulator in running:
        emulator.stop()


@pytest.fixture
def emulator_factory() -> Iterator[_Start]:
    """Start emulators of a profile, with settings of your own; all of them stop after the test."""
    yield from _started_until_the_end()


@pytest.fixture(scope="session")
def emulator_session_factory() -> Iterator[_Start]:
    """The same for fixtures of a wider scope; all of them stop after the last test."""
    yield from _started_until_the_end()


@pytest.fixture
def emulated_access(emulator_factory: _Start) -> RunningEmulator:
    """A simulated Cloudflare Access without a fault."""
    return emulator_factory(Profile.ACCESS)


@pytest.fixture
def emulated_mcp(emulator_factory: _Start) -> RunningEmulator:
    """A simulated MCP server without a fault."""
    return emulator_factory(Profile.MCP)


@pytest.fixture
def emulated_generic(emulator_factory: _Start) -> RunningEmulator:
    """A simulated API with OAuth without a fault."""
    return emulator_factory(Profile.GENERIC)


@pytest.fixture
def emulated_machine(emulator_factory: _Start) -> RunningEmulator:
    """A simulated API for programs without a fault: only machine grants, no user."""
    return emulator_factory(Profile.MACHINE)
