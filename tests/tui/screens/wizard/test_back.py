"""Going back: the diagram says what was undone."""

from __future__ import annotations

from authlens_core.trace.record import Stage
from support.screens import press, text_of, until, wizard_on


async def test_the_diagram_names_the_stage_that_was_undone() -> None:
    async with wizard_on() as (wizard, pilot, app):
        for _ in range(2):
            await wizard.login.step()
        await press(pilot, "5", then="2 Resource metadata")
        assert "(undone)" not in text_of(app)
        await press(pilot, "b", then=lambda: wizard.login.position is Stage.RESOURCE_METADATA)
        await until(pilot, lambda: "2 Resource metadata (undone)" in text_of(app))
