"""Reading a record: pages, tabs, search, the player, and all requests of a session on one screen."""

import re

import pytest
from msgspec.structs import replace

from authlens_core.export.exchange_log import ExchangeLog
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.check import CheckId, Severity, judged
from authlens_core.values.exchange import Headers, Purpose, Request
from authlens_core.values.secret import Body
from authlens_tui.screens.trace.player import PlayerScreen
from authlens_tui.screens.trace.requests import RequestsScreen
from authlens_tui.screens.trace.trace import TraceScreen
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.record.diagram_view import DiagramView
from authlens_tui.widgets.record.record_lines import Tab
from support.driven_login import run_to
from support.screens import Gate, press, run_screen, scripted, text_of, until, wizard_on
from support.scripted_login import BEGAN, exchange, reply


async def test_a_long_body_is_read_with_the_keys_in_the_list_of_stages() -> None:
    """Pages, both ends, tabs, search and raw; the border says which key reads on, until the end is there."""
    login, _ = scripted()
    await run_to(login, Stage.PKCE)
    await login.aclose()
    screen = TraceScreen(login.trace)
    async with run_screen(screen, size=(80, 16)) as (app, pilot):
        view = screen.record_view
        screen.stepper.focus()
        await pilot.press("3")
        await pilot.pause()
        assert view.tab is Tab.RESPONSE
        document = view.document
        assert app.focused is screen.stepper
        assert "PgDn: more" in text_of(app)
        await press(pilot, "pagedown", then=lambda: document.scroll_offset.y > 0)
        await press(pilot, "end", then=lambda: document.scroll_offset.y == document.max_scroll_y)
        assert "PgDn: more" not in text_of(app)
        await press(pilot, "home", then=lambda: document.scroll_offset.y == 0)
        await pilot.press("B")
        await pilot.pause()
        assert "as sent" in text_of(app)
        await press(pilot, "slash", then=lambda: view.search_bar.is_open)
        assert view.search_bar.has_focus_within


async def test_enter_in_the_list_of_stages_goes_into_the_document() -> None:
    """Then the arrow keys read."""
    login, _ = scripted()
    await login.step()
    async with wizard_on(login) as (wizard, pilot, app):
        await until(pilot, lambda: app.focused is wizard.stepper)
        await press(pilot, "enter", then=lambda: app.focused is wizard.record_view.document)


async def test_while_the_link_is_shown_pages_turn_there_and_no_tab_is_offered() -> None:
    """The record is not what is read then."""
    login, _ = scripted()
    async with wizard_on(login, size=(80, 24)) as (wizard, pilot, _):
        await press(pilot, "a", then=lambda: login.wait.waiting and wizard.pane.switcher.current == "panel")
        assert wizard.area.read_widget is wizard.pane.panel
        assert wizard.area.check_action("in_record", ("search",)) is False
        wizard.stepper.focus()
        await pilot.press("pagedown", "pageup", "3")


async def test_the_diagram_follows_a_running_stage_to_its_last_arrow() -> None:
    """What is sent now is in view, however long the story is."""
    gate = Gate()
    login, sender = scripted(gate=gate)
    gate.open()
    await run_to(login, Stage.REGISTRATION)
    held = Gate()
    sender.before = held
    async with wizard_on(login, size=(80, 24)) as (wizard, pilot, _):
        await press(pilot, "5", "n", then=lambda: held.came == 1)
        diagram = wizard.record_view.query_one(DiagramView)
        await until(pilot, lambda: diagram.marked is not None and diagram.marked.stage is Stage.REGISTRATION)
        assert diagram.scroll_offset.y == diagram.max_scroll_y
        held.open()
        await until(pilot, lambda: login.running is None)


async def test_the_diagram_opens_at_the_arrow_that_failed() -> None:
    """Not at the first stage, which went well."""
    login, _ = scripted(register=reply(400, {"error": "invalid_client_metadata"}))
    await run_to(login, Stage.REGISTRATION)
    await login.step()
    async with wizard_on(login, size=(80, 24)) as (wizard, pilot, app):
        wizard.show_stage(Stage.REGISTRATION)
        await pilot.press("5")
        diagram = wizard.record_view.query_one(DiagramView)
        await until(pilot, lambda: diagram.marked is not None and diagram.marked.stage is Stage.REGISTRATION)
        await until(pilot, lambda: "400" in text_of(app))


@pytest.mark.parametrize("size", [(20, 5), (80, 24)])
async def test_reading_keys_do_no_harm_before_anything_is_there(size: tuple[int, int]) -> None:
    """The first screen of a login has little to turn."""
    async with wizard_on(size=size) as (wizard, pilot, _):
        await pilot.press("pagedown", "end", "pageup", "home", "B", "7", "5", "enter")
        assert wizard.is_running


async def test_the_names_of_the_lifelines_stay_above_what_is_scrolled_to() -> None:
    """Who the arrows belong to can be read at any place of a long story."""
    login, _ = scripted()
    await run_to(login, Stage.PKCE)
    await login.aclose()
    screen = TraceScreen(login.trace)
    async with run_screen(screen, size=(80, 16)) as (app, pilot):
        await pilot.press("5", "end")
        document = screen.record_view.document
        await until(pilot, lambda: document.scroll_offset.y > 0)
        names = [line for line in text_of(app).splitlines() if "You" in line and "Server" in line]
        assert len(names) == 1


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
