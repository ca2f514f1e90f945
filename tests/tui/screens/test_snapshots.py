"""How the screens look, from values that never change: no port, no time and no chance is in a picture.

After a change that was meant, make them anew with `--snapshot-update`, and look at them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any, Final

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from authlens_core.callback.listener import Listener
from authlens_core.credentials.grants import Credentials
from authlens_core.errors import NoSecretStore
from authlens_core.login import login as login_module
from authlens_core.login import response_wait
from authlens_core.login.login import Login
from authlens_core.login.stages import STAGES
from authlens_core.session import Session
from authlens_core.trace.record import Stage
from authlens_core.wire.client import Wire
from authlens_core.wire.exchange import FailureKind, WireFailure
from authlens_tui.screens.confirm import ConfirmScreen
from authlens_tui.screens.dashboard import DashboardScreen
from authlens_tui.screens.new_login import NewLoginScreen
from authlens_tui.screens.store_choice import StoreChoiceScreen
from authlens_tui.screens.wizard import WizardScreen
from authlens_tui.widgets.authorization_panel import AuthorizationPanel
from support.grants import NOW, every_state
from support.screens import Host, scripted, until
from support.scripted_login import come_back

_CELLS: Final = ((80, 24), (120, 40), (200, 60))
SIZES: Final = [pytest.param((columns, rows), id=f"{columns}x{rows}") for columns, rows in _CELLS]
SMALL: Final = (80, 24)
_FOLDER: Final = "TEXTUAL_SNAPSHOT_TEMPDIR"
REPORT_FOLDER: Final = os.environ.get(_FOLDER, "")
"""Set by the plugin before the tests are read; taken from each test with Textual's other settings."""

Compare = Callable[..., bool]


class FixedListener:
    """Stands at a port that is always the same and that nobody really holds."""

    port = 8400
    redirect_uri = "http://localhost:8400/callback"
    on_event: object = None

    def expect(self, _judge: object) -> None:
        """Hear nothing."""

    async def close(self) -> None:
        """Hold nothing."""


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take chance, clocks and ports out of a login; leave the plugin the folder for its report."""
    monkeypatch.setenv(_FOLDER, REPORT_FOLDER)
    numbers: Iterator[int] = count()

    def bytes_of(length: int) -> bytes:
        return hashlib.sha256(str(next(numbers)).encode()).digest()[:length]

    async def fixed(**_wanted: object) -> FixedListener:
        return FixedListener()

    monkeypatch.setattr(STAGES[Stage.PKCE], "_random_bytes", bytes_of)
    monkeypatch.setattr(login_module, "time", SimpleNamespace(monotonic=lambda: 0.0))
    monkeypatch.setattr(response_wait, "_now", lambda: 0.0)
    monkeypatch.setattr(Listener, "open", fixed)


class Pictured(Host):
    """The shell with one screen on it."""

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self._pictured = screen

    def on_mount(self) -> None:
        """Show the screen."""
        self.push_screen(self._pictured)


def wizard_of(login: Login) -> Pictured:
    """Return the wizard on `login`, ready for a picture."""
    return Pictured(WizardScreen(login, "Secret Service"))


@pytest.mark.parametrize("size", SIZES)
def test_wizard_before_the_first_request(snap_compare: Compare, size: tuple[int, int]) -> None:
    """What would be sent is there, and the key that sends it."""
    assert snap_compare(wizard_of(scripted(port=8400)[0]), terminal_size=size)


@pytest.mark.parametrize("size", SIZES)
def test_wizard_after_a_stage_that_passed(snap_compare: Compare, size: tuple[int, int]) -> None:
    """The response as it was, in a border that says whose it is."""
    login, _ = scripted(port=8400)

    async def run(pilot: Pilot[int]) -> None:
        await pilot.press("n")
        await until(pilot, lambda: login.position is Stage.RESOURCE_METADATA)
        await pilot.press("right_square_bracket", "right_square_bracket")

    assert snap_compare(wizard_of(login), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES)
def test_wizard_waiting_for_the_browser(snap_compare: Compare, size: tuple[int, int]) -> None:
    """The link, the ways back, and the time that is left."""
    login, _ = scripted(port=8400)
    app = wizard_of(login)

    async def run(pilot: Pilot[int]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: login.wait.waiting and isinstance(app.focused, AuthorizationPanel))

    assert snap_compare(app, terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES)
def test_wizard_after_a_failure(snap_compare: Compare, size: tuple[int, int]) -> None:
    """Stage, cause, cure, and the keys that lead on."""
    refused = WireFailure(FailureKind.CONNECT, "as.example refused the connection.", "Is it running?", False)
    login, _ = scripted(port=8400, server=refused)

    async def run(pilot: Pilot[int]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: len(login.trace.records) == 3)

    assert snap_compare(wizard_of(login), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES)
def test_wizard_authenticated(snap_compare: Compare, size: tuple[int, int]) -> None:
    """All eight have passed."""
    login, _ = scripted(port=8400)
    login.watch(come_back(login))

    async def run(pilot: Pilot[int]) -> None:
        await pilot.press("a")
        await until(pilot, lambda: login.finished and login.running is None)

    assert snap_compare(wizard_of(login), terminal_size=size, run_before=run)


def dashboard_of(*, full: bool) -> Pictured:
    """Return the dashboard with a grant in every state, or empty."""
    credentials = Credentials.memory()
    for one in every_state() if full else ():
        credentials.index.switch(replace(one, generation=1), 1)
    return Pictured(DashboardScreen(Session(Wire(), credentials), now=lambda: NOW))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("full", [True, False], ids=["every-state", "empty"])
def test_dashboard(snap_compare: Compare, size: tuple[int, int], full: bool) -> None:
    """Every state by word and symbol; and how to begin where there is none."""
    assert snap_compare(dashboard_of(full=full), terminal_size=size)


@pytest.mark.parametrize(
    "screen",
    [
        ConfirmScreen("Revoke at the server?", "https://wiki.example.com/\n\nIt ends there.", "Revoke"),
        NewLoginScreen(),
        StoreChoiceScreen(NoSecretStore("There is no keyring here.", "Start gnome-keyring.")),
    ],
    ids=["confirm", "new-login", "store-choice"],
)
def test_question(snap_compare: Compare, screen: Screen[Any]) -> None:
    """The questions, with the focus where Enter does no harm."""

    async def still(pilot: Pilot[int]) -> None:
        for field in pilot.app.screen.query("Input"):
            field.cursor_blink = False  # type: ignore[attr-defined]

    assert snap_compare(Pictured(screen), terminal_size=SMALL, run_before=still)
