"""Make the pictures in this folder from the real program on the embedded emulator.

    python screenshots/make.py             every picture
    python screenshots/make.py NAME …      only these, such as `lesson`; the others stay as they are

Nothing is drawn by hand: the demo is walked with the keys that a user presses. A walk is a function that
presses keys and yields the name of a picture wherever one is to be taken; to add a picture, add a name to a
walk, or a walk to `WALKS`. Pictures that no walk takes any more are removed. `cast.svg` plays the pictures
named in `CAST` in turn.

Beside the pictures stands `manifest.json`: what is written on each of them, without what differs from run to
run (ports, times, ids), and the digest of the file. `tests/architecture/test_screenshots.py` walks again and
compares, so that a picture cannot grow old unnoticed; it names those to take again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from textual._context import visible_screen_stack
from textual.pilot import Pilot
from textual.widgets import OptionList

from authlens_core.trace.record import Stage, Trace
from authlens_lab.emulator import Fault
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.demo import DemoWorkspace
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.learn.catalogue import CatalogueScreen
from authlens_tui.screens.learn.question import QuestionScreen
from authlens_tui.screens.trace.comparison import CompareScreen
from authlens_tui.screens.wizard.lesson import LessonScreen
from authlens_tui.screens.wizard.tools import ExperimentResultScreen, WhatIfScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from authlens_tui.widgets.record.record_lines import Tab

__all__ = ["MANIFEST", "SIZE", "WALKS", "make", "written"]

FOLDER: Final = Path(__file__).parent
SIZE: Final = (120, 40)
MANIFEST: Final = "manifest.json"
_PATIENCE: Final = 30.0  # seconds for something to be on the screen
_TELLING: Final = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "NO_COLOR", "TMUX", "STY")  # it would show
_STATE: Final = "XDG_STATE_HOME"  # the progress of the course, which decides what a lesson asks


@dataclass
class Scene:
    """The demo while it is walked."""

    app: AuthlensApp
    pilot: Pilot[Any]
    plain: Trace | None = None
    """The login in which nothing was broken."""

    @property
    def wizard(self) -> WizardScreen | None:
        """The wizard, while it is shown."""
        return self.app.screen if isinstance(self.app.screen, WizardScreen) else None

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self.pilot.press(*keys)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds and the app has nothing left to do.

        Raises:
            TimeoutError: it took too long.
        """
        async with asyncio.timeout(_PATIENCE):
            while not condition():
                await self.pilot.pause(0.02)
            before = ""
            while not before or before != _steady(text_of(self.app)).strip():
                before = _steady(text_of(self.app)).strip()
                await self.pilot.pause()

    async def on(self, kind: type[object]) -> None:
        """Wait for a screen."""
        await self.until(lambda: isinstance(self.app.screen, kind))

    async def at(self, stage: Stage | None) -> None:
        """Wait until the login stands before `stage`; None: after the last."""
        await self.until(
            lambda: (
                self.wizard is not None
                and self.wizard.login.position is stage
                and self.wizard.login.running is None
            )
        )

    async def turn_to(self, tab: Tab) -> None:
        """Turn to a tab of the selected stage."""
        while self.wizard is not None and self.wizard.record_view.tab is not tab:
            await self.press("right_square_bracket")
        await self.until(lambda: True)

    async def log_in(self) -> None:
        """Run all stages and sign in, up to the link."""
        await self.on(WizardScreen)
        await self.press("a")
        await self.until(lambda: self.wizard is not None and self.wizard.login.wait.waiting)


async def plain_login(scene: Scene) -> AsyncIterator[str]:
    """The login in which nothing is broken, from the menu to the dashboard."""
    await scene.on(CatalogueScreen)
    yield "catalogue"
    await scene.press("enter")
    await scene.on(QuestionScreen)
    await scene.press("a")
    await scene.at(Stage.DETECTION)
    yield "wizard-before"
    await scene.press("n")
    await scene.at(Stage.RESOURCE_METADATA)
    await scene.turn_to(Tab.RESPONSE)
    yield "wizard-response"
    await scene.turn_to(Tab.OVERVIEW)
    await scene.press("l")
    await scene.on(LessonScreen)
    yield "lesson"
    await scene.press("escape")
    await scene.log_in()
    yield "wizard-authorization"
    await scene.press("s")
    await scene.at(None)
    scene.plain = scene.wizard.login.trace if scene.wizard else None
    yield "wizard-authenticated"
    await scene.turn_to(Tab.DIAGRAM)
    yield "wizard-diagram"
    await scene.press("d")
    await scene.on(CatalogueScreen)
    await scene.press("escape")
    await scene.on(DashboardScreen)


async def three_kinds(scene: Scene) -> AsyncIterator[str]:
    """The dashboard with an OAuth grant, a service token and a token of cloudflared."""
    await scene.log_in()
    await scene.press("s")
    await scene.at(None)
    await scene.press("d")
    await scene.on(DashboardScreen)
    await scene.until(lambda: "cloudflared" in text_of(scene.app))
    yield "dashboard"


async def again_with_an_attack(scene: Scene) -> AsyncIterator[str]:
    """The same login once more, with an attack that the server stops, and what differs between the two."""
    await scene.on(DashboardScreen)
    await scene.press("t")
    await scene.at(Stage.DETECTION)
    await scene.press("i")
    await scene.on(WhatIfScreen)
    yield "what-if"
    await scene.press("enter")
    await scene.log_in()
    await scene.press("s")
    await scene.on(ExperimentResultScreen)
    yield "what-if-verdict"
    await scene.press("escape")
    await scene.on(WizardScreen)
    if scene.plain is not None and scene.wizard is not None:
        names = ("a normal login", "with a wrong code_verifier")
        await scene.app.push_screen(CompareScreen(scene.plain, scene.wizard.login.trace, names))
        await scene.until(lambda: "Comparing" not in text_of(scene.app))
        yield "compare"


async def failure(scene: Scene) -> AsyncIterator[str]:
    """A login that is refused: what was seen, why, and the setting that cures it."""
    await scene.on(CatalogueScreen)
    await scene.press("slash", *"refused", "space", *"registration", "enter")
    await scene.until(lambda: isinstance(scene.app.focused, OptionList))  # several have the words
    await scene.press("enter")
    await scene.on(QuestionScreen)
    await scene.press("a")
    await scene.at(Stage.DETECTION)
    await scene.press("a")
    await scene.at(Stage.REGISTRATION)
    yield "wizard-failure"


OTHERS: Final = frozenset({Fault.SERVICE_AUTH_MISSING, Fault.BINDING_COOKIE})
"""The faults for which the demo holds a service token and a token of cloudflared."""
WALKS: Final = (
    (frozenset[Fault](), (plain_login, again_with_an_attack)),
    (frozenset[Fault](), (failure,)),
    (OTHERS, (three_kinds,)),
)
"""The walks with their faults; in a group, each continues where the one before it ended."""
CAST: Final = (
    "catalogue",
    "wizard-before",
    "wizard-response",
    "wizard-authorization",
    "wizard-authenticated",
    "wizard-diagram",
    "what-if",
    "what-if-verdict",
    "dashboard",
)
"""The pictures that the cast shows, in order."""


# -- taking pictures -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taken:
    """One picture: as a drawing, and what is written on it without what differs from run to run."""

    svg: str = field(repr=False)
    text: tuple[str, ...]


def text_of(app: AuthlensApp) -> str:
    """Return what is on the screen, a dialog over the screen below it."""
    visible_screen_stack.set(app._background_screens)  # noqa: SLF001 - as the app sets it when it paints
    rows = app.screen._compositor.render_strips()  # noqa: SLF001 - Textual has no public way
    return "\n".join("".join(one.text for one in row).rstrip() for row in rows)


_VARIES: Final = (
    (re.compile(r"https?://\S+|\S*(?:%[0-9A-F]{2}|&\w+=)\S*"), "…"),  # an address, or a piece of one
    (re.compile(r"#[0-9a-f]{8}\b"), "#…"),  # a fingerprint
    (re.compile(r"[\w.+/=~-]*\d[\w.+/=~-]{11,}|[\w.+/=~-]{32,}"), "…"),  # ids, codes, tokens
    (re.compile(r":\d{4,5}\b"), ":…"),  # a port
    (re.compile(r"\b\d{10}\b"), "(time)"),  # seconds since the epoch
    (re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4}|\b\d{4}-\d\d-\d\d"), "(date)"),
    (re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?"), "(time)"),
    (re.compile(r"(?:just )?now\b|\d+ (?:ms|s|min) ago"), "now"),
    (re.compile(r"(?<![\w.+])\d+(?:\.\d+)? (?:ms|s|min|h)(?!\w)"), "(duration)"),
    (re.compile(r"[█▇▆▅▄▃▂▁▔]+"), ""),  # a scroll bar, whose length follows from the rest
    (re.compile(r"[─━═╌╴╶]{2,}"), "──"),
    (re.compile(r"\d+ expected differences?"), "expected differences"),  # the same second has the same date
    (re.compile(r" {2,}"), " "),
)


def _steady(text: str) -> str:
    for pattern, instead in _VARIES:
        text = pattern.sub(instead, text)
    return text


@contextmanager
def _anywhere() -> Iterator[None]:
    """Take away for a while what would show where the pictures are made, and progress of the course."""
    kept = {name: os.environ.pop(name) for name in (*_TELLING, _STATE) if name in os.environ}
    with tempfile.TemporaryDirectory() as state:
        os.environ[_STATE] = state
        try:
            yield
        finally:
            del os.environ[_STATE]
            os.environ.update(kept)


def _free_port() -> int:
    """Return a port for the callback that is the same for every login of a walk: its client is then known."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def taken(wanted: Collection[str] = (), size: tuple[int, int] = SIZE) -> dict[str, Taken]:
    """Walk every walk, or until the wanted pictures are taken; return all that were taken, by name."""
    pictures: dict[str, Taken] = {}
    with _anywhere():
        for faults, walks in WALKS:
            if wanted and pictures.keys() >= set(wanted):
                break
            app = AuthlensApp(
                workspace=DemoWorkspace(faults, port=_free_port(), menu_first=not faults), environ={}
            )
            app.animation_level = "none"
            async with app.run_test(size=size) as pilot:
                scene = Scene(app, pilot)
                for walk in walks:
                    async for name in walk(scene):
                        svg = app.export_screenshot(title="authlens", simplify=True)
                        pictures[name] = Taken(svg, tuple(_steady(text_of(app)).splitlines()))
    return pictures


def written(pictures: Mapping[str, Taken]) -> dict[str, list[str]]:
    """Return what is written on each picture, as the manifest holds it."""
    return {name: list(one.text) for name, one in pictures.items()}


_OPENING: Final = re.compile(r"\s*<svg[^>]*>")
_FRAME: Final = re.compile(
    r'(<g class="frame" style="[^"]*">)(.*?)</g>(?=<g class="frame"|</svg>\n*\Z)', re.DOTALL
)


def _inside(picture: str) -> str:
    return picture[picture.index(">") + 1 : picture.rindex("</svg>")]


def cast(pictures: Sequence[str], seconds: float = 3.0) -> str:
    """Return one SVG that shows `pictures` (SVGs of one size) in turn, for ever.

    A reader who prefers reduced motion sees the first picture only.
    """
    whole = seconds * len(pictures)
    share = 100 / len(pictures)
    opening = _OPENING.match(pictures[0])
    if opening is None:
        raise ValueError("not a picture that Textual drew")
    frames = (
        f'<g class="frame" style="animation-delay:{number * seconds:g}s">{_inside(picture)}</g>'
        for number, picture in enumerate(pictures)
    )
    style = (
        f"@keyframes show{{0%,{share:.3f}%{{visibility:visible}}"
        f"{share + 0.001:.3f}%,100%{{visibility:hidden}}}}"
        f".frame{{visibility:hidden;animation:show {whole:g}s step-end infinite}}"
        "@media (prefers-reduced-motion:reduce){.frame{animation:none}"
        ".frame:first-of-type{visibility:visible}}"
    )
    return f"{opening[0]}<style>{style}</style>{''.join(frames)}</svg>\n"


def recast(before: str, pictures: Mapping[str, Taken]) -> str:
    """Return a cast in which the frames of `pictures` are new."""
    names = iter(CAST)

    def frame(match: re.Match[str]) -> str:
        name = next(names)
        return f"{match[1]}{_inside(pictures[name].svg)}</g>" if name in pictures else match[0]

    return _FRAME.sub(frame, before)


# -- files ---------------------------------------------------------------------------------------------


def make(wanted: Collection[str] = (), folder: Path = FOLDER) -> None:
    """Take every picture, or the wanted ones, and write them, their entries in the manifest, and the cast.

    Raises:
        KeyError: no walk takes a picture of that name.
    """
    pictures = asyncio.run(taken(wanted))
    manifest, film = folder / MANIFEST, folder / "cast.svg"
    if wanted:
        pictures = {name: pictures[name] for name in wanted}
        entries = json.loads(manifest.read_text("utf-8"))
        film.write_text(recast(film.read_text("utf-8"), pictures), "utf-8")
    else:
        entries = {}
        film.write_text(cast([pictures[name].svg for name in CAST]), "utf-8")
    for name, picture in pictures.items():
        entries[name] = _write_png(folder / f"{name}.png", picture)
    for path in folder.glob("*.png"):
        if path.stem not in entries:
            path.unlink()
    manifest.write_text(json.dumps(entries, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _write_png(path: Path, picture: Taken) -> dict[str, object]:
    """Write a picture; return its entry in the manifest."""
    import resvg_py  # only to write: the tests walk without it

    png = bytes(resvg_py.svg_to_bytes(svg_string=picture.svg, font_family="Fira Code"))
    path.write_bytes(png)
    return {"sha256": hashlib.sha256(png).hexdigest(), "text": list(picture.text)}


if __name__ == "__main__":
    make(sys.argv[1:])
