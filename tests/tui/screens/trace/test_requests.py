"""All requests of a session on one screen: live, filtered, and each to be read."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from authlens_core.export.exchange_log import ExchangeLog
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.check import CheckId, Severity, judged
from authlens_core.values.exchange import Headers, Purpose, Request
from authlens_core.values.secret import Body
from authlens_tui.screens.trace.requests import RequestsScreen
from authlens_tui.widgets.document.document import DocumentView
from support.screens import press, run_screen, text_of, until
from support.scripted_login import BEGAN, exchange, reply

TOKEN = Request("POST", "https://as.example/token", Headers(), Body(b"code=canary-code-1"))


def _log() -> ExchangeLog:
    log = ExchangeLog()
    log.note(exchange(reply(401)))
    log.note(replace(exchange(reply(400, {"error": "invalid_grant"}), TOKEN), purpose=Purpose.TOKEN))
    return log


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_request_that_is_sent_meanwhile_is_added(size: tuple[int, int]) -> None:
    log = _log()
    screen = RequestsScreen(log)
    async with run_screen(screen, size=size) as (app, pilot):
        await until(pilot, lambda: screen.table.row_count == 2)
        assert re.search(r"as\.example +/token ", text_of(app))
        assert "400" in text_of(app)
        log.note(exchange(reply(200), Request("GET", "https://app.example/later")))
        await until(pilot, lambda: "/later" in text_of(app))
        assert "canary" not in text_of(app)


async def test_a_request_is_shown_in_the_stage_that_sent_it() -> None:
    """Its diagram, checks and status are of that stage; before that ends, they are of such a request."""
    log = _log()
    screen = RequestsScreen(log)
    async with run_screen(screen) as (app, pilot):
        await until(pilot, lambda: screen.table.row_count == 2)
        screen.record_view.action_turn_to(5)
        await until(pilot, lambda: "7 Exchange" in text_of(app))
        assert "Probe" not in text_of(app)
        refused = judged(Severity.FAILURE, CheckId.TOKEN_CLOCK, "A token", actual="400")
        sent = log.exchanges[1][1]
        log.note_record(StageRecord(Stage.EXCHANGE, Outcome.FAILED, BEGAN, 1.0, (sent,), (refused,)))
        await until(pilot, lambda: "Checks 1✖" in text_of(app))
        assert any("error" in str(span.style) for span in screen.table.get_row_at(1)[3].spans)
        assert not any("error" in str(span.style) for span in screen.table.get_row_at(0)[3].spans)


async def test_a_tab_says_that_more_follows_only_where_more_does() -> None:
    log = ExchangeLog()
    log.note(exchange(reply(200, {f"member_{number}": number for number in range(60)}), TOKEN))
    screen = RequestsScreen(log)
    async with run_screen(screen, size=(120, 32)) as (_, pilot):
        await until(pilot, lambda: screen.table.row_count == 1)
        followed = []
        for number in (3, 7, 1, 3, 2, 3, 8, 4, 5):
            screen.record_view.action_turn_to(number)
            await pilot.pause()
            document = screen.record_view.document
            more = "PgDn" in str(document.border_subtitle)
            assert more is (document.max_scroll_y > document.scroll_y), document
            followed.append(more)
        assert {True, False} == set(followed)


async def test_words_narrow_the_list() -> None:
    screen = RequestsScreen(_log())
    async with run_screen(screen) as (app, pilot):
        await until(pilot, lambda: screen.table.row_count == 2)
        await press(pilot, "slash", *"post", "space", *"400", then="1 of 2")
        assert screen.table.row_count == 1
        screen.filter_field.value = "post 401"
        await until(pilot, lambda: "No request has all these words" in text_of(app))
        await pilot.press("enter")
        assert app.focused is screen.table


async def test_enter_reads_the_exchange_and_escape_leads_back_to_the_list() -> None:
    screen = RequestsScreen(_log())
    async with run_screen(screen, size=(80, 24)) as (app, pilot):
        await until(pilot, lambda: screen.table.row_count == 2)
        await press(pilot, "enter", then=lambda: isinstance(app.focused, DocumentView))
        await until(pilot, lambda: "invalid_grant" in text_of(app))
        await press(pilot, "escape", then=lambda: app.focused is screen.table)
        await press(pilot, "escape", then=lambda: app.screen is not screen)
