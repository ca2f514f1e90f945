"""A path is found below a folder, or refused where it leads elsewhere; with and without open directories."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from authlens_core.state import confined_path, user_file
from authlens_core.state.confined_path import UserFile
from authlens_core.values.errors import FileUnusable
from support.hostile_folder import AT_FILE, AT_PARENT, HostileFolder, snapshot

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither FIFOs nor devices in folders")


@pytest.fixture(params=[True, False], ids=["by open directories", "as on Windows"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostileFolder:
    """A hostile folder, walked in both ways."""
    monkeypatch.setattr(confined_path, "WALKS", request.param)
    made = HostileFolder.below(tmp_path)
    monkeypatch.chdir(made.project)
    return made


def refused(folder: HostileFolder, file: UserFile) -> None:
    before = snapshot(folder.project.parent)
    with pytest.raises(FileUnusable) as error:
        user_file.read(file)
    assert error.value.cure == "By hand."
    with pytest.raises(FileUnusable):
        user_file.write(file, b"ours", None)
    assert snapshot(folder.project.parent) == before


@pytest.mark.parametrize("path", ["file", "sub/file"])
@pytest.mark.parametrize("name", AT_FILE)
def test_what_is_no_file_of_the_folder_is_refused(folder: HostileFolder, name: str, path: str) -> None:
    """H330 to H334: an absolute path and a relative one."""
    place = folder.project / path
    place.parent.mkdir(exist_ok=True)
    AT_FILE[name](folder, place)
    refused(folder, UserFile(place, folder.project, "By hand."))
    refused(folder, UserFile(Path(path), folder.project, "By hand."))


@pytest.mark.parametrize("name", AT_PARENT)
def test_a_directory_that_leads_elsewhere_is_refused(folder: HostileFolder, name: str) -> None:
    """H331, H335."""
    AT_PARENT[name](folder, folder.project / "sub")
    refused(folder, UserFile(Path("sub/deep/file"), folder.project, "By hand."))


def test_missing_directories_are_made_when_the_file_is_written(folder: HostileFolder) -> None:
    """The path that is shown is relative where yours was."""
    file = UserFile(Path("a/b/file"), folder.project)
    assert user_file.read(file) is None
    assert not (folder.project / "a").exists()
    assert user_file.write(file, b"ours", None).path == Path("a/b/file")
    assert (folder.project / "a" / "b" / "file").read_bytes() == b"ours"


def test_a_link_within_the_folder_is_followed_to_where_a_file_can_be_made(folder: HostileFolder) -> None:
    (folder.project / "real").mkdir()
    (folder.project / "sub").symlink_to("real")
    file = UserFile(Path("sub/new/file"), folder.project)
    assert user_file.write(file, b"ours", None).path == Path("real/new/file")
    found = user_file.read(file)
    assert found is not None
    assert (found.path, found.data) == (Path("real/new/file"), b"ours")


def test_a_directory_that_can_be_entered_and_not_listed_is_passed(folder: HostileFolder) -> None:
    (folder.project / "sub").mkdir(mode=0o300)
    file = UserFile(Path("sub/file"), folder.project)
    assert user_file.write(file, b"ours", None).path == Path("sub/file")
