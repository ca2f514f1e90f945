"""A screen looks as Textual paints it, though nothing is painted that cannot be seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual._compositor import Compositor
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Region
from textual.pilot import Pilot
from textual.strip import Strip

from authlens_tui.app.base_app import BaseApp
from authlens_tui.terminal.front_screen import FrontScreen
from authlens_tui.terminal.measured import Static


class Noting(Vertical):
    """Notes which of its rows were painted."""

    painted: tuple[Region, ...] = ()

    def render_lines(self, crop: Region) -> list[Strip]:
        self.painted += (crop,)
        return super().render_lines(crop)


class Page(FrontScreen[None]):
    """A text that fills its container, one that does not, and one over both."""

    CSS = """
    Page { layers: below above; }
    #filled { height: 6; } #full { height: 6; }
    #loose { height: 6; background: $panel; padding: 1; } #short { width: 9; }
    #over { layer: above; width: 12; height: 3; offset: 4 1; border: round $primary; }
    """

    def compose(self) -> ComposeResult:
        with Noting(id="filled"):
            yield Static("one\ntwo\nthree", id="full")
        with Noting(id="loose"):
            yield Static("four", id="short")
        yield Static("over", id="over")


@asynccontextmanager
async def page() -> AsyncIterator[tuple[Page, Pilot[int]]]:
    app = BaseApp({})
    async with app.run_test(size=(40, 16)) as pilot:
        shown = Page()
        await app.push_screen(shown)
        await pilot.pause()
        for container in shown.query(Noting):
            container.painted = ()
        yield shown, pilot


def texts(screen: Page) -> list[str]:
    return [strip.text for strip in screen._compositor.render_strips()]


def texts_by_textual(screen: Page) -> list[str]:
    compositor = Compositor()
    compositor.reflow(screen, screen.size)
    return [strip.text for strip in compositor.render_strips()]


def test_a_screen_looks_as_textual_paints_it() -> None:
    async def main() -> None:
        async with page() as (screen, _):
            assert any("four" in text for text in texts(screen))
            assert texts(screen) == texts_by_textual(screen)

    asyncio.run(main())


def test_a_change_is_painted_as_textual_paints_it() -> None:
    async def main() -> None:
        async with page() as (screen, pilot):
            for name, text in (("#short", "a much longer one"), ("#full", "1\n2"), ("#over", "front")):
                screen.query_one(name, Static).update(text)
                await pilot.pause()

                assert texts(screen) == texts_by_textual(screen)

    asyncio.run(main())


def test_what_is_behind_a_changed_widget_is_not_painted() -> None:
    async def main() -> None:
        async with page() as (screen, pilot):
            screen.query_one("#full", Static).update("changed")
            await pilot.pause()

            assert screen.query_one("#filled", Noting).painted == ()

    asyncio.run(main())


def test_of_a_container_only_the_rows_of_a_change_are_painted() -> None:
    async def main() -> None:
        async with page() as (screen, pilot):
            container = screen.query_one("#loose", Noting)
            container.refresh(Region(0, 2, 38, 1))  # of what is within its padding
            await pilot.pause()

            assert container.painted == (Region(0, 3, 40, 1),)

    asyncio.run(main())
