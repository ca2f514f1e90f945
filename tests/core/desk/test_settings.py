"""Settings and configuration: kept privately and whole, and read whatever is in the file."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from authlens_core.desk.settings import (
    COLUMN_KEYS,
    Config,
    NoticeKind,
    SettingsFile,
    first_file,
    read_config,
    write_template,
)
from authlens_core.values.errors import StateUnusable
from authlens_core.values.settings import Settings


def test_what_is_set_is_there_at_the_next_start(private_environment: Path) -> None:
    """In the state directory, for this person alone."""
    assert SettingsFile.open().present == Settings()
    SettingsFile.open().change(background_refresh=False, refresh_at=0.5, theme="paper")
    found = SettingsFile.open()
    assert found.present == Settings(background_refresh=False, refresh_at=0.5, theme="paper")
    path = private_environment / "authlens" / "settings.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["version"] == 1
    assert os.listdir(path.parent) == ["settings.json"]


@pytest.mark.parametrize(
    "values",
    [
        {"background_refresh": "yes"},
        {"refresh_at": 7},
        {"refresh_at": True},
        {"refresh_before": -1},
        {"refresh_before": 1.5},
        {"theme": 3},
        {"theme": "x" * 500},
    ],
)
def test_a_value_that_cannot_be_is_as_if_it_were_not_there(tmp_path: Path, values: dict[str, Any]) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(values))
    assert SettingsFile(path).present == Settings()
    with pytest.raises(ValueError, match="cannot be"):
        SettingsFile(tmp_path / "other.json").change(**values)


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, "{}" + " " * 70_000])
def test_a_damaged_file_is_said_and_replaced_by_the_next_change(tmp_path: Path, content: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)
    settings = SettingsFile(path)
    assert settings.present == Settings()
    assert settings.problem
    settings.change(theme="ink")
    assert SettingsFile(path).present.theme == "ink"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Somebody else's file is neither read nor written."""
    target = tmp_path / "target"
    target.write_text('{"theme": "theirs"}')
    path = tmp_path / "settings.json"
    path.symlink_to(target)
    settings = SettingsFile(path)
    assert settings.present.theme == ""
    settings.change(theme="mine")
    assert target.read_text() == '{"theme": "theirs"}'


def test_what_could_not_be_written_holds_until_the_end(tmp_path: Path) -> None:
    settings = SettingsFile(tmp_path / "nowhere" / "settings.json")
    with pytest.raises(StateUnusable, match="could not be written"):
        settings.change(background_refresh=False)
    assert settings.present.background_refresh is False


def test_without_a_state_directory_the_settings_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLENS_HOME", "/dev/null/nowhere")
    settings = SettingsFile.open()
    settings.change(theme="ink")
    assert settings.problem


def written(path: Path, text: str) -> Config:
    (path / "config.toml").write_text(text, encoding="utf-8")
    return read_config(path / "config.toml")


def test_every_setting_is_read(tmp_path: Path) -> None:
    text = (
        'theme = "light"\n[dashboard]\ncolumns = ["kind", "life"]\n'
        '[notices]\nbefore_expiry = 60\nhow = "osc9"\n[keys]\n"dashboard.revoke" = "ctrl+r"\n'
    )
    assert written(tmp_path, text) == Config(
        theme="light",
        columns=("kind", "life"),
        before_expiry=60,
        notice=NoticeKind.OSC_9,
        keys={"dashboard.revoke": "ctrl+r"},
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('colour = "red"', "config.toml has no colour."),
        ("[dashboard]\nrows = 1", "[dashboard] of config.toml has no rows."),
        ('[dashboard]\ncolumns = ["age"]', "There is no column age."),
        ("theme = 1", 'theme in config.toml cannot be that. Write, for example: theme = "authlens-light"'),
        ("dashboard = 1", "dashboard in config.toml cannot be that. Write, for example: [dashboard]"),
        ("[notices]\nbefore_expiry = true", "Write, for example: before_expiry = 120  # seconds before"),
        ("[notices]\nbefore_expiry = -1", "before_expiry in config.toml cannot be that."),
        (
            '[notices]\nhow = "horn"',
            'Write, for example: how = "bell"  # how the notice comes',
        ),
        ("[keys]\nx = 1", "The keys of x are not a text."),
        ("theme =", "is not TOML"),
    ],
)
def test_what_is_unknown_is_reported_and_the_rest_holds(tmp_path: Path, text: str, problem: str) -> None:
    read = written(tmp_path, text)
    assert problem in " ".join(read.problems)
    assert read == Config(problems=read.problems)


def test_the_first_file_changes_nothing_and_names_everything(tmp_path: Path) -> None:
    """With each # taken away it is read without a problem."""
    path = tmp_path / "there" / "config.toml"
    write_template(path)
    assert read_config(path) == Config()
    lines = (line[2:] if " = " in line else line for line in first_file().splitlines())
    read = written(tmp_path, "\n".join(lines))
    assert read.problems == ()
    assert read.columns == COLUMN_KEYS
    assert read.keys == {"dashboard.revoke": "ctrl+r"}
