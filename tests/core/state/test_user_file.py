"""Files that are not authlens's own: written whole or not at all, and never over the change of another."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authlens_core.state import user_file
from authlens_core.state.user_file import LARGEST, UserFile, folder_of
from authlens_core.values.errors import FileExists, FileUnusable
from support.hostile_folder import AT_FILE, AT_PARENT, HostileFolder, snapshot

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes and few links")


@pytest.fixture
def file(tmp_path: Path) -> UserFile:
    """A file in a project; beside it is a canary."""
    (tmp_path / "canary").write_text("canary")
    (tmp_path / "project" / "sub").mkdir(parents=True)
    return UserFile(tmp_path / "project" / "sub" / "file", tmp_path / "project", "Do it by hand.")


def write(file: UserFile, data: bytes) -> None:
    user_file.write(file, data, user_file.read(file))


def names(file: UserFile) -> list[str]:
    return sorted(one.name for one in file.path.parent.iterdir())


def before_call(
    monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], object], *, number: int = 1
) -> None:
    """Let another program act right before the `number`th call of a function of `os`."""
    real = getattr(os, name)
    calls = 0

    def called(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            act()
        return real(*arguments, **named)

    monkeypatch.setattr(os, name, called)


def identity(path: Path) -> tuple[int, ...] | None:
    """Return what says that a name has the same file with the same content; None if nothing has it."""
    if not os.path.lexists(path):
        return None
    status = path.lstat()
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_that_the_umask_leaves(file: UserFile, umask: int, mode: int) -> None:
    """H339: and so do the directories that are made for it."""
    deep = UserFile(file.folder / "new" / "file", file.folder)
    before = os.umask(umask)
    try:
        user_file.write(deep, b"data", None)
    finally:
        os.umask(before)
    assert mode_of(deep.path) == mode
    assert mode_of(deep.path.parent) == 0o777 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_replaced_file_has_the_mode_of_the_old_one(file: UserFile, mode: int) -> None:
    """H339: it may hold a secret of its own."""
    file.path.write_text("old")
    file.path.chmod(mode)
    write(file, b"new")
    assert (file.path.read_text(), mode_of(file.path)) == ("new", mode)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
def test_root_leaves_a_file_to_its_owner(file: UserFile) -> None:
    file.path.write_text("old")
    os.chown(file.path, 12345, 12346)
    write(file, b"new")
    assert (file.path.stat().st_uid, file.path.stat().st_gid) == (12345, 12346)


def test_a_file_of_another_account_is_refused(file: UserFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner could not change it any more."""
    file.path.write_text("old")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(FileUnusable, match="belongs to another account"):
        write(file, b"new")
    assert (file.path.read_text(), names(file)) == ("old", ["file"])


CHANGES: dict[str, Callable[[UserFile], object]] = {
    "other bytes": lambda file: file.path.write_text("theirs"),
    "another file": lambda file: _replaced(file.path, "old"),
    "another mode": lambda file: file.path.chmod(0o600),
    "gone": lambda file: file.path.unlink(),
    "a link out": lambda file: _linked(file.path, file.folder.parent / "canary"),
    "a FIFO": lambda file: _fifo(file.path),
}


def _replaced(path: Path, text: str) -> None:
    path.with_name("other").write_text(text)
    path.with_name("other").rename(path)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _linked(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_after_it_was_read_is_left_as_it_is(
    file: UserFile, tmp_path: Path, change: str
) -> None:
    """H340: looked at again right before the rename."""
    file.path.write_text("old")
    file.path.chmod(0o644)
    before = user_file.read(file)
    assert before is not None
    CHANGES[change](file)
    now = identity(file.path)
    with pytest.raises(FileUnusable):
        user_file.write(file, b"ours", before)
    assert identity(file.path) == now
    assert (tmp_path / "canary").read_text() == "canary"
    assert not [name for name in names(file) if name.startswith(".authlens-")]


def test_a_change_while_the_new_content_is_written_is_noticed(
    file: UserFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H340: the same size, and written before the draft is on the disk."""
    file.path.write_text("old")
    before_call(monkeypatch, "fsync", lambda: file.path.write_text("OLD"))
    with pytest.raises(FileUnusable, match="Run the same command again"):
        user_file.write(file, b"ours", user_file.read(file))
    assert (file.path.read_text(), names(file)) == ("OLD", ["file"])


def test_a_link_that_comes_right_before_the_rename_is_replaced_and_not_written_through(
    file: UserFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H341."""
    file.path.write_text("old")
    before_call(monkeypatch, "replace", lambda: _linked(file.path, tmp_path / "canary"))
    user_file.write(file, b"ours", user_file.read(file))
    assert (tmp_path / "canary").read_text() == "canary"
    assert (file.path.read_text(), file.path.is_symlink()) == ("ours", False)


@pytest.mark.parametrize("target", ["canary", "new"])
def test_a_link_that_comes_right_before_a_new_file_is_not_replaced(
    file: UserFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """H341: nothing was there when it was read."""
    before_call(monkeypatch, "link", lambda: _linked(file.path, tmp_path / target))
    with pytest.raises(FileExists, match="was not changed"):
        user_file.write(file, b"ours", None)
    assert (tmp_path / "canary").read_text() == "canary"
    assert not (tmp_path / "new").exists()
    assert names(file) == ["file"]


@pytest.mark.parametrize("call", ["open", "fsync", "link"])
def test_a_directory_that_becomes_a_link_on_the_way_leads_nowhere(
    file: UserFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """H341: the file goes where the walk was, or nowhere."""
    (tmp_path / "elsewhere").mkdir()
    moved = file.path.parent.with_name("moved")

    def swap() -> None:
        file.path.parent.rename(moved)
        file.path.parent.symlink_to(tmp_path / "elsewhere")

    # The first directory that is opened is the project, the second one this.
    before_call(monkeypatch, call, swap, number=2 if call == "open" else 1)
    if call == "open":
        with pytest.raises(FileUnusable):
            user_file.write(file, b"ours", None)
    else:
        user_file.write(file, b"ours", None)
        assert (moved / "file").read_text() == "ours"
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("call", ["fchmod", "fsync", "replace"])
def test_nothing_is_left_of_a_write_that_fails(
    file: UserFile, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    file.path.write_text("old")

    def fail() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before_call(monkeypatch, call, fail)
    with pytest.raises(FileUnusable, match="cannot be written: No space left on device"):
        user_file.write(file, b"ours", user_file.read(file))
    assert (file.path.read_text(), names(file)) == ("old", ["file"])


def test_a_file_system_without_hard_links_has_new_files_all_the_same(
    file: UserFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    user_file.write(file, b"ours", None)
    assert (file.path.read_text(), names(file)) == ("ours", ["file"])


def test_a_file_of_the_largest_size_is_read_and_not_one_byte_more(file: UserFile) -> None:
    """H334: before it is read."""
    file.path.write_bytes(b"")
    os.truncate(file.path, LARGEST)
    assert user_file.read(file) is not None
    os.truncate(file.path, LARGEST + 1)
    with pytest.raises(FileUnusable, match="larger than 16 MiB"):
        user_file.read(file)


@pytest.mark.parametrize("target", ["../../canary", "../other", "/etc/passwd", "../.git/config", "nothing"])
def test_a_link_is_refused_with_both_ends(file: UserFile, target: str) -> None:
    """H330: also one within the folder: git runs hooks, and what its configuration names."""
    file.path.symlink_to(target)
    with pytest.raises(FileUnusable) as refused:
        user_file.read(file)
    assert refused.value.cause.startswith(f"{file.path} is a link to {target}, ")
    assert refused.value.cure == "Do it by hand."


def test_a_named_file_belongs_to_the_outermost_of_current_directory_and_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else to the directory that it is in."""
    current = tmp_path / "src" / "mine"
    for folder in ("vendor/.git", "sub"):
        (current / folder).mkdir(parents=True)
    (tmp_path / "src" / "theirs" / ".git").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(current)
    belongs = [folder_of(Path(path)) for path in ("sub/a", "vendor/b/c", "../theirs/d/e", "../../data/f")]
    assert belongs == [current, current, tmp_path / "src" / "theirs", tmp_path / "data"]


@pytest.mark.parametrize("current", ["mine", "."])
def test_a_file_does_not_belong_to_a_repository_that_a_link_in_another_one_leads_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, current: str
) -> None:
    """H450: `.claude` of a clone as a link to another clone."""
    for folder in ("mine/.git", "other/.git"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "mine" / "out").symlink_to("../other")
    monkeypatch.chdir(tmp_path / current)
    file = UserFile(tmp_path / "mine" / "out" / "a", folder_of(tmp_path / "mine" / "out" / "a"))
    with pytest.raises(FileUnusable, match="out is a link to"):
        user_file.save(file, b"ours", over=True)


@pytest.fixture(params=[True, False], ids=["by open directories", "as on Windows"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostileFolder:
    """A hostile folder, walked in both ways."""
    monkeypatch.setattr(user_file, "WALKS", request.param)
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
    file = UserFile(Path("a/b/file"), folder.project)
    assert user_file.read(file) is None
    assert not (folder.project / "a").exists()
    user_file.write(file, b"ours", None)
    assert (folder.project / "a" / "b" / "file").read_bytes() == b"ours"


def test_a_directory_that_can_be_entered_and_not_listed_is_passed(folder: HostileFolder) -> None:
    (folder.project / "sub").mkdir(mode=0o300)
    user_file.write(UserFile(Path("sub/file"), folder.project), b"ours", None)
    assert (folder.project / "sub" / "file").read_bytes() == b"ours"
