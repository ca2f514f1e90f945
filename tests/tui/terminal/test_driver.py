"""The driver of a full screen, where Textual's own would wait for ever."""

import asyncio
import os
import signal
import sys

import pytest
from textual.app import App

from authlens_tui.terminal.driver import driver_class

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no job control")


async def test_a_stop_that_interrupts_a_write_waits_until_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The write holds the queue to the terminal, which leaving the full screen needs."""
    before = signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)
    driver = driver_class()(App())
    done: list[object] = []
    monkeypatch.setattr(driver, "suspend_application_mode", lambda: done.append("left"))
    monkeypatch.setattr(os, "kill", lambda _, number: done.append(number))
    try:
        handler = signal.getsignal(signal.SIGTSTP)
        assert callable(handler)
        handler(signal.SIGTSTP, None)
        assert done == []
        await asyncio.sleep(0)
        assert done == ["left", signal.SIGSTOP]
    finally:
        signal.signal(signal.SIGTSTP, before[0])
        signal.signal(signal.SIGCONT, before[1])
