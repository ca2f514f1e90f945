"""Screens under test: an app around one of them, what stands on it, a wait for something, and pictures."""

from __future__ import annotations

import asyncio
import hashlib
import html
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import unified_diff
from itertools import count
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, Final

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]
from rich.segment import Segment
from syrupy.assertion import SnapshotAssertion
from textual._context import visible_screen_stack
from textual.actions import parse as parse_action
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from authlens_core.login import callback_wait as response_wait
from authlens_core.login import login as login_module
from authlens_core.login import stage_work
from authlens_core.login.callback.listener import Listener
from authlens_core.login.login import Login
from authlens_core.login.stages import pkce_stage
from authlens_core.values.exchange import Request
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.user_screen import UserScreen
from authlens_tui.app.base_app import BaseApp
from authlens_tui.screens import cloudflared as cloudflared_module
from authlens_tui.screens.dashboard.context import LoginWanted, TraceWanted
from authlens_tui.screens.wizard import stage_pane, status_line
from authlens_tui.screens.wizard.wizard import WizardScreen
from authlens_tui.widgets.authorization import authorization_panel
from authlens_tui.widgets.record import jwt_lines
from authlens_tui.widgets.record.record_lines import Tab
from authlens_tui.widgets.record.record_view import RecordView
from support.keyboard_use import keyboard_faults, leaves, says_how_to_leave
from support.scripted_login import BEGAN, RESOURCE, Answer, ScriptedSender, honest
from support.waiting import PATIENCE

__all__ = [
    "SIZES",
    "Gate",
    "Host",
    "Picture",
    "differences",
    "documents",
    "drawn",
    "footer_keys",
    "frozen",
    "link_on",
    "raw_segments",
    "run_screen",
    "same_picture",
    "scripted",
    "tab_text",
    "text_of",
    "until",
    "without_method",
    "wizard_on",
]

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
        """Note what would be copied, and show what is said about it."""
        self.notify(f"Copied. {note}", title=what, markup=False)
        self.copied.append((what, text.reveal() if isinstance(text, Secret) else text))

    def on_dashboard_login_wanted(self, message: LoginWanted) -> None:
        """Note the URL of the login that would begin."""
        self.wanted.append(message.url)

    def on_dashboard_trace_wanted(self, message: TraceWanted) -> None:
        """Note the kind of the trace that would be shown, and whether it would be shown as a recording."""
        self.wanted.append(message.trace.kind.value)
        self.recordings.append(message.kept)

    def on_wizard_wizard_closed(self) -> None:
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


def raw_segments(app: BaseApp) -> list[list[Segment]]:
    """Return what the widgets drew, row by row, before the app's filters."""
    visible_screen_stack.set(app._background_screens)  # as the app does: a dialog tints the screen below
    return [list(strip) for strip in app.screen._compositor.render_strips()]


def text_of(app: BaseApp) -> str:
    """Return what stands on the screen."""
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
    """Return the keys that the footer offers."""
    bindings = app.screen.active_bindings.values()
    return {app.get_key_display(one.binding) for one in bindings if one.binding.show and one.enabled}


# -- pictures ------------------------------------------------------------------------------------------

SIZES: Final = ((80, 24), (120, 40), (200, 60))
"""The cells and rows that every screen is pictured in."""

SWEPT: Final = (
    *((240, 70), (120, 18), (80, 19), (80, 18), (20, 5), (10, 2)),
    *((40, 12), (80, 24), (120, 40)),
)
"""What a screen is resized to, one after the other, to find whether it lives and the keyboard still works."""

_USABLE: Final = (40, 12)  # cells and rows in which every screen can be used by keyboard
_STILL: Final = 6  # pauses in a row without a change that mean: it is drawn


async def _stays(_pilot: Pilot[int]) -> None:
    """Leave the screen as it came up."""


@dataclass(frozen=True)
class Picture:
    """A state of a screen that is pictured.

    Attributes:
        name: the state, in a few words; names the files.
        screen: the screen that is on top in it.
        make: returns the screen to begin with.
        walk: leads from there to the state.
        sizes: the terminals it is pictured in.
        anew: begin anew for each size, because what is said depends on the size it is said in; else one
            program is resized.
        closes: a resize closes it, because what it marks has moved; or any key does.
        ends_alone: no key leads out, because what is under way is not abandoned.
    """

    name: str
    screen: type[Screen[Any]]
    make: Callable[[], Screen[Any] | Awaitable[Screen[Any]]]
    walk: Callable[[Pilot[int]], Awaitable[None]] = _stays
    sizes: tuple[tuple[int, int], ...] = SIZES
    anew: bool = False
    closes: bool = False
    ends_alone: bool = False

    @property
    def firsts(self) -> tuple[tuple[int, int], ...]:
        """Return the sizes that a program begins in."""
        return self.sizes if self.anew else self.sizes[:1]

    def __str__(self) -> str:
        return self.name


class _FixedListener:
    """Stands at a port that is always the same and that nobody really holds."""

    port = 8400
    redirect_uri = "http://localhost:8400/callback"
    on_event: object = None

    def expect(self, _judge: object) -> None:
        """Hear nothing."""

    async def close(self) -> None:
        """Hold nothing."""


@contextmanager
def frozen() -> Iterator[None]:
    """Take chance, clocks, ports and the working directory out of what the screens show."""
    numbers = count()

    def bytes_of(length: int) -> bytes:
        return hashlib.sha256(str(next(numbers)).encode()).digest()[:length]

    async def fixed(**_wanted: object) -> _FixedListener:
        return _FixedListener()

    def now(_zone: object = None) -> datetime:
        return BEGAN + timedelta(minutes=1)

    still = SimpleNamespace(monotonic=lambda: 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pkce_stage, "token_bytes", bytes_of)
        for module in (login_module, stage_work, authorization_panel, cloudflared_module):
            patch.setattr(module, "time", still)
        for module in (status_line, stage_pane, jwt_lines):
            patch.setattr(module, "datetime", SimpleNamespace(now=now))
        patch.setattr(response_wait, "_now", lambda: 0.0)
        # The tests themselves may run in a container.
        patch.setattr(UserScreen, "in_container", property(lambda _: False))
        patch.setattr(Listener, "open", fixed)
        patch.chdir(os.environ["HOME"])
        yield


async def drawn(pilot: Pilot[int]) -> str:
    """Return the screen as a drawing, once nothing moves any more."""
    app = pilot.app
    assert isinstance(app, BaseApp)
    for field in app.screen.query(Input):
        field.cursor_blink = False
    before, still = "", 0
    async with asyncio.timeout(PATIENCE):
        while still < _STILL:
            await pilot.pause()
            now = text_of(app)
            before, still = now, still + 1 if now == before else 0
    return app.export_screenshot(title="authlens", simplify=True)


async def look_at(picture: Picture) -> tuple[dict[str, str], list[str]]:
    """Return the drawings of a state, by size, and then what is wrong with it for the keyboard."""
    found: dict[str, str] = {}
    wrong: list[str] = []
    for first in picture.firsts:
        made = picture.make()
        screen = made if isinstance(made, Screen) else await made
        async with run_screen(screen, size=first) as (app, pilot):
            await picture.walk(pilot)
            for size in (first,) if picture.anew else picture.sizes:
                if size != first:
                    await resized(app, pilot, size)
                found["{}x{}".format(*size)] = await drawn(pilot)
                assert isinstance(app.screen, picture.screen), f"{app.screen} is on top"
            if first == picture.firsts[-1]:
                wrong = await keyboard_faults_of(picture, app, pilot)
    return found, wrong


async def keyboard_faults_of(picture: Picture, app: Host, pilot: Pilot[int]) -> list[str]:
    """Make the screen smaller and larger again; return what the keyboard lacks at each size."""
    found: list[str] = []
    for size in SWEPT:
        await resized(app, pilot, size)
        assert picture.closes or isinstance(app.screen, picture.screen), f"{app.screen} is on top at {size}"
        if size < _USABLE:
            continue
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await until(pilot, lambda: not keyboard_faults(app.screen))
                # It may have held for the layout of before: the focus follows a moment after the new one.
                while keyboard_faults(app.screen):
                    await until(pilot, lambda: not keyboard_faults(app.screen))
        found += [f"{size}: {fault}" for fault in keyboard_faults(app.screen)]
    if not await says_how_to_leave(app, pilot):
        found.append("ctrl+c does not say which key leaves")
    if not (picture.ends_alone or await leaves(app, pilot)):
        found.append("no key leads out")
    return found


async def resized(app: Host, pilot: Pilot[int], size: tuple[int, int]) -> None:
    """Make the terminal this large, and wait until the screen is."""
    await pilot.resize_terminal(*size)
    await until(pilot, lambda: app.screen.size == size)


def _words_in(drawing: str) -> list[str]:
    """Return what is written in a drawing, row by row."""
    rows: dict[float, list[str]] = {}
    for y, words in re.findall(r'<text [^>]*?y="([\d.]+)"[^>]*>([^<]*)</text>', drawing):
        rows.setdefault(float(y), []).append(html.unescape(words).replace("\xa0", " "))
    return ["".join(rows[y]).rstrip() for y in sorted(rows)]


async def differences(picture: Picture, snapshot: SnapshotAssertion) -> str:
    """Return what is not as in the files, and what a keyboard cannot do there; empty where all is well.

    Both are looked at in one program: to walk to a state takes longer than to look at it.
    """
    with frozen():
        drawings, wrong = await look_at(picture)
    different = (same_picture(svg, snapshot, name) for name, svg in drawings.items())
    return "\n".join([*filter(None, different), *wrong])


def same_picture(drawing: str, snapshot: SnapshotAssertion, name: str) -> str:
    """Hold a drawing against its file; return what differs, or the empty string."""
    asked = snapshot.use_extension(SVGImageExtension)(name=name)
    if asked == drawing:
        return ""
    execution = list(asked.executions.values())[-1]
    before = _words_in(str(execution.recalled_data or ""))
    told = "\n".join(unified_diff(before, _words_in(drawing), "file", "now", n=0, lineterm=""))
    return f"{name}: {told or 'only colours or styles differ'}"
