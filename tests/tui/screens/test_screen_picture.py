"""The screen as SVG: nothing that is secret is in the file, even while it is revealed."""

import html
import stat
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from authlens_core.trace.record import Stage
from authlens_core.values.errors import FileUnusable
from authlens_core.values.secret import Secret
from authlens_tui.screens.dashboard.reveal import RevealScreen
from authlens_tui.screens.screen_picture import NoPicture, save_picture
from authlens_tui.screens.trace.save_record import ExportScreen
from authlens_tui.screens.trace.trace import TraceScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from authlens_tui.terminal.measured import Static
from support.screens import Host, press, run_screen, scripted, text_of, until, wizard_on
from support.scripted_login import come_back


def saved(directory: Path) -> str:
    """Return the text of the only picture."""
    (path,) = directory.glob("authlens-screen-*.svg")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return html.unescape(path.read_text("utf-8")).replace("\xa0", " ")


async def test_the_menu_saves_the_screen_while_secrets_are_revealed_and_none_is_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are masked on the screen, too."""
    monkeypatch.chdir(tmp_path)
    login, _ = scripted()
    login.watch(come_back(login))
    screen = TraceScreen(await login.run_all())
    async with run_screen(screen, notifications=True) as (app, pilot):
        stage = next(n for n, one in enumerate(login.trace.records) if one.stage is Stage.EXCHANGE)
        screen.show_record(stage)
        await press(pilot, "3", "x", then="access-canary")
        await press(pilot, "m", then=ExportScreen)
        await pilot.click("#screen")
        await until(pilot, lambda: bool(list(tmp_path.iterdir())) and "Picture saved" in text_of(app))
        svg = saved(tmp_path)
        assert "canary" not in svg
        assert "access_token" in svg
        assert "Every secret is replaced" not in svg, "the menu is not in the picture"
        assert not screen.record_view.revealed


async def test_a_token_that_is_shown_in_a_dialog_is_masked(tmp_path: Path) -> None:
    """The palette offers it on every screen."""
    async with run_screen(RevealScreen("Access token", Secret("canary-" * 9))) as (app, pilot):
        assert "canary" in text_of(app)
        assert "Save screen" in {one.title for one in app.get_system_commands(app.screen)}
        await save_picture(app, tmp_path)
        assert "canary" not in saved(tmp_path)
        assert "Access token" in saved(tmp_path)
        await pilot.pause()
        assert "canary" not in text_of(app)


async def test_what_was_typed_into_a_field_is_masked(tmp_path: Path) -> None:
    """It may be a header with a token, or a token that was pasted into the wrong field."""
    app = Host()
    async with app.run_test() as pilot:
        field = Input("Bearer canary-token")
        await app.mount(field)
        await pilot.pause()
        assert "canary" in text_of(app)
        await save_picture(app, tmp_path)
        assert "canary" not in saved(tmp_path)
        assert "•••" in saved(tmp_path)
        assert not field.password


async def to_the_link(wizard: WizardScreen, pilot: Pilot[int]) -> None:
    await press(pilot, "a", then=lambda: bool(wizard.pane.panel.url))


async def test_no_picture_is_taken_of_the_link_of_a_login(tmp_path: Path) -> None:
    """Its state would be in the file."""
    async with wizard_on() as (wizard, pilot, app):
        await to_the_link(wizard, pilot)
        with pytest.raises(NoPicture, match="link or the code"):
            await save_picture(app, tmp_path)
        assert list(tmp_path.iterdir()) == []


async def test_a_link_behind_a_dialog_is_not_in_a_picture_either(tmp_path: Path) -> None:
    async with wizard_on() as (wizard, pilot, app):
        await to_the_link(wizard, pilot)
        await press(pilot, "question_mark", then=lambda: app.screen is not wizard)
        with pytest.raises(NoPicture):
            await save_picture(app, tmp_path)


async def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    app = Host()
    async with app.run_test() as pilot:
        await app.mount(Static("shown"))
        await pilot.pause()
        with pytest.raises(FileUnusable, match="cannot be written"):
            await save_picture(app, tmp_path / "missing")
