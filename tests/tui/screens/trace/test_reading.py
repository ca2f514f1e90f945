"""Reading while the list of stages has the keys: pages, tabs, search, and what follows the story."""

from __future__ import annotations

import pytest

from authlens_core.trace.record import Stage
from authlens_tui.screens.trace.trace import TraceScreen
from authlens_tui.widgets.record.diagram_view import DiagramView
from authlens_tui.widgets.record.record_lines import Tab
from support.driven_login import run_to
from support.screens import Gate, press, run_screen, scripted, text_of, until, wizard_on
from support.scripted_login import reply


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
