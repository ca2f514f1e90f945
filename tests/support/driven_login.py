"""Driving a login in a test: making one, running it to a stage, and looking at what it holds."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from authlens_core.login.login import Login
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.login_options import Options
from support.scripted_login import RESOURCE, ScriptedSender
from support.waiting import PATIENCE

__all__ = ["at", "failed", "is_free", "login_to", "port_of", "run_to", "until"]


@asynccontextmanager
async def login_to(
    sender: ScriptedSender, options: Options | None = None, **settings: Any
) -> AsyncIterator[Login]:
    """Yield a login to the scripted resource, and close it."""
    login = Login(RESOURCE, sender, options=options or Options(port=0, wait=60), **settings)
    try:
        yield login
    finally:
        await login.aclose()


async def run_to(login: Login, stage: Stage) -> None:
    """Run the stages before `stage`."""
    while login.position is not stage:
        record = await login.step()
        assert record.outcome is Outcome.PASSED, record.failures


async def until(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for a condition; time out when it does not come true."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


def at(login: Login) -> Stage | None:
    """Return the position; a call, so that a type checker does not think it stays."""
    return login.position


def failed(record: StageRecord | None) -> str:
    """Return the name of the first failed check of a failed record."""
    assert record is not None
    assert record.outcome is Outcome.FAILED
    return record.failures[0].name


def is_free(port: int) -> bool:
    """Whether a port of this machine can be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def port_of(login: Login) -> int:
    """Return the port of the listener that is bound."""
    listener = login.wait.listener
    assert listener is not None
    return listener.port
