"""A mistake in any screen ends the program with a report that holds no value, and with a code."""

import subprocess
import sys
from typing import Final

import pytest

from support.terminal import terminal

_PROGRAM: Final = """
import asyncio, sys
from datetime import UTC, datetime
from textual.binding import Binding
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.errors import NoSecretStore
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.wire.client import Wire
from authlens_tui.app.base_app import BaseApp
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.dashboard.new_login import NewLoginScreen
from authlens_tui.screens.store_choice import StoreChoiceScreen
from authlens_tui.screens.trace.trace import TraceScreen
from authlens_tui.screens.wizard.wizard import WizardScreen

NOW = datetime(2026, 1, 1, tzinfo=UTC)

def session():
    return Session(Wire(), Credentials.memory())

SCREENS = {
    "wizard": lambda: WizardScreen(start_login(session(), "https://a.example/"), "memory"),
    "dashboard": lambda: DashboardScreen(session()),
    "trace": lambda: TraceScreen(Trace("1", TraceKind.PROBE, "https://a.example/", NOW,
                                       (StageRecord(Stage.PROBE, Outcome.PASSED, NOW, 1.0),))),
    "confirm": lambda: ConfirmScreen("Sure?", "It matters.", "Do it"),
    "new login": lambda: NewLoginScreen(),
    "store choice": lambda: StoreChoiceScreen(NoSecretStore("None.", "Make one.")),
}

def fail():
    canary = "c4n4ry-" + "local"
    raise ValueError("c4n4ry-" + "message " + canary)

class Shown(BaseApp):
    def on_mount(self):
        self.push_screen(SCREENS[sys.argv[1]]())
        self.set_timer(0.3, lambda: HOW[sys.argv[2]](self.screen))

def in_a_handler(screen):
    screen.call_later(fail)

def in_a_worker(screen):
    async def work():
        fail()
    screen.run_worker(work(), description="a worker")

HOW = {"handler": in_a_handler, "worker": in_a_worker}

app = Shown()
app.run()
sys.exit(app.return_code or 0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["handler", "worker"])
@pytest.mark.parametrize("name", ["wizard", "dashboard", "trace", "confirm", "new login", "store choice"])
async def test_a_crash_tells_no_value(name: str, how: str) -> None:
    """Neither the message nor a local variable reaches the terminal, which is left as it was."""
    async with terminal([sys.executable, "-c", _PROGRAM, name, how], columns=100, rows=30) as screen:
        assert await screen.wait_for_exit() == 1
        assert b"c4n4ry" not in screen.raw
        assert b"authlens stopped" in screen.raw
        assert b"\x1b[?1049l" in screen.raw


def test_the_canary_would_be_seen() -> None:
    """The test above can fail: without the report, Python prints the message."""
    code = _PROGRAM[_PROGRAM.index("def fail") : _PROGRAM.index("class Shown")] + "\nfail()"
    plain = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert b"c4n4ry-message c4n4ry-local" in plain.stderr
