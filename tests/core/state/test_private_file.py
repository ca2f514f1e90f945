"""One private-file writer: whole or not at all, mode 0600, nothing left behind."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from authlens_core.state import private_file


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
