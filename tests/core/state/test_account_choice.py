"""The account that the environment or a folder chooses, and what may not choose one."""

import os
from pathlib import Path

import pytest

from authlens_core.state.account_choice import FOLDER_FILE, VARIABLE, account_name, chosen_account, name_from
from authlens_core.values.errors import FileUnusable, UsageError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that the process is in, below another one."""
    inner = tmp_path / "project" / "inner"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    monkeypatch.delenv(VARIABLE, raising=False)
    return inner


def write(folder: Path, text: str, mode: int = 0o644) -> Path:
    path = folder / FOLDER_FILE
    path.write_text(text)
    path.chmod(mode)
    return path


def test_without_variable_and_file_nothing_is_chosen(folder: Path) -> None:
    assert chosen_account() is None


def test_the_folder_chooses_also_from_above(folder: Path) -> None:
    write(folder.parent, 'as = "Work"\nother = 1')
    assert chosen_account() == "work"


def test_the_nearest_folder_chooses(folder: Path) -> None:
    write(folder.parent, 'as = "work"')
    write(folder, 'as = "home"')
    assert chosen_account() == "home"


def test_the_environment_comes_before_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, 'as = "work"')
    monkeypatch.setenv(VARIABLE, "home")
    assert chosen_account() == "home"


@pytest.mark.parametrize("text", ["as = 1", "as = [", "\0", 'as = "' + "x" * 5_000 + '"', "[as]\nx = 1"])
def test_a_file_that_chooses_nothing_readable_is_refused(folder: Path, text: str) -> None:
    write(folder, text)
    with pytest.raises(FileUnusable):
        chosen_account()


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o646])
def test_a_file_that_others_can_write_is_refused(folder: Path, mode: int) -> None:
    write(folder, 'as = "work"', mode)
    with pytest.raises(FileUnusable, match="others can change it"):
        chosen_account()


def test_a_file_of_another_owner_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, 'as = "work"')
    monkeypatch.setattr(os, "getuid", lambda: 12_345)
    with pytest.raises(FileUnusable, match="others can change it"):
        chosen_account()


def test_a_link_is_not_followed(folder: Path) -> None:
    write(folder.parent, 'as = "work"')
    (folder / FOLDER_FILE).symlink_to(folder.parent / FOLDER_FILE)
    with pytest.raises(FileUnusable, match="a link"):
        chosen_account()


@pytest.mark.parametrize("text", ["../work", "a/b", "", "-x", "wörk", "wоrk", "a b", "a\x1b[2J", "x" * 65])
def test_what_cannot_be_a_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        account_name(text)


@pytest.mark.parametrize(
    ("person", "name"),
    [
        ("Ada@Example.com", "ada@example.com"),
        ("Ada Lovelace", "ada-lovelace"),
        ("auth0|1a/2b", "auth0-1a-2b"),
        ("\x1b[2J", "2j"),
        ("愛", ""),
        ("x" * 99, "x" * 64),
    ],
)
def test_a_name_is_made_of_what_a_server_calls_a_person(person: str, name: str) -> None:
    assert name_from(person) == name
