"""Leaving the wizard while a login waits: it asks, or says which key comes first."""

import pytest
from textual.widgets import Button

from authlens_core.trace.record import Stage
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.wizard.demo_login import DemoLogin, Ending, Played
from authlens_tui.screens.wizard.wizard import WizardScreen
from support.screens import press, run_screen, scripted, text_of, until, wizard_on
from support.scripted_login import come_back

pytestmark = pytest.mark.slow  # each test plays a whole screen


async def test_q_asks_before_it_ends_a_login_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async with wizard_on() as (wizard, pilot, app):
        ended: list[bool] = []
        monkeypatch.setattr(app, "exit", lambda *_, **__: ended.append(True))
        await press(pilot, "a", then=lambda: wizard.login.wait.waiting and wizard.pane.link_is_shown)
        await press(pilot, "q", then=ConfirmScreen)
        assert "A login is waiting. Leave?" in text_of(app)
        assert isinstance(app.focused, Button)
        await press(pilot, "enter", then=wizard)
        assert wizard.login.wait.waiting
        assert not ended
        await press(pilot, "q", then=ConfirmScreen)
        await press(pilot, "y", then=lambda: bool(ended))


@pytest.mark.parametrize("key", ["b", "d"])
async def test_back_and_done_name_the_key_that_cancels_first(key: str) -> None:
    async with wizard_on(size=(80, 24)) as (wizard, pilot, app):
        await press(pilot, "a", then=lambda: wizard.login.wait.waiting and wizard.pane.link_is_shown)
        await press(pilot, key, then="Esc cancels the running stage first.")
        assert wizard.login.wait.waiting
        assert app.left == 0


async def _sign_in(_url: str) -> Played:
    return Played("")


IN_DEMO = DemoLogin(player=_sign_in, ending=Ending("It works."))


@pytest.mark.parametrize(
    ("key", "demo", "words"),
    [
        ("s", IN_DEMO, "while the login waits at 6 Authorization"),
        ("=", IN_DEMO, "once this one has ended"),
        ("=", DemoLogin(), "= compares recorded logins"),
    ],
)
async def test_a_key_that_has_to_wait_says_when_it_does_something(
    key: str, demo: DemoLogin, words: str
) -> None:
    login, _ = scripted()
    wizard = WizardScreen(login, "a test's memory", demo)
    async with run_screen(wizard, size=(80, 24)) as (app, pilot):
        await press(pilot, key, then=lambda: words in " ".join(text_of(app).split()))
        assert not login.trace.records


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=str)
async def test_after_the_login_b_says_what_it_goes_back_and_done_is_in_sight(size: tuple[int, int]) -> None:
    login, _ = scripted()
    login.watch(come_back(login))
    async with wizard_on(login, size=size) as (_, pilot, app):
        await pilot.press("n")
        await until(pilot, lambda: login.position is Stage.RESOURCE_METADATA and login.running is None)
        assert "b Back" in " ".join(text_of(app).splitlines()[-1].split())
        await press(pilot, "a", then=lambda: login.position is None and login.running is None)
        footer = " ".join(text_of(app).splitlines()[-1].split())
        assert "d Done" in footer
        assert "b Back a stage" in footer


async def test_escape_leads_from_the_document_back_to_the_stages() -> None:
    login, _ = scripted()
    async with wizard_on(login, size=(80, 24)) as (wizard, pilot, app):
        await pilot.press("n")
        await until(pilot, lambda: login.position is Stage.RESOURCE_METADATA and login.running is None)
        assert "Stages" not in text_of(app).splitlines()[-1]
        await press(pilot, "enter", then=lambda: "esc Stages" in text_of(app).splitlines()[-1])
        await press(pilot, "escape", then=lambda: app.focused is wizard.stepper)


async def test_escape_leaves_a_login_that_has_not_begun() -> None:
    async with wizard_on() as (_, pilot, app):
        await press(pilot, "escape", then=lambda: app.left == 1)


async def test_escape_leaves_a_login_that_has_ended() -> None:
    login, _ = scripted()
    login.watch(come_back(login))
    async with wizard_on(login) as (_, pilot, app):
        await press(pilot, "a", then=lambda: login.finished and login.running is None)
        await press(pilot, "escape", then=lambda: app.left == 1)


async def test_escape_does_not_lose_a_login_that_it_has_just_cancelled() -> None:
    async with wizard_on() as (wizard, pilot, app):
        await press(pilot, "a", then=lambda: wizard.login.wait.waiting and wizard.pane.link_is_shown)
        await press(pilot, "escape", then=lambda: wizard.login.running is None)
        await pilot.press("escape")
        await pilot.pause()
        assert app.left == 0
