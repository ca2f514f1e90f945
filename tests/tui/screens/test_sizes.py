"""No screen dies of the size of its terminal, and every text on it can be read.

The pictures are swept over more sizes, see `support.screens`.

A screen without a picture is red in `test_snapshots`, so that a new one is swept, too.
"""

from collections.abc import Iterable
from random import Random
from typing import Final

import pytest
from rich.console import RenderableType
from textual.app import App
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen

from authlens_tui.screens.dashboard.batch_actions import ResultsScreen
from authlens_tui.screens.learn.lesson import CourseLessonScreen
from authlens_tui.screens.trace.open_session import OpenSessionScreen
from authlens_tui.screens.trace.requests import RequestsScreen
from support.pictures import Picture, frozen, keyboard_faults_of, resized, says_how_to_leave
from support.screens import Host, run_screen
from tui.contrast import THREE, too_faint
from tui.screens.test_snapshots import all_pictures

pytestmark = pytest.mark.slow

ALL: Final = all_pictures()
ONE_OF_EACH: Final = list({picture.screen: picture for picture in ALL}.values())
TINY: Final = (10, 2)
# What these show is read, or asked of a server, after they are open.
FILLED_LATER: Final = (CourseLessonScreen, OpenSessionScreen, RequestsScreen, ResultsScreen)
AT_ONCE: Final = [picture for picture in ONE_OF_EACH if picture.screen not in FILLED_LATER]


async def begun(picture: Picture) -> Screen[object]:
    made = picture.make()
    return made if isinstance(made, Screen) else await made


@pytest.mark.parametrize("picture", ONE_OF_EACH, ids=str)
async def test_a_screen_that_begins_without_room_can_be_read_and_used_when_there_is_some(
    picture: Picture,
) -> None:
    """No widget measures before it has a size; every text has its contrast, that below a dialog, too."""
    with frozen():
        async with run_screen(await begun(picture), size=TINY) as (app, pilot):
            await resized(app, pilot, picture.firsts[0])
            await picture.walk(pilot)
            assert isinstance(app.screen, picture.screen)
            assert await too_faint_in(THREE, app, pilot) == []
            assert await says_how_to_leave(app, pilot)


async def too_faint_in(themes: Iterable[str], app: Host, pilot: Pilot[int]) -> list[str]:
    """Return what cannot be read in each theme."""
    found = []
    for theme in themes:
        app.theme = theme
        await pilot.pause()
        found += [f"{theme}: {faint}" for faint in too_faint(app)]
    return found


@pytest.mark.parametrize(
    "picture", [each for each in ONE_OF_EACH if each.screen not in FILLED_LATER], ids=str
)
async def test_a_screen_is_drawn_in_its_layout_from_the_first_frame_on(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No widget has another place in a frame than in the next one, while nothing happens."""
    screen = await begun(picture)
    layouts: list[dict[str | None, Region]] = []

    def display(app: App[int], shown: Screen[object], update: RenderableType | None) -> None:
        if shown is screen and update is not None and not app._batch_count:
            widgets = screen._compositor.full_map.items()
            layouts.append({widget.id: place.region for widget, place in widgets if widget.id})

    monkeypatch.setattr(App, "_display", display)
    with frozen():
        async with run_screen(screen, size=(80, 24)):
            pass
    assert layouts
    assert all(layout == layouts[0] for layout in layouts)


@pytest.mark.weekly
@pytest.mark.parametrize("picture", ALL, ids=str)
async def test_a_screen_lives_at_any_size_and_its_keys_too(picture: Picture) -> None:
    """The edges and ten more sizes, from 10 x 2 to 240 x 70, and a key that draws at each."""
    chance = Random(str(picture))
    sizes = [(chance.randint(10, 240), chance.randint(2, 70)) for _ in range(10)]
    with frozen():
        async with run_screen(await begun(picture), size=picture.firsts[0]) as (app, pilot):
            await picture.walk(pilot)
            for size in sizes:
                await resized(app, pilot, size)
                assert picture.closes or isinstance(app.screen, picture.screen), size
                await pilot.press(*(() if picture.closes else ("tab", "shift+tab", "down", "up")))
                assert app.is_running, size
            assert await keyboard_faults_of(picture, app, pilot) == []


@pytest.mark.weekly
@pytest.mark.parametrize("picture", ALL, ids=str)
async def test_every_text_of_a_picture_can_be_read_in_every_theme(picture: Picture) -> None:
    with frozen():
        async with run_screen(await begun(picture), size=picture.firsts[0]) as (app, pilot):
            await picture.walk(pilot)
            assert await too_faint_in(sorted(app.available_themes), app, pilot) == []
