"""A screen that closes: its work ends before its widgets go."""

import asyncio
import inspect

from textual import work
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Input

from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.terminal_app import TerminalApp


class _GoesSlowly(Static):
    """A widget that is still going when others are gone; the work could go on meanwhile."""

    async def on_unmount(self) -> None:
        assert isinstance(self.screen, _Working)
        self.screen.may_go_on.set()
        for _ in range(10):
            await asyncio.sleep(0)


class _Working(Screen[None]):
    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = asyncio.Event()
        self.went_on = False

    def compose(self) -> ComposeResult:
        yield Static(id="shown")
        yield _GoesSlowly()
        yield Input()

    @work
    async def wait(self) -> None:
        await self.may_go_on.wait()
        self.went_on = True
        self.query_one("#shown")

    @work
    async def close_and_say_so(self) -> None:
        self.dismiss(None)
        await asyncio.sleep(0)
        self.went_on = True


async def test_work_does_not_go_on_while_the_widgets_of_its_screen_go() -> None:
    app = TerminalApp({})
    async with app.run_test() as pilot:
        screen = _Working()
        await app.push_screen(screen)
        screen.wait()
        await pilot.pause()
        await app.pop_screen()
        await pilot.pause()
        assert not screen.went_on


async def test_a_field_whose_suggestion_was_not_looked_for_yet_leaves_no_warning() -> None:
    app = TerminalApp({})
    async with app.run_test() as pilot:
        screen = _Working()
        await app.push_screen(screen)
        waiting = screen.may_go_on.wait()
        screen.query_one(Input).run_worker(waiting)
        screen.may_go_on.set()
        await app.pop_screen()
        await pilot.pause()
        assert inspect.getcoroutinestate(waiting) == inspect.CORO_CLOSED


async def test_the_work_that_closes_its_screen_goes_on() -> None:
    app = TerminalApp({})
    async with app.run_test() as pilot:
        screen = _Working()
        await app.push_screen(screen)
        await screen.close_and_say_so().wait()
        await pilot.pause()
        assert screen.went_on
