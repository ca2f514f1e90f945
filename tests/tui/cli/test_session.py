"""Opening the session of a verb: what it started is closed however that ends."""

import asyncio
import threading
from contextlib import AsyncExitStack

import pytest

from authlens_core.credentials.vault.open_store import OpenedStore
from authlens_tui.cli import session as module
from support.waiting import PATIENCE
from tui.watched_store import WatchedStore


async def test_ctrl_c_while_a_login_still_loads_closes_its_store(monkeypatch: pytest.MonkeyPatch) -> None:
    store, opened, loaded = WatchedStore(), asyncio.Event(), threading.Event()

    async def open_place(*_: object, **__: object) -> OpenedStore:
        opened.set()
        return OpenedStore(store, ())

    monkeypatch.setattr(module, "open_place", open_place)
    async with AsyncExitStack() as stack:
        stack.callback(loaded.set)
        entering = asyncio.create_task(
            stack.enter_async_context(
                module.open_session(prove_keyring=True, loads=lambda: loaded.wait(PATIENCE))
            )
        )
        await opened.wait()
        await asyncio.sleep(0)
        entering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await entering
    assert store.closed
