"""Pictures of screens: a state of a screen, its drawing, and what a keyboard can do in it."""

import asyncio
import hashlib
import html
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import unified_diff
from itertools import count
from types import SimpleNamespace
from typing import Any, Final

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]
from syrupy.assertion import SnapshotAssertion
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from authlens_core.login import callback_wait as response_wait
from authlens_core.login import login as login_module
from authlens_core.login import stage_work
from authlens_core.login.callback.listener import Listener
from authlens_core.login.stages import authorization_stage
from authlens_core.values.user_screen import UserScreen
from authlens_tui.app.base_app import BaseApp
from authlens_tui.screens import cloudflared as cloudflared_module
from authlens_tui.screens.wizard import stage_pane, status_line
from authlens_tui.screens.wizard.link import QrScreen
from authlens_tui.widgets.authorization import authorization_panel
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.record import jwt_lines
from support.screens import Host, run_screen, text_of, until
from support.scripted_login import BEGAN
from support.waiting import PATIENCE

_LOOK: Final = 0.005  # seconds between two looks
_WAYS_OUT: Final = ("escape", "escape", "escape", "d", "b", "q")


def keyboard_faults(screen: Screen[Any]) -> list[str]:
    """Return what is wrong with a screen as it is drawn now."""
    if isinstance(screen, QrScreen):
        return []  # nothing but the code and the words beside it, which name the keys
    found = []
    focused = screen.focused
    if focused is None:
        found.append("nothing has the focus")
    elif not _seen(focused):
        found.append(f"the focus is on {focused!r}, which is not on the screen")
    footers = [one for one in screen.query(KeyFooter) if _seen(one)]
    if not footers:
        found.append("there is no footer")
    elif not footers[0].render_line(0).text.strip():
        found.append("the footer is empty")
    return found


def _seen(widget: Widget) -> bool:
    return widget.is_on_screen and bool(widget.region.intersection(widget.screen.region).area)


async def leaves(app: App[Any], pilot: Pilot[Any]) -> bool:
    """Press what leads back or out, one key after the other; return whether the screen went."""
    screen, ended = app.screen, []
    app.exit = lambda *_, **__: ended.append(True)  # type: ignore[method-assign]
    for key in _WAYS_OUT:
        await pilot.press(key)
        await pilot.pause()
        if app.screen is not screen or ended:
            return True
    return False


async def says_how_to_leave(app: App[Any], pilot: Pilot[Any]) -> bool:
    """Press ctrl+c; return whether the answer names the keys that leave, or that what ran is stopped.

    On a busy machine the answer comes late, and goes by itself: it is looked for until it is there.
    """
    app.clear_notifications()
    await pilot.press("ctrl+c")
    said = False
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not (said := _names_a_way_out(app)):
                await asyncio.sleep(_LOOK)
    await pilot.pause()
    return said


def _names_a_way_out(app: App[Any]) -> bool:
    return any("ctrl+c again" in one.message or "to quit." in one.message for one in app._notifications)


SIZES: Final = ((80, 24), (120, 40))
"""The columns and rows in which every screen is pictured."""

SMALL: Final = SIZES[:1]
"""Enough for a dialog, which looks the same in a larger terminal."""

NOT_DRAWN: Final = ()
"""A state without a file: `test_sizes` still brings it up at many sizes and in all themes."""

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
        sizes: the terminals it is pictured in; none where only its behaviour is tested.
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
        sizes = self.sizes or SIZES
        return sizes if self.anew else sizes[:1]

    def __str__(self) -> str:
        return self.name


def drawn_of(pictures: Iterable[Picture]) -> list[Picture]:
    return [one for one in pictures if one.sizes]


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
        patch.setattr(authorization_stage, "token_bytes", bytes_of)
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
