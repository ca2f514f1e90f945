"""Where state lives, and who may read it: private files are whole or not there."""

import os
import stat
from pathlib import Path

import pytest

from authlens_core.state import private_file
from authlens_core.state.paths import own_file, state_directory
from authlens_core.values.errors import StateUnusable


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_directory_is_the_named_one_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """V-9: 0700 whatever the umask says."""
    monkeypatch.setenv("AUTHLENS_HOME", str(tmp_path / "a" / "b"))
    old = os.umask(0)
    try:
        path = state_directory()
        file = own_file(path / "index")
    finally:
        os.umask(old)
    assert path == tmp_path / "a" / "b"
    assert (_mode(path), _mode(file)) == (0o700, 0o600)


def test_without_a_name_it_is_the_platforms_own(
    private_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTHLENS_HOME")
    assert state_directory().is_relative_to(private_environment)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    """H177: somebody else could put a file in place of ours."""
    tmp_path.chmod(mode)
    with pytest.raises(StateUnusable, match="Others may write") as caught:
        state_directory(tmp_path)
    assert "chmod 700" in str(caught.value.cure)
    tmp_path.chmod(0o700)


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """H177: other owner."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(StateUnusable, match="another account"):
        state_directory(tmp_path)


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """H177: words and a cure, no traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(StateUnusable, match="cannot be used") as caught:
        state_directory(tmp_path / "file" / "x")
    assert "AUTHLENS_HOME" in str(caught.value.cure)


def test_a_link_a_pipe_and_a_hard_link_are_refused(tmp_path: Path) -> None:
    """V-9, H177: only a plain file of ours is opened, and a pipe does not make it wait."""
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "hard").hardlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "hard", "pipe"):
        with pytest.raises(StateUnusable):
            own_file(tmp_path / name)


def test_a_file_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    """A copy that was restored with an open mode is closed again."""
    (tmp_path / "f").touch(0o644)
    assert _mode(own_file(tmp_path / "f")) == 0o600


class _Died(Exception):
    """The process ends here."""


@pytest.mark.parametrize("call", ["fdopen", "fsync", "replace"])
def test_a_reader_sees_the_old_file_or_the_new_one_wherever_the_process_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    private_file.replace(path, b"old")

    def die(*_: object) -> None:
        raise _Died

    with monkeypatch.context() as dying:
        dying.setattr(os, call, die)
        with pytest.raises(_Died):
            private_file.replace(path, b"new and longer", locked=True)
    assert path.read_bytes() == b"old"
    private_file.replace(path, b"next", locked=True)
    assert path.read_bytes() == b"next"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_draft_that_was_written_in_half_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "file"
    (tmp_path / "file.draft").write_bytes(b"ha")
    private_file.replace(path, b"next", locked=True)
    assert path.read_bytes() == b"next"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_the_file_is_private_and_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    target, path = tmp_path / "elsewhere", tmp_path / "file"
    target.write_text("untouched")
    path.symlink_to(target)
    private_file.replace(path, b"data")
    assert (target.read_text(), path.is_symlink(), path.read_bytes()) == ("untouched", False, b"data")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_create_writes_over_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("there")
    with pytest.raises(FileExistsError):
        private_file.create(path, b"data")
    assert path.read_text() == "there"
