"""Screens under test: an app around one of them, what stands on it, and a wait for something to be there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from rich.segment import Segment
from textual.pilot import Pilot
from textual.screen import Screen

from authlens_core.login.facts import Options
from authlens_core.login.login import Login
from authlens_core.oauth.http_message import Request
from authlens_core.secret import Secret
from authlens_tui.app import AuthlensApp
from authlens_tui.clipboard import Copied, CopyWay
from authlens_tui.screens.dashboard import DashboardScreen
from authlens_tui.screens.wizard import WizardScreen
from support.scripted_login import BEGAN, RESOURCE, Answer, ScriptedSender, honest

__all__ = [
    "Gate",
    "Host",
    "documents",
    "footer_keys",
    "free_port",
    "link_on",
    "raw_segments",
    "run_screen",
    "scripted",
    "text_of",
    "until",
    "wizard_on",
]

PATIENCE: Final = 10.0


class Host(AuthlensApp):
    """The shell around one screen; it notes what was copied and that the wizard was left."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        super().__init__(environ or {})
        self.animation_level = "none"
        self.copied: list[tuple[str, str]] = []
        self.left = 0
        self.wanted: list[str] = []

    async def copy(self, text: Secret | str, what: str) -> Copied:
        """Note what would be copied."""
        self.copied.append((what, text.reveal() if isinstance(text, Secret) else text))
        return Copied(CopyWay.NONE, 0, "")

    def on_dashboard_screen_login_wanted(self, message: DashboardScreen.LoginWanted) -> None:
        """Note the URL of the login that would begin."""
        self.wanted.append(message.url)

    def on_dashboard_screen_trace_wanted(self, message: DashboardScreen.TraceWanted) -> None:
        """Note the kind of the trace that would be shown."""
        self.wanted.append(message.trace.kind.value)

    def on_wizard_screen_left(self) -> None:
        """Note that the person is done, and leave the wizard as the program does."""
        self.left += 1
        self.pop_screen()


class Gate:
    """Holds up every request until it is opened."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self.came = 0

    async def __call__(self, _request: Request) -> None:
        """Count the request and hold it."""
        self.came += 1
        await self._open.wait()

    def open(self) -> None:
        """Let everything through from now on."""
        self._open.set()


@asynccontextmanager
async def run_screen(
    screen: Screen[Any], *, size: tuple[int, int] = (120, 40), notifications: bool = False
) -> AsyncIterator[tuple[Host, Pilot[int]]]:
    """Show `screen` in an app of its own."""
    app = Host()
    async with app.run_test(size=size, notifications=notifications) as pilot:
        await app.push_screen(screen)
        await pilot.pause()
        yield app, pilot


def scripted(
    *, gate: Gate | None = None, port: int = 0, **changes: Answer | list[Answer]
) -> tuple[Login, ScriptedSender]:
    """Return a login at an honest server, or one that answers with `changes`, and what it sends with."""
    sender = ScriptedSender(honest(**changes), before=gate)
    login = Login(RESOURCE, sender, options=Options(port=port), clock=lambda: BEGAN)
    return login, sender


@asynccontextmanager
async def wizard_on(
    login: Login, *, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[WizardScreen, Pilot[int], Host]]:
    """Show the wizard on `login`."""
    wizard = WizardScreen(login, "a test's memory")
    async with run_screen(wizard, size=size) as (app, pilot):
        yield wizard, pilot, app


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds, and then until the screen is drawn.

    Raises:
        TimeoutError: it never held.
    """
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await pilot.pause(0.01)
    await pilot.pause()


def raw_segments(app: AuthlensApp) -> list[list[Segment]]:
    """Return what the widgets drew, row by row, before the app's filters."""
    return [list(strip) for strip in app.screen._compositor.render_strips()]


def text_of(app: AuthlensApp) -> str:
    """Return what stands on the screen."""
    return "\n".join("".join(one.text for one in row).rstrip() for row in raw_segments(app))


def link_on(app: AuthlensApp) -> dict[str, str]:
    """Return the hyperlinks on the screen: each address with the text that it lies under."""
    found: dict[str, str] = {}
    for row in raw_segments(app):
        for one in row:
            if one.style is not None and one.style.link:
                found[one.style.link] = found.get(one.style.link, "") + one.text
    return found


def documents(wizard: WizardScreen) -> str:
    """Return everything that the tabs of a stage hold, as the person would see it on turning to them."""
    from authlens_tui.widgets.document import DocumentView
    from authlens_tui.widgets.record_view import Tab

    view = wizard.record_view
    held = [view.as_text(tab, masked=not view.revealed) for tab in Tab]
    return "\n".join([*held, *(one.plain for one in wizard.query(DocumentView))])


def footer_keys(app: AuthlensApp) -> set[str]:
    """Return the keys that the footer offers."""
    bindings = app.screen.active_bindings.values()
    return {app.get_key_display(one.binding) for one in bindings if one.binding.show and one.enabled}


def free_port() -> int:
    """Return a port that nobody holds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
