"""What if…: an attack is chosen, armed and carried out; its ending stands beside what must happen."""

from typing import Any

import pytest
from textual.pilot import Pilot

from authlens_core.desk.log_in import ended_in
from authlens_core.login.tampering.experiments import experiments, find_experiment
from authlens_core.trace.arrows import Arrow, Party
from authlens_core.trace.record import Stage
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.demo import DemoWorkspace
from authlens_tui.screens.trace.comparison import CompareScreen
from authlens_tui.screens.trace.save_record import ExportScreen
from authlens_tui.screens.wizard.status_words import listed
from authlens_tui.screens.wizard.tools import ExperimentResultScreen, WhatIfScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from authlens_tui.widgets.record.record_messages import ArrowChosen
from support.driven_login import run_to
from support.screens import footer_keys, press, run_screen, scripted, text_of, until, wizard_on
from support.scripted_login import come_back, reply

pytestmark = pytest.mark.slow  # each test plays a whole screen

REFUSED = reply(400, {"error": "invalid_grant", "error_description": "no\x1b[31m such \u202e verifier"})


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_an_attack_is_armed_by_two_keys_and_ends_with_both_sides_on_the_screen(
    size: tuple[int, int],
) -> None:
    """What the server said next to what the specification says it must say."""
    login, _ = scripted(token=REFUSED)
    login.watch(come_back(login))
    async with wizard_on(login, size=size) as (_, pilot, app):
        await press(pilot, "i", then=WhatIfScreen)
        assert "What an attacker would try" in text_of(app)
        assert "At 7 Exchange" in text_of(app)
        await press(pilot, "enter", then=WizardScreen)
        assert "≠ Attack ready: Wrong code_verifier at 7 Exchange." in text_of(app)
        assert "TAMPERED" not in text_of(app)
        await press(pilot, "a", then=ExperimentResultScreen)
        await until(pilot, lambda: "Server answered" in text_of(app))
        rows = text_of(app).splitlines()
        said = [
            n for n, one in enumerate(rows) if "The specification says" in one or "Server answered" in one
        ]
        assert len(said) == (1 if size[0] == 120 else 2)
        shown = "\n".join(rows)
        assert "RFC 7636 §4.6" in shown
        assert "400 invalid_grant" in shown
        assert "\x1b" not in shown
        assert "✔ Correct: the server refused it." in shown
        await press(pilot, "enter", then=WizardScreen)
        assert "✔ Correct." in text_of(app)
        assert "✖ Exchange failed." not in text_of(app)
        assert "TAMPERED" in text_of(app).splitlines()[0]
        assert footer_keys(app) >= {"t", "i", "d"}


async def test_a_changed_login_that_goes_through_says_that_it_is_kept_nowhere() -> None:
    """Not a word of Authenticated, and none of a store."""
    login, _ = scripted()
    login.watch(come_back(login))
    login.arm(find_experiment("plain_pkce"))
    async with wizard_on(login) as (_, pilot, app):
        await pilot.press("a")
        await until(pilot, lambda: login.finished and isinstance(app.screen, ExperimentResultScreen))
        assert "! Not refused." in text_of(app)
        await press(pilot, "escape", then=WizardScreen)
        shown = " ".join(text_of(app).split())
        assert "Because the request was changed, the token is not stored" in shown
        assert "Authenticated" not in shown


async def test_the_refresh_after_the_login_is_a_ninth_step_that_can_be_looked_at() -> None:
    """The experiment after stage 8 has a record like any other."""
    tokens = {"access_token": "a" * 20, "token_type": "Bearer", "expires_in": 900}
    first, second = ({**tokens, "refresh_token": f"refresh-canary-{n}"} for n in (1, 2))
    login, _ = scripted(token=[reply(200, first), reply(200, second), REFUSED])
    login.watch(come_back(login))
    login.arm(find_experiment("stale_refresh_token"))
    async with wizard_on(login) as (wizard, pilot, app):
        await press(pilot, "a", then=ExperimentResultScreen)
        await press(pilot, "escape", then=WizardScreen)
        assert len(wizard.stepper.steps) == 9
        assert wizard.pane.stage is Stage.REFRESH
        assert "9 Refresh" in text_of(app)
        assert "✔ Correct. Refresh token used twice" in text_of(app)
        assert app.focused is wizard.stepper
        await press(pilot, "up", then=lambda: wizard.pane.stage is Stage.ACCESS)


async def test_a_second_result_that_comes_before_the_first_is_laid_out_is_shown_with_it() -> None:
    """`a` ends the next stage while the screen with the first result is being made."""
    login, _ = scripted()
    login.watch(come_back(login))
    login.arm(find_experiment("reused_code"))
    await login.run_all()
    records = [one for one in login.trace.records if ended_in(one)]
    screen = ExperimentResultScreen(records[0])
    for record in records[1:]:
        screen.add(record)
    async with run_screen(screen) as (app, _):
        shown = text_of(app)
        for record in records:
            for experiment, _check in ended_in(record):
                assert experiment.title in shown


async def _use_the_code_twice(app: AuthlensApp, pilot: Pilot[Any]) -> None:
    """The whole way with the keys: i, the experiment, a, s; until both results are there."""
    await press(pilot, "i", then=WhatIfScreen)
    await press(pilot, "down", "enter", then=WizardScreen)
    await press(pilot, "a", then="press s")
    await press(pilot, "s", then=ExperimentResultScreen)
    await until(pilot, lambda: len(app.screen.query(".result-one")) == 2)


async def test_a_code_used_twice_in_a_run_of_all_stages_ends_with_both_results() -> None:
    app = AuthlensApp(workspace=DemoWorkspace(port=0), environ={})
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WizardScreen))
        await _use_the_code_twice(app, pilot)


async def test_a_verdict_that_is_cut_says_so_and_shows_nothing_below_it() -> None:
    app = AuthlensApp(workspace=DemoWorkspace(port=0), environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WizardScreen))
        await _use_the_code_twice(app, pilot)
        *_, last, footer = text_of(app).splitlines()
        assert "⏎ Back" in footer
        assert last.startswith("╰")
        assert "PgDn: more" in last
        await press(pilot, "end", then="✔ Correct: the resource refused it.")
        assert "PgDn: more" not in text_of(app)


async def test_an_attack_armed_on_a_stage_that_an_attack_stopped_runs_with_n() -> None:
    """The key that the screen names is one that works."""
    login, _ = scripted(token=[REFUSED, REFUSED])
    login.watch(come_back(login))
    login.arm(find_experiment("wrong_verifier"))
    async with wizard_on(login) as (wizard, pilot, app):
        await press(pilot, "a", then=ExperimentResultScreen)
        await press(pilot, "escape", then=WizardScreen)
        await press(pilot, "i", then=WhatIfScreen)
        await press(pilot, "enter", then=WizardScreen)
        assert "n Next" in text_of(app)
        assert wizard.check_action("act", ("runner.next",)) is True
        assert wizard.check_action("act", ("runner.retry",)) is False


async def test_an_armed_attack_can_be_disarmed() -> None:
    """In the menu by x, or by another one in its place; Esc changes nothing."""
    login, _ = scripted()
    login.arm(experiments()[3])
    async with wizard_on(login) as (_, pilot, app):
        for key, left in (("escape", experiments()[3]), ("delete", None)):
            await press(pilot, "i", then=WhatIfScreen)
            assert "≠ ready" in text_of(app)
            await press(pilot, key, then=WizardScreen)
            assert login.armed is left
        assert "≠" not in text_of(app)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (20, 5)])
async def test_every_attack_is_explained_whole(size: tuple[int, int]) -> None:
    """What is tried, where, what must happen, what it would mean; nothing crashes where there is no room."""
    screen = WhatIfScreen(None, None, experiments())
    async with run_screen(screen, size=size) as (_, pilot):
        for experiment in experiments():
            said = str(screen.detail.content)
            for words in (experiment.question, experiment.expectation, experiment.spec, experiment.why):
                assert words in said
            assert "you sign in again" in said
            await pilot.press("down")


async def test_an_arrow_of_the_diagram_opens_its_exchange_in_the_wizard() -> None:
    """The stage of the arrow is shown, with that exchange."""
    arrow = Arrow(Party.AUTHLENS, Party.RESOURCE, "", Stage.RESOURCE_METADATA, 0, record_index=1)
    login, _ = scripted()
    await run_to(login, Stage.REGISTRATION)
    async with wizard_on(login) as (wizard, pilot, app):
        wizard.record_view.post_message(ArrowChosen(arrow))
        await until(pilot, lambda: wizard.pane.stage is Stage.RESOURCE_METADATA)
        assert wizard.record_view.tabs.active == "request"
        assert "2 Resource metadata" in text_of(app)


async def test_l_reads_the_lesson_on_the_stage_that_is_looked_at() -> None:
    async with wizard_on() as (wizard, pilot, app):
        wizard.show_stage(Stage.PKCE)
        await press(pilot, "l", then=lambda: not isinstance(app.screen, WizardScreen))
        assert "PKCE" in text_of(app)


async def test_m_saves_the_record_once_there_is_one() -> None:
    """Before the first stage there is nothing to save."""
    async with wizard_on() as (wizard, pilot, _):
        assert wizard.check_action("act", ("tools.export",)) is False
        await wizard.login.step()
        await press(pilot, "m", then=ExportScreen)


def test_the_same_change_is_named_once_with_how_often_it_was_made() -> None:
    """Eight attempts are not eight sentences."""
    assert listed(["the verifier was replaced"] * 8) == "the verifier was replaced (8 times)"
    assert listed(["a", "b", "a", "c", "d"]) == "a (2 times); b; c; and 1 more"


async def test_after_a_refused_attack_the_page_explains_it_and_the_honest_run_is_beside_it() -> None:
    """The honest login first, then a code used twice in the same wizard."""
    app = AuthlensApp(workspace=DemoWorkspace(port=0), environ={})
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WizardScreen))
        await press(pilot, "a", then="press s")
        await press(pilot, "s", then=lambda: "✔ Authenticated" in text_of(app) or "t Again" in text_of(app))
        await _use_the_code_twice(app, pilot)
        await press(pilot, "enter", then=WizardScreen)
        for tab in ("1", "5"):
            await pilot.press(tab)
            await pilot.pause()
            shown = " ".join(text_of(app).replace("│", " ").split())
            assert "the owner revoked" not in shown
            assert "another resource" not in shown
        await press(pilot, "1", then="Your attack ends here")
        await press(pilot, "equals_sign", then=CompareScreen)
        await until(pilot, lambda: "without the attack" in text_of(app))
        await until(pilot, lambda: "A passed with 200" in text_of(app))
        assert "not reached" not in text_of(app)
        assert "the owner" not in text_of(app)
