"""What `config.toml` and stored logins change in the app."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.vault.open_store import OpenedStore
from authlens_core.desk.settings import Config, NoticeKind, SettingsFile
from authlens_core.values.errors import StateUnusable
from authlens_tui.app import controller
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.base_app import key_names
from authlens_tui.app.controller import ExpiryNotice, open_session
from authlens_tui.app.workspace import Workspace
from authlens_tui.cli import main
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.store_choice import StoreChoice, StoreChoiceScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from support.grants import NOW, grant, keep
from support.screens import Host, press, text_of, until
from tui.app.test_app import stores
from tui.watched_store import WatchedStore


def app_with(config: Config, environ: Mapping[str, str]) -> AuthlensApp:
    workspace = Workspace(SettingsFile())
    workspace.config = config
    return AuthlensApp(workspace=workspace, environ={"COLORTERM": "truecolor", **environ})


@pytest.mark.parametrize(
    ("configured", "for_this_run", "theme"),
    [
        ("", "", "authlens-dark"),
        ("light", "", "authlens-light"),
        ("authlens-light", "high-contrast", "authlens-high-contrast"),
        ("none such", "", "authlens-dark"),
    ],
)
def test_the_theme_of_this_run_comes_before_the_configured_one(
    configured: str, for_this_run: str, theme: str
) -> None:
    """`--theme NAME`, with or without the name of the program before it."""
    assert app_with(Config(theme=configured), {"AUTHLENS_THEME": for_this_run}).theme == theme


def test_every_key_that_is_shown_has_a_name() -> None:
    """What has none cannot be remapped."""
    names = key_names()
    assert {"dashboard.revoke", "wizard.next", "app.quit"} <= names.keys()
    assert len(names) > 60


def test_a_key_that_nobody_knows_is_reported(
    private_environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typing error would be silent otherwise."""
    path = private_environment / "config.toml"
    path.write_text('[keys]\n"dashboard.revok" = "x"\n')
    monkeypatch.setenv("AUTHLENS_CONFIG", str(path))
    assert main.run(["config", "--check"]) == 2
    assert "No key is called dashboard.revok." in capsys.readouterr().err


def test_the_editor_has_no_secret_in_its_environment(
    private_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = private_environment / "seen"
    monkeypatch.setenv("AUTHLENS_CONFIG", str(private_environment / "config.toml"))
    monkeypatch.setenv("AUTHLENS_CLIENT_SECRET", "canary")
    monkeypatch.setenv("VISUAL", f"sh -c 'env > {seen}'")
    assert main.run(["config"]) == 0
    assert "VISUAL" in seen.read_text()
    assert "canary" not in seen.read_text()


@pytest.mark.parametrize(
    ("notice", "written"),
    [
        (NoticeKind.OSC_9, "\x1b]9;a.example.com"),
        (NoticeKind.OSC_777, "\x1b]777;notify;authlens;a.example.com"),
    ],
)
async def test_a_notice_comes_once_before_a_token_expires(
    notice: NoticeKind, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for a token that lasts, nor twice for the same one."""
    app = Host()
    sent: list[str] = []
    monkeypatch.setattr(app, "write_to_terminal", sent.append)
    async with app.run_test():
        teller = ExpiryNotice(app, Config(before_expiry=90, notice=notice), now=lambda: NOW)
        soon, later = grant("a", minutes=1), grant("b", minutes=10)
        teller.look([soon, later])
        teller.look([soon, later])
        assert len(sent) == 1
        assert sent[0].startswith(written)
        moved = ExpiryNotice(
            app, Config(before_expiry=90, notice=notice), now=lambda: NOW + timedelta(hours=1)
        )
        moved.look([soon])
        assert len(sent) == 1


async def test_credentials_that_cannot_be_read_are_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may hold the index, or the secrets may just have been moved."""
    monkeypatch.setattr(controller, "_LOOK_EVERY", 0.01)
    looks: list[int] = []

    def grants() -> Iterable[Grant]:
        looks.append(len(looks))
        raise StateUnusable("The index cannot be used.")

    app = Host()
    async with app.run_test() as pilot:
        controller.tell_of_expiry(app, Config(before_expiry=90), grants)
        await until(pilot, lambda: len(looks) >= 2)


@pytest.mark.parametrize(("key", "shown"), [("y", WizardScreen), ("n", DashboardScreen)])
async def test_a_login_that_is_still_good_is_named_before_another_one(
    monkeypatch: pytest.MonkeyPatch, key: str, shown: type
) -> None:
    stores(monkeypatch, [OpenedStore.in_memory()])
    app = AuthlensApp(environ={})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        assert app.session is not None
        good = replace(grant(), expires_at=datetime.now(UTC) + timedelta(minutes=9, seconds=30))
        await keep(app.session.credentials, good)
        assert app.controller is not None
        app.controller.logins.offer(app.session, good.resource_url)
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "Already logged in" in text_of(app)
        assert "expires in 9 min" in text_of(app)
        await press(pilot, key, then=shown)


class Persistent(WatchedStore):
    """Its index is a file, as that of a keyring is."""

    persistent = True


class Opened(Workspace):
    """Its store is open at once."""

    def __init__(self, store: Persistent) -> None:
        super().__init__()
        self.store = store

    async def open_store(self, choice: StoreChoice | None) -> OpenedStore:
        return OpenedStore(self.store, ())


async def _ask(_: StoreChoiceScreen) -> StoreChoice | None:
    return None


@pytest.mark.parametrize("broken", ["directory", "records"])
async def test_records_that_cannot_be_used_leave_no_store_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("AUTHLENS_HOME", str(home))
    workspace = Opened(Persistent())
    if broken == "directory":
        home.chmod(0o777)
    else:
        (home / "index.sqlite3").write_text("no database" * 100)
    with pytest.raises(StateUnusable):
        await open_session(workspace, _ask, lambda _: None, None)
    assert workspace.store.closed
