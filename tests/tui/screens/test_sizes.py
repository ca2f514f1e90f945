"""No screen dies of the size of its terminal. The pictures are swept over more sizes, see `support.screens`.

A screen without a picture is red in `test_snapshots`, so that a new one is swept, too.
"""

from __future__ import annotations

from random import Random
from typing import Final

import pytest
from textual.screen import Screen

from support.keyboard_use import says_how_to_leave
from support.screens import SWEPT, Picture, frozen, resized, run_screen
from tui.screens.test_snapshots import all_pictures

pytestmark = pytest.mark.slow

ALL: Final = all_pictures()
ONE_OF_EACH: Final = list({picture.screen: picture for picture in ALL}.values())
TINY: Final = (10, 2)


async def begun(picture: Picture) -> Screen[object]:
    """Return the screen that a picture begins with."""
    made = picture.make()
    return made if isinstance(made, Screen) else await made


@pytest.mark.parametrize("picture", ONE_OF_EACH, ids=str)
async def test_a_screen_that_begins_without_room_can_be_used_when_there_is_some(
    picture: Picture,
) -> None:
    """No widget measures before it has a size."""
    with frozen():
        async with run_screen(await begun(picture), size=TINY) as (app, pilot):
            top = app.screen
            await pilot.press("tab", "down", "up")
            await resized(app, pilot, (80, 24))
            assert app.screen is top
            assert await says_how_to_leave(app, pilot)


@pytest.mark.weekly
@pytest.mark.parametrize("picture", ALL, ids=str)
async def test_a_screen_lives_at_any_size_and_its_keys_too(picture: Picture) -> None:
    """The edges and twenty more sizes, from 10 x 2 to 240 x 70, and a key that draws at each."""
    chance = Random(str(picture))
    sizes = [(chance.randint(10, 240), chance.randint(2, 70)) for _ in range(20)]
    with frozen():
        async with run_screen(await begun(picture), size=picture.firsts[0]) as (app, pilot):
            await picture.walk(pilot)
            for size in (*sizes, *SWEPT):
                await resized(app, pilot, size)
                assert picture.closes or isinstance(app.screen, picture.screen), size
                await pilot.press(*(() if picture.closes else ("tab", "shift+tab", "down", "up")))
                assert app.is_running, size
