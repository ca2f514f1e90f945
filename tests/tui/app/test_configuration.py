"""What `config.toml` changes in the app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from authlens_core.credentials.records.grant import Grant
from authlens_core.desk.settings import Config, NoticeKind, SettingsFile
from authlens_core.values.errors import StateUnusable
from authlens_tui.app import controller
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.base_app import key_names
from authlens_tui.app.controller import ExpiryNotice
from authlens_tui.app.workspace import Workspace
from authlens_tui.cli import main
from support.grants import NOW, grant
from support.screens import Host, until


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
