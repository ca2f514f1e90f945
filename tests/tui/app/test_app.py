"""The program: no place for secrets is asked about before anything is earned, and notes are shown."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button

from authlens_core.credentials.vault import open_store as store_module
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import OpenedStore
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.desk.settings import SettingsFile
from authlens_core.export.session_file import session_json
from authlens_core.trace.events import AuthorizationReady
from authlens_core.values.errors import NoSecretStore
from authlens_core.values.login_options import Options
from authlens_lab.emulator import Emulator, Fault, play_person
from authlens_tui.app import controller
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.demo import DemoWorkspace
from authlens_tui.screens.cloudflared import CloudflaredScreen
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.dashboard.service_token_form import ServiceTokenScreen
from authlens_tui.screens.learn.catalogue import CatalogueScreen
from authlens_tui.screens.learn.question import QuestionScreen
from authlens_tui.screens.opening import OpeningScreen
from authlens_tui.screens.settings_dialog import ThemeScreen
from authlens_tui.screens.store_choice import StoreChoiceScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from support.screens import press, scripted, text_of, until

pytestmark = pytest.mark.slow  # each test plays a whole screen
URL = "https://wiki.example.com/"


# An app loads it after its first paint: while `open_store` is replaced, it would keep the replacement.
_LOADED_BEFORE = controller


def stores(monkeypatch: pytest.MonkeyPatch, answers: Sequence[OpenedStore | NoSecretStore]) -> list[int]:
    """Let opening the keyring end in `answers`, one after the other; return a list that counts the calls."""
    left, calls = list(answers), [0]

    async def open_store(*_store: object, **_options: object) -> OpenedStore:
        calls[0] += 1
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, NoSecretStore):
            raise answer
        return answer

    monkeypatch.setattr(store_module, "open_store", open_store)
    return calls


NONE = NoSecretStore("There is no keyring here.", "Start gnome-keyring.")


async def asked(pilot: Pilot[int], app: AuthlensApp) -> None:
    await until(pilot, lambda: isinstance(app.screen, StoreChoiceScreen) and "no keyring" in text_of(app))


async def test_without_a_keyring_the_person_chooses_before_anything_is_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cause, cure and the ways on are shown; there is no login yet that could earn anything."""
    stores(monkeypatch, [NONE])
    app = AuthlensApp(start_url=URL, environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await asked(pilot, app)
        shown = text_of(app)
        assert "Start gnome-keyring." in shown
        ways = {
            button.id
            for button in app.screen.query(Button)
            if all(getattr(ancestor, "display", True) for ancestor in button.ancestors_with_self)
        }
        assert ways == {"memory", "encrypted", "plain", "again", "quit"}
        assert not [one for one in app.screen_stack if isinstance(one, (WizardScreen, DashboardScreen))]
        await press(pilot, "3", then=WizardScreen)
        assert "memory only" in text_of(app)


@pytest.mark.parametrize("key", ["q", "escape"])
async def test_leaving_instead_ends_with_the_code_for_no_place_to_keep_secrets(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    stores(monkeypatch, [NONE])
    app = AuthlensApp(start_url=URL, environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await asked(pilot, app)
        await press(pilot, key, then=lambda: app._exit)
    assert app.return_code == 9


async def test_trying_again_asks_the_keyring_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who has unlocked the keyring meanwhile goes on without starting over."""
    calls = stores(monkeypatch, [NONE, OpenedStore(OpenedStore.in_memory().store)])
    app = AuthlensApp(environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await asked(pilot, app)
        await press(pilot, "t", then=DashboardScreen)
        assert calls == [2]


async def test_a_state_directory_that_cannot_be_used_ends_in_words_and_not_in_a_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The cause, the cure, and the exit code of the error."""

    def refuse(*_: object, **__: object) -> Credentials:
        raise NONE

    monkeypatch.setattr(Credentials, "open", refuse)
    stores(monkeypatch, [OpenedStore.in_memory()])
    app = AuthlensApp(environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app._exit)
    assert app.return_code == 9


@pytest.mark.parametrize(
    ("start", "first"),
    [
        (lambda: AuthlensApp(environ={}), DashboardScreen),
        (lambda: AuthlensApp(start_url=URL, environ={}), WizardScreen),
        (lambda: AuthlensApp(workspace=DemoWorkspace(menu_first=True), environ={}), CatalogueScreen),
        (
            lambda: AuthlensApp(workspace=DemoWorkspace(menu_first=True, opens=True), environ={}),
            OpeningScreen,
        ),
        (
            lambda: AuthlensApp(workspace=DemoWorkspace(menu_first=True, first="public"), environ={}),
            QuestionScreen,
        ),
    ],
)
async def test_nothing_is_drawn_before_the_screen_that_was_asked_for(
    start: Callable[[], AuthlensApp], first: type[Screen[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the app waits for is; the demo opens no secret store."""
    stores(monkeypatch, [OpenedStore.in_memory()])
    drawn: list[type[Screen[object]]] = []
    texts: list[str] = []
    app = start()

    def display(_app: object, screen: Screen[object], update: object) -> None:
        if update is not None and not app._batch_count:
            drawn.append(type(screen))
            texts.append(text_of(app))

    monkeypatch.setattr(AuthlensApp, "_display", display)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: first in drawn)
        assert set(drawn) == {Screen, first}
        assert any("secret store" in text for text in texts) is app.workspace.keeps_secrets


async def test_a_theme_that_was_chosen_is_worn_at_the_next_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where the terminal has but sixteen colours."""
    stores(monkeypatch, [OpenedStore.in_memory()])
    app = AuthlensApp(environ={"COLORTERM": "truecolor"})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        app.action_change_theme()
        await until(pilot, lambda: isinstance(app.screen, ThemeScreen))
        await press(pilot, "down", then=lambda: app.theme == "authlens-high-contrast")
        await press(pilot, "escape", then=lambda: app.theme == "authlens-dark")
        assert SettingsFile.open().present.theme == ""
        app.action_change_theme()
        await until(pilot, lambda: isinstance(app.screen, ThemeScreen))
        await press(pilot, "down", "down", "enter", then=lambda: bool(SettingsFile.open().present.theme))
        assert SettingsFile.open().present.theme == app.theme == "authlens-light"
    assert AuthlensApp(environ={"COLORTERM": "truecolor"}).theme == "authlens-light"
    assert AuthlensApp(environ={"NO_COLOR": "1"}).theme == "authlens-16"


async def test_a_key_opens_a_session_file_over_the_dashboard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Esc leads back."""
    stores(monkeypatch, [OpenedStore.in_memory()])
    login, _ = scripted()
    await login.step()
    await login.aclose()
    (tmp_path / "a.json").write_text(session_json(login.trace))
    monkeypatch.chdir(tmp_path)
    app = AuthlensApp(environ={})
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.session is not None and isinstance(app.screen, DashboardScreen))
        await press(pilot, "O", then="a.json")
        await press(pilot, "down", "enter", then="a.json, read-only")
        await press(pilot, "escape", then=DashboardScreen)


async def test_an_opened_dashboard_keeps_its_logins_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody presses a key: what is due is refreshed, and it is said beside what the person did."""
    stores(monkeypatch, [OpenedStore.in_memory()])
    async with Emulator(access_token_lifetime=2) as emulator:
        app = AuthlensApp(environ={})
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
            session = app.session
            assert session is not None
            await logged_in(session, emulator.resource_url)
            await until(pilot, lambda: "Auto-refresh" in text_of(app) and "✔" in text_of(app))
            assert any(event.kind == "refreshed" for event in session.credentials.index.events())


async def logged_in(session: Session, url: str) -> None:
    """Walk a login with the person played."""
    login = start_login(session, url, Options(port=0))
    links: list[str] = []
    login.watch(lambda event: links.append(event.url) if isinstance(event, AuthorizationReady) else None)
    running = asyncio.create_task(login.run_all())
    async with asyncio.timeout(30):
        while not links:
            await asyncio.sleep(0.01)
        await play_person(links[0])
        await running


_WAYS_ON = {"T": "cloudflared", "S": "Service token"}


@pytest.mark.parametrize(
    ("fault", "key", "screen"),
    [
        (Fault.OAUTH_OFF, "T", CloudflaredScreen),
        (Fault.OAUTH_OFF, "S", ServiceTokenScreen),
        (Fault.SERVICE_AUTH_ONLY, "S", ServiceTokenScreen),
        (Fault.NO_WWW_AUTHENTICATE, "T", CloudflaredScreen),
    ],
)
async def test_where_oauth_ends_the_other_ways_in_are_a_key_away(
    fault: Fault, key: str, screen: type[Screen[object]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A resource without Managed OAuth offers cloudflared or a service token."""
    monkeypatch.setenv("PATH", str(tmp_path))  # no cloudflared here: its screen says so
    app = AuthlensApp(workspace=DemoWorkspace([fault], port=0), environ={})
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WizardScreen))
        await press(pilot, "a", then=lambda: f"{key} {_WAYS_ON[key]}" in text_of(app))
        await press(pilot, key, then=screen)
