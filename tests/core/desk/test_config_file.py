"""The user's configuration: what it says, and what of it is unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from authlens_core.desk.settings import (
    COLUMN_KEYS,
    Config,
    NoticeKind,
    first_file,
    read_config,
    write_template,
)


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
