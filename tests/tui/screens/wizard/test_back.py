"""Going back: the diagram says what was undone."""

from __future__ import annotations

from authlens_core.trace.record import Stage
from support.screens import scripted, text_of, until, wizard_on


async def test_the_diagram_names_the_stage_that_was_undone() -> None:
    login, _ = scripted()
    async with wizard_on(login) as (_, pilot, app):
        for _ in range(2):
            await login.step()
        await pilot.press("5")
        await until(pilot, lambda: "2 Resource metadata" in text_of(app))
        assert "(undone)" not in text_of(app)
        await pilot.press("b")
        await until(pilot, lambda: login.position is Stage.RESOURCE_METADATA)
        await until(pilot, lambda: "2 Resource metadata (undone)" in text_of(app))
