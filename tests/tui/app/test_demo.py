"""The demo: the menu leads through one scenario after another, each at an emulator that begins anew."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from authlens_core.trace.record import Stage
from authlens_lab.emulator import Fault
from authlens_lab.learning.desk.course import Course
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.demo import DemoWorkspace
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.dashboard.new_login import NewLoginScreen
from authlens_tui.screens.learn.catalogue import CatalogueScreen
from authlens_tui.screens.learn.question import QuestionScreen
from authlens_tui.screens.opening import OpeningScreen
from authlens_tui.screens.palette import possible_actions
from authlens_tui.screens.wizard.wizard import WizardScreen
from support.made_checks import present
from support.screens import footer_keys, press, text_of, until

pytestmark = pytest.mark.slow


@asynccontextmanager
async def the_menu() -> AsyncIterator[tuple[AuthlensApp, Pilot[int]]]:
    """Run the demo up to its menu."""
    app = AuthlensApp(workspace=DemoWorkspace(port=0, menu_first=True), environ={})
    app.animation_level = "none"
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, CatalogueScreen))
        yield app, pilot


async def choose(app: AuthlensApp, pilot: Pilot[int], *keys: str, predicted: str = "a") -> None:
    """Find a scenario by its words, start it, and predict."""
    if isinstance(app.screen, CatalogueScreen) and app.screen.find.display:
        await pilot.press("escape")
    if keys:
        await pilot.press("slash", *keys)
        await pilot.press("enter")
    await press(pilot, "enter", then=QuestionScreen)
    await pilot.press(predicted)


async def the_wizard(app: AuthlensApp, pilot: Pilot[int]) -> WizardScreen:
    await until(pilot, lambda: isinstance(app.screen, WizardScreen))
    assert isinstance(app.screen, WizardScreen)
    return app.screen


async def log_in(app: AuthlensApp, pilot: Pilot[int]) -> None:
    """Walk the login with the keys that the screen offers."""
    wizard = await the_wizard(app, pilot)
    await press(pilot, "a", then=lambda: wizard.login.wait.waiting)
    await press(pilot, "s", then=lambda: wizard.login.finished and wizard.login.running is None)


@pytest.mark.parametrize(("words", "key"), [("Detection", "x"), ("You acted once", "q")])
async def test_the_demo_opens_with_a_login_that_any_key_ends(
    words: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle or at its end; it leaves no credential and no request, and the key does no more."""
    monkeypatch.setattr(OpeningScreen, "STEP", 0.001)
    app = AuthlensApp(workspace=DemoWorkspace(menu_first=True, opens=True), environ={})
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, OpeningScreen) and words in text_of(app))
        assert "any key ends it" in text_of(app)
        await press(pilot, key, then=CatalogueScreen)
        assert present(app.session).credentials.list() == ()
        assert present(app.controller).records.log.count == 0


async def test_leaving_a_scenario_leads_back_to_the_menu_with_its_answer() -> None:
    """The plain login, from the menu and back; the next start knows it, until all starts over."""
    async with the_menu() as (app, pilot):
        await choose(app, pilot)
        await log_in(app, pilot)
        await press(pilot, "d", then=CatalogueScreen)
        shown = " ".join(text_of(app).split())
        assert "✖ A normal login" in shown
        assert "You predicted a. Your trace shows" in shown
        assert "PKCE: it generates a secret" in shown
    async with the_menu() as (app, pilot):
        await until(pilot, lambda: "✖ A normal login" in text_of(app))
        assert "You predicted a. Your trace shows c, " in " ".join(text_of(app).split())
    assert await Course().start_over()
    async with the_menu() as (app, pilot):
        await until(pilot, lambda: "A normal login" in text_of(app))
        assert "✖ A normal login" not in text_of(app)


async def test_the_end_of_a_login_answers_the_question_and_leads_to_the_next_one() -> None:
    """The card is below the record; the next login is compared with this one, or run again."""
    async with the_menu() as (app, pilot):
        await choose(app, pilot)
        await log_in(app, pilot)
        assert "Your trace shows c" in text_of(app)
        assert "You act only in stage 6" in text_of(app)
        assert not {"="} & footer_keys(app)
        await press(pilot, "N", then=QuestionScreen)
        await pilot.press("c")
        wizard = await the_wizard(app, pilot)
        await pilot.press("a")
        await until(pilot, lambda: wizard.runner.failed is not None and wizard.login.running is None)
        await press(pilot, "equals_sign", then="A  A normal login")
        assert "Same results until 2 Resource metadata." in text_of(app)
        await press(pilot, "escape", "d", then=CatalogueScreen)
        assert "✔ No WWW-Authenticate header" in text_of(app)


async def test_a_second_scenario_begins_at_an_emulator_that_knows_nothing_of_the_first() -> None:
    """The fault is played, no credential of the last scenario is left, and nothing is known beforehand."""
    async with the_menu() as (app, pilot):
        await choose(app, pilot)
        await log_in(app, pilot)
        await press(pilot, "d", then=CatalogueScreen)
        await choose(app, pilot, *"oauth", "space", *"off")
        wizard = await the_wizard(app, pilot)
        await pilot.press("n")
        await until(pilot, lambda: bool(wizard.login.trace.records) and wizard.login.running is None)
        assert wizard.login.trace.records[-1].failures
        assert wizard.login.position is Stage.DETECTION
        assert present(app.session).credentials.list() == ()


async def test_a_scenario_about_refreshing_goes_on_at_the_dashboard() -> None:
    """There the keys are that the scenario needs; N is for its server, and b leads back to the menu."""
    async with the_menu() as (app, pilot):
        await choose(app, pilot, *"rotate")
        await log_in(app, pilot)
        await press(pilot, "d", then=DashboardScreen)
        await press(pilot, "N", then=NewLoginScreen)
        assert app.screen.query_one("#url", Input).value == app.workspace.suggestion()
        await press(pilot, "escape", then=DashboardScreen)
        await press(pilot, "b", then=CatalogueScreen)
        assert "– Refresh tokens do not rotate" in text_of(app)
        assert "You predicted a. Your trace does not show it yet." in " ".join(text_of(app).split())
        await press(pilot, "escape", "escape", then=DashboardScreen)
        await press(pilot, "r", then="efreshed")
        await press(pilot, "b", then="(arrow 7)")


async def test_each_key_has_one_name_at_the_end_of_a_drill() -> None:
    """On the card, in the footer, the help and the palette; what cannot be done any more is in none."""
    async with the_menu() as (app, pilot):
        await choose(app, pilot)
        await log_in(app, pilot)
        await until(pilot, lambda: "N new drill: " in text_of(app))
        names = [(entry.name, entry.keys) for entry in possible_actions(app.screen)]
        assert [name for name, key in names if key == "N"] == ["New drill"]
        assert [key for name, key in names if name == "Done"] == ["d"]
        assert not [name for name, key in names if key == "s"]
        assert "N New drill" in text_of(app)


async def test_a_drill_that_was_chosen_in_the_course_asks_for_its_prediction_at_once() -> None:
    """Esc leads to the catalogue, where it is among the others."""
    app = AuthlensApp(workspace=DemoWorkspace(menu_first=True, first="public"), environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, QuestionScreen))
        assert "Not protected at all" in text_of(app)
        await press(pilot, "escape", then=CatalogueScreen)


@pytest.mark.parametrize(
    ("typed", "cure"), [("service auth policy", "Service Auth"), ("binding", "Binding Cookie")]
)
async def test_a_scenario_about_another_credential_ends_with_the_diagnosis_of_its_probe(
    typed: str, cure: str
) -> None:
    """The demo hands the credential out, and the keys that the card names lead to why it is refused."""
    async with the_menu() as (app, pilot):
        await choose(app, pilot, *(key if key != " " else "space" for key in typed))
        await log_in(app, pilot)
        await press(pilot, "d", then=DashboardScreen)
        dashboard = app.screen
        assert isinstance(dashboard, DashboardScreen)
        await until(pilot, lambda: len(dashboard.listing.matching) == 2)
        await pilot.press("home")
        if dashboard.selected is not None and dashboard.selected.grant is not None:
            await pilot.press("down")
        assert present(dashboard.selected).grant is None
        await press(pilot, "p", then=lambda: cure in str(dashboard.result.content))


async def test_nothing_that_a_scenario_handed_out_is_left_for_the_next_one() -> None:
    """Neither the service token nor the file of cloudflared."""
    async with the_menu() as (app, pilot):
        for typed in ("service auth policy", "binding"):
            await choose(app, pilot, *(key if key != " " else "space" for key in typed))
            await log_in(app, pilot)
            await press(pilot, "d", then=DashboardScreen)
            await press(pilot, "b", then=CatalogueScreen)
        assert present(app.session).credentials.service_tokens.list() == ()
        assert len(app.workspace.find_tokens()[0]) == 1


@pytest.mark.parametrize(
    ("fault", "page", "cure"),
    [
        (Fault.DENIED_USER, "That account does not have access", "with another account"),
        (Fault.INVALID_NONCE, "Invalid nonce. Please try logging in again.", "in a private window"),
        (Fault.APPLICATION_NOT_FOUND, "Unable to find your Access application!", "cdn-cgi/access/logout"),
        (Fault.WRONG_STATE, "This login is outdated", "is still waiting"),
    ],
    ids=str,
)
async def test_a_person_whom_the_browser_does_not_bring_back_is_told_what_it_shows(
    fault: Fault, page: str, cure: str
) -> None:
    """At once, with the cure; `s` is offered no more, and Esc ends with what can be learned."""
    app = AuthlensApp(workspace=DemoWorkspace([fault], port=0), environ={})
    app.animation_level = "none"
    async with app.run_test(size=(120, 40), notifications=False) as pilot:
        await the_wizard(app, pilot)
        await press(pilot, "a", then="press s")
        await press(pilot, "s", then=lambda: page in text_of(app))
        shown = " ".join(text_of(app).split())
        assert cure in shown
        assert "press s" not in shown
        assert "s" not in footer_keys(app)
        await press(pilot, "escape", then="Authorization stopped.")
        shown = " ".join(text_of(app).split())
        assert "Received: nothing at" in shown
        assert ("1 other request ignored" in shown) is (fault is Fault.WRONG_STATE)
        assert f"browser shows “{page}" in shown
        if fault is not Fault.WRONG_STATE:
            assert cure in shown
            assert "<team>" not in shown
        assert ("WARP" in shown) is (fault is Fault.WRONG_STATE)  # the general advice


async def test_the_scenario_of_a_port_in_use_needs_no_port_to_be_free() -> None:
    """It takes any free port itself: two users of one machine can run it. `w` goes on with another."""
    app = AuthlensApp(workspace=DemoWorkspace([Fault.PORT_TAKEN], plays=True), environ={})
    app.animation_level = "none"
    async with app.run_test(size=(120, 40)) as pilot:
        wizard = await the_wizard(app, pilot)
        await until(pilot, lambda: "is in use" in text_of(app))
        await pilot.press("w")
        await press(pilot, "a", then=lambda: "press s" in text_of(app) or wizard.login.finished)


async def test_the_owner_of_the_server_changes_the_setting_and_the_stage_passes() -> None:
    """Break, understand, fix: and the fault is back when the setting is."""
    app = AuthlensApp(workspace=DemoWorkspace([Fault.LOCALHOST_REFUSED], port=0), environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        wizard = await the_wizard(app, pilot)
        await press(pilot, "a", then="Registration failed")
        await press(pilot, "o", then="You are the owner of wiki.localhost")
        assert "[ ] Allow localhost clients  ◀ this one" in text_of(app)
        await pilot.press("space", "space", "space", "enter")
        await until(pilot, lambda: wizard.login.position is Stage.PKCE)
        assert "o" not in footer_keys(app)
