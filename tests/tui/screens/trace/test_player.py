"""The sequence as a player: step by step, and an attack beside the honest login."""

from __future__ import annotations

from dataclasses import replace

import pytest

from authlens_core.trace.arrows import Arrow
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_tui.screens.trace.player import PlayerScreen
from authlens_tui.widgets.record.diagram_view import DiagramView
from support.screens import run_screen, text_of, until
from support.scripted_login import BEGAN, exchange, reply

HONEST = StageRecord(Stage.EXCHANGE, Outcome.PASSED, BEGAN, 0.0, (exchange(reply(200)),))
FIRST = StageRecord(Stage.DETECTION, Outcome.PASSED, BEGAN, 0.0, (exchange(reply(401)),))
ATTACK = replace(HONEST, exchanges=(exchange(reply(400)),), tampering=("code_verifier was replaced",))


def _sides(screen: PlayerScreen) -> list[DiagramView]:
    return list(screen.query(DiagramView))


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_an_attacked_login_is_beside_the_honest_one(size: tuple[int, int]) -> None:
    screen = PlayerScreen((FIRST, HONEST, ATTACK))
    async with run_screen(screen, size=size) as (app, pilot):
        await until(pilot, lambda: "Attacked" in text_of(app) and "Honest" in text_of(app))
        honest, attacked = _sides(screen)
        await until(pilot, lambda: "400" in attacked.plain and "200" in honest.plain)
        assert "400" not in honest.plain


async def test_it_steps_from_arrow_to_arrow_and_enter_opens_one() -> None:
    screen = PlayerScreen((FIRST, HONEST))
    opened: list[object] = []
    async with run_screen(screen) as (app, pilot):
        app.pop_screen()
        app.push_screen(screen := PlayerScreen((FIRST, HONEST)), opened.append)
        await until(pilot, lambda: bool(_sides(screen)) and _sides(screen)[0].marked is not None)
        screen.step()
        [view] = _sides(screen)
        assert view.marked is not None
        assert view.marked.reply
        await pilot.press("enter")
        await until(pilot, lambda: bool(opened))
        [arrow] = opened
        assert isinstance(arrow, Arrow)
        assert (arrow.record_index, arrow.exchange_index, arrow.reply) == (0, 0, True)
