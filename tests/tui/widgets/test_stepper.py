"""The list of stages where there are more of them than room."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual import on
from textual.app import ComposeResult
from textual.pilot import Pilot

from authlens_tui.app.base_app import BaseApp
from authlens_tui.widgets.stepper import StageStep, Stepper, StepState
from support.screens import text_of


class Listed(BaseApp):
    """The list alone, as it is asked to be."""

    def __init__(self, count: int, looked_at: int, *, line: bool) -> None:
        super().__init__({})
        self._count, self._looked_at, self._line = count, looked_at, line

    def compose(self) -> ComposeResult:
        yield Stepper(classes="-line" if self._line else "")

    def on_mount(self) -> None:
        """Fill it."""
        stepper = self.query_one(Stepper)
        stepper.styles.height = 1 if self._line else "100%"
        stepper.steps = tuple(
            StageStep(number, f"Stage number {number}, with a name that is long", StepState.DONE, 0.01)
            for number in range(1, self._count + 1)
        )
        stepper.selected = self._looked_at

    @on(Stepper.Chosen)
    def _chosen(self, message: Stepper.Chosen) -> None:
        self.query_one(Stepper).selected = message.index


@asynccontextmanager
async def listed(
    count: int, looked_at: int, *, line: bool = False, size: tuple[int, int] = (40, 12)
) -> AsyncIterator[tuple[Stepper, Pilot[int], Listed]]:
    """Show that many steps."""
    app = Listed(count, looked_at, line=line)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app.query_one(Stepper), pilot, app


@pytest.mark.parametrize("looked_at", [0, 50, 299])
async def test_the_stage_that_is_looked_at_is_always_in_view(looked_at: int) -> None:
    """The list scrolls with it, says which it is, and a cut name shows that it is cut."""
    async with listed(300, looked_at) as (_, __, app):
        shown = text_of(app)
        assert f" {looked_at + 1} Stage" in shown
        assert f"{looked_at + 1} of 300" in shown
        assert "…" in shown


@pytest.mark.parametrize("looked_at", [0, 150, 299])
async def test_one_line_has_the_name_however_many_stages_there_are(looked_at: int) -> None:
    """Signs that reach to the edge would say nothing."""
    async with listed(300, looked_at, line=True, size=(80, 5)) as (_, __, app):
        shown = text_of(app)
        assert f"{looked_at + 1} Stage number {looked_at + 1}" in shown
        assert "✔" in shown


async def test_a_click_in_a_list_that_has_scrolled_chooses_what_stands_there() -> None:
    """Not what would stand there at the top."""
    async with listed(300, 150) as (stepper, pilot, app):
        rows = text_of(app).splitlines()
        place = next(number for number, row in enumerate(rows) if " 149 Stage" in row)
        await pilot.click(offset=(6, place))
        await pilot.pause()
        assert stepper.selected == 148


async def test_few_stages_stand_as_they_always_did() -> None:
    """Nothing is counted where all are seen."""
    async with listed(8, 0, size=(80, 12)) as (_, __, app):
        assert " of 8" not in text_of(app)
