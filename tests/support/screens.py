"""Screens under test: an app around one of them, what it shows, and a wait for something."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from operator import attrgetter
from typing import Any, Final, cast

import pytest
from rich.segment import Segment
from textual import app as app_module
from textual import pilot as pilot_module
from textual._context import visible_screen_stack
from textual.actions import parse as parse_action
from textual.pilot import Pilot
from textual.screen import Screen

from authlens_core.login.login import Login
from authlens_core.values.exchange import Request
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_tui.app.base_app import BaseApp
from authlens_tui.screens.dashboard.context import LoginWanted, TraceWanted
from authlens_tui.screens.wizard.wizard import WizardScreen
from authlens_tui.widgets.record.record_lines import Tab
from authlens_tui.widgets.record.record_view import RecordView
from support.scripted_login import BEGAN, RESOURCE, Answer, ScriptedSender, honest
from support.waiting import PATIENCE

_ROUNDS: Final = 3  # turns of the loop in which nothing else ran: what a socket has is read in the turn after
_SOON: Final = 0.04  # seconds: a timer due within them is waited for. One draws the screen, within 33 ms
_PAUSE: Final = 0.001  # seconds between two looks at threads
_MOST: Final = 0.3  # seconds for timers and threads that have no end, such as a clock on the screen
_BUSY: Final = 20.0  # seconds for a loop that always has something to run


async def settled(*_bounds: float) -> None:
    """Return once nothing of this loop can run, no timer is due at once and no thread of it is at work.

    Textual compares the processor's time with the clock's instead. On a busy machine the process does not run
    for a while, and seems to be idle with a key half handled.
    """
    loop = asyncio.get_running_loop()
    began, quiet, waited = loop.time(), 0, 0.0
    while quiet < _ROUNDS and loop.time() - began < _BUSY:
        await asyncio.sleep(0)
        if _runs_more(loop):
            quiet = 0
        elif waited < _MOST and (wait := _soon(loop) or _threads(loop)):
            before = loop.time()
            await asyncio.sleep(wait)
            waited += loop.time() - before
            quiet = 0
        else:
            quiet += 1


def _runs_more(loop: Any) -> bool:
    return bool(loop._ready)


def _soon(loop: Any) -> float:
    left: list[float] = [one._when - loop.time() for one in loop._scheduled if not one._cancelled]
    return max(min(left), _PAUSE) if left and min(left) <= _SOON else 0.0


def _threads(loop: Any) -> float:
    pool = loop._default_executor
    return _PAUSE if pool is not None and pool._idle_semaphore._value < len(pool._threads) else 0.0


@contextmanager
def waits_until_settled() -> Iterator[None]:
    """Let a pilot wait so, after each key and in each pause."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (app_module, pilot_module):
            patch.setattr(module, "wait_for_idle", settled)
        yield


_LOOK: Final = 0.005


class Host(BaseApp):
    """The shell around one screen; it notes what was copied and that the wizard was left."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        super().__init__(environ or {})
        self.animation_level = "none"
        self.copied: list[tuple[str, str]] = []
        self.left = 0
        self.wanted: list[str] = []
        self.recordings: list[bool] = []

    async def copy(self, text: Secret | str, what: str, *, note: str = "") -> None:
        self.notify(f"Copied. {note}", title=what, markup=False)
        self.copied.append((what, text.reveal() if isinstance(text, Secret) else text))

    def on_dashboard_login_wanted(self, message: LoginWanted) -> None:
        self.wanted.append(" as ".join(filter(None, (message.url, message.account))))

    def on_dashboard_trace_wanted(self, message: TraceWanted) -> None:
        self.wanted.append(message.trace.kind.value)
        self.recordings.append(message.is_stored)

    def on_wizard_wizard_closed(self) -> None:
        self.left += 1
        self.pop_screen()


class Gate:
    """Holds up every request until it is opened."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self.came = 0

    async def __call__(self, _request: Request) -> None:
        self.came += 1
        await self._open.wait()

    def open(self) -> None:
        self._open.set()


@asynccontextmanager
async def run_screen(
    screen: Screen[Any],
    *,
    size: tuple[int, int] = (120, 40),
    notifications: bool = False,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[Host, Pilot[int]]]:
    """Show `screen` in an app of its own."""
    app = Host(environ)
    async with app.run_test(size=size, notifications=notifications) as pilot:
        await app.push_screen(screen)
        await pilot.pause()
        yield app, pilot


def scripted(
    *, gate: Gate | None = None, port: int = 0, **changes: Answer | list[Answer]
) -> tuple[Login, ScriptedSender]:
    sender = ScriptedSender(honest(**changes), before=gate)
    login = Login(RESOURCE, sender, options=Options(port=port), clock=lambda: BEGAN)
    return login, sender


@asynccontextmanager
async def wizard_on(
    login: Login | None = None, *, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[WizardScreen, Pilot[int], Host]]:
    wizard = WizardScreen(login or scripted()[0], "a test's memory")
    async with run_screen(wizard, size=size) as (app, pilot):
        yield wizard, pilot, app


def without_method(screen: Screen[Any], target: object) -> list[str]:
    """Return the actions of a screen's keys that name no method, of it or of `target`."""
    missing = []
    for _, binding in screen._bindings:
        elsewhere, name, arguments = parse_action(binding.action)
        if elsewhere:
            continue
        owner, path = (target, str(arguments[0])) if name == "act" else (screen, f"action_{name}")
        try:
            attrgetter(path)(owner)
        except AttributeError:
            missing.append(binding.action)
    return missing


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds, and then until the screen is drawn.

    Raises:
        TimeoutError: it never held; with what the screen shows.
    """
    now = asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(PATIENCE):
            began = now()
            while not condition():
                # Not `pilot.pause`: it sends a message to every widget, each time. A look at the whole screen
                # takes long, and most of the time is the program's.
                await asyncio.sleep(max(_LOOK, 4 * (now() - began)))
                began = now()
    except TimeoutError as never:
        shown = text_of(pilot.app) if isinstance(pilot.app, BaseApp) else ""
        raise TimeoutError(f"after {PATIENCE:.0f} s the screen shows:\n{shown}") from never
    await pilot.pause()


async def press(
    pilot: Pilot[Any], *keys: str, then: str | Screen[Any] | type[Screen[Any]] | Callable[[], bool]
) -> None:
    """Press `keys`, and wait for a text, for a screen or one of its kind, or for a condition."""
    app = pilot.app
    await pilot.press(*keys)
    if isinstance(then, str):
        await until(pilot, lambda: then in text_of(cast(BaseApp, app)))
    elif isinstance(then, type):
        await until(pilot, lambda: isinstance(app.screen, then))
    elif isinstance(then, Screen):
        await until(pilot, lambda: app.screen is then)
    else:
        await until(pilot, then)


def raw_segments(app: BaseApp) -> list[list[Segment]]:
    visible_screen_stack.set(app._background_screens)  # as the app does: a dialog tints the screen below
    return [list(strip) for strip in app.screen._compositor.render_strips()]


def text_of(app: BaseApp) -> str:
    return "\n".join("".join(one.text for one in row).rstrip() for row in raw_segments(app))


def link_on(app: BaseApp) -> dict[str, str]:
    """Return the hyperlinks on the screen: each address with the text that it lies under."""
    found: dict[str, str] = {}
    for row in raw_segments(app):
        for one in row:
            if one.style is not None and one.style.link:
                found[one.style.link] = found.get(one.style.link, "") + one.text
    return found


def tab_text(view: RecordView, tab: Tab | None = None) -> str:
    """Return everything that a tab of a record holds, the open one by default; secrets as they are shown."""
    key = view._key(view.tab if tab is None else tab, masked=not view.revealed)
    return "\n".join(view._made.make(key).texts)


def documents(wizard: WizardScreen) -> str:
    """Return everything that the tabs of a stage hold, as the person would see it on turning to them."""
    from authlens_tui.widgets.document.document import DocumentView

    view = wizard.record_view
    held = [tab_text(view, tab) for tab in Tab]
    return "\n".join([*held, *(one.plain for one in wizard.record_view.query(DocumentView))])


def footer_keys(app: BaseApp) -> set[str]:
    bindings = app.screen.active_bindings.values()
    return {app.get_key_display(one.binding) for one in bindings if one.binding.show and one.enabled}
