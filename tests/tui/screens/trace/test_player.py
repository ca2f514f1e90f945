"""The sequence as a player: step by step, and an attack beside the honest login."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_tui.screens.trace.player import PlayerScreen
from authlens_tui.screens.trace.trace import TraceScreen
from authlens_tui.widgets.record.diagram_view import DiagramView
from authlens_tui.widgets.record.record_lines import Tab
from support.screens import press, run_screen, text_of, until
from support.scripted_login import BEGAN, exchange, reply

HONEST = StageRecord(Stage.EXCHANGE, Outcome.PASSED, BEGAN, 0.0, (exchange(reply(200)),))
FIRST = StageRecord(Stage.DETECTION, Outcome.PASSED, BEGAN, 0.0, (exchange(reply(401)),))
ATTACK = replace(HONEST, exchanges=(exchange(reply(400)),), tampering=("code_verifier was replaced",))


def story(*records: StageRecord) -> Trace:
    return Trace("trace", TraceKind.LOGIN, "https://app.example/mcp", BEGAN, records)


def _sides(screen: PlayerScreen) -> list[DiagramView]:
    return list(screen.query(DiagramView))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_an_attacked_login_is_beside_the_honest_one(size: tuple[int, int]) -> None:
    screen = PlayerScreen(story(FIRST, HONEST, ATTACK))
    async with run_screen(screen, size=size) as (app, pilot):
        await until(pilot, lambda: "Attacked" in text_of(app) and "Honest" in text_of(app))
        honest, attacked = _sides(screen)
        await until(pilot, lambda: "400" in attacked.plain and "200" in honest.plain)
        assert "400" not in honest.plain


async def test_it_steps_from_arrow_to_arrow_and_escape_leads_back_from_one_that_was_opened() -> None:
    screen = PlayerScreen(story(FIRST, HONEST))
    async with run_screen(screen) as (app, pilot):
        await until(pilot, lambda: bool(_sides(screen)) and _sides(screen)[0].marked is not None)
        screen.step()
        [view] = _sides(screen)
        marked = view.marked
        assert marked is not None
        assert marked.reply
        await press(pilot, "enter", then=TraceScreen)
        opened = app.screen
        assert isinstance(opened, TraceScreen)
        assert opened.record_view.record is FIRST
        assert opened.record_view.tab is Tab.RESPONSE
        await press(pilot, "escape", then=screen)
        assert view.marked == marked
