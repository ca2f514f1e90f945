"""Favourites of a new login: marked by a key, listed, completed first, and kept in the settings."""

import stat
from pathlib import Path

from textual.widgets import OptionList

from authlens_core.desk.settings import SettingsFile
from authlens_core.values.settings import MOST_FAVOURITES
from authlens_tui.screens.dashboard.new_login import LoginChoice, NewLoginScreen
from support.screens import footer_keys, press, run_screen, text_of, until

WIKI = "https://wiki.example.com/mcp"


async def test_a_key_marks_the_url_and_the_settings_keep_it(tmp_path: Path) -> None:
    """The next run lists it."""
    path = tmp_path / "settings.json"
    screen = NewLoginScreen("wiki.example.com/mcp", settings=SettingsFile(path))
    async with run_screen(screen) as (app, pilot):
        assert "^f" in footer_keys(app)
        await press(pilot, "ctrl+f", then=lambda: f"★ {WIKI} is a favourite." in text_of(app))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with run_screen(NewLoginScreen(settings=SettingsFile(path))) as (app, _):
        assert f"★ {WIKI}" in text_of(app)


async def test_the_same_key_unmarks_a_favourite() -> None:
    settings = SettingsFile()
    settings.change(favourites=("https://a.example/", WIKI))
    screen = NewLoginScreen(settings=settings)
    async with run_screen(screen) as (_, pilot):
        await pilot.press("down", "down", "ctrl+f")
        await until(pilot, lambda: settings.present.favourites == ("https://a.example/",))


async def test_a_favourite_is_completed_before_a_recent_url() -> None:
    settings = SettingsFile()
    settings.change(favourites=(WIKI,))
    screen = NewLoginScreen(urls=("https://wiki.example.com/another",), settings=settings)
    async with run_screen(screen) as (_, pilot):
        await press(pilot, *"wiki", then="wiki.example.com/mcp")
        await press(pilot, "right", then=lambda: screen.field.value == "wiki.example.com/mcp")


async def test_enter_on_a_favourite_logs_in_to_it() -> None:
    settings = SettingsFile()
    chosen: list[LoginChoice | None] = []
    settings.change(favourites=(WIKI,))
    async with run_screen(NewLoginScreen()) as (app, pilot):
        app.push_screen(NewLoginScreen(settings=settings), chosen.append)
        await until(pilot, lambda: "★" in text_of(app))
        await press(pilot, "down", "enter", then=lambda: chosen == [LoginChoice(WIKI)])


async def test_a_url_that_cannot_be_used_is_not_marked() -> None:
    settings = SettingsFile()
    async with run_screen(NewLoginScreen("ftp://a.example", settings=settings)) as (_, pilot):
        await press(pilot, "ctrl+f", then="This URL cannot be used")
        assert settings.present.favourites == ()


async def test_the_oldest_favourite_goes_where_there_are_too_many() -> None:
    settings = SettingsFile()
    settings.change(favourites=tuple(f"https://h{number}.example/" for number in range(MOST_FAVOURITES)))
    screen = NewLoginScreen(WIKI, settings=settings)
    async with run_screen(screen) as (_, pilot):
        await press(pilot, "ctrl+f", then=lambda: settings.present.favourites[0] == WIKI)
        assert len(settings.present.favourites) == MOST_FAVOURITES
        assert screen.query_one("#favourites", OptionList).option_count == MOST_FAVOURITES


def test_favourites_of_a_damaged_file_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"favourites": [1, 2], "refresh_before": 30}')
    path.chmod(0o600)
    assert SettingsFile(path).present.favourites == ()
    assert SettingsFile(path).present.refresh_before == 30
