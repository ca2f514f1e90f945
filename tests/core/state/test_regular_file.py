"""A file that may be anything is read within limits, and without waiting."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authlens_core.state.regular_file import read_regular
from authlens_core.values.errors import FileUnusable
from support.hostile_folder import AT_FILE, HostileFolder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither FIFOs nor devices in folders")


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("link to a device", "is a character device, not a regular file."),
        ("FIFO", "is a FIFO, not a regular file."),
        ("socket", "is a socket, not a regular file."),
        ("directory", "is a directory, not a regular file."),
        ("huge file", "is larger than 1 KiB."),
        ("link to itself", "cannot be read: Too many levels of symbolic links."),
    ],
)
def test_what_is_no_regular_file_is_named_as_what_it_is(tmp_path: Path, name: str, cause: str) -> None:
    """H332 to H334."""
    path = tmp_path / "file"
    AT_FILE[name](HostileFolder.below(tmp_path), path)
    with pytest.raises(FileUnusable) as refused:
        read_regular(path, 1024)
    assert refused.value.cause == f"{path} {cause}"


def test_no_device_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """H333: opening some has effects, such as a tape that rewinds."""
    opened: list[object] = []
    monkeypatch.setattr(os, "open", lambda *arguments, **_: opened.append(arguments))
    (tmp_path / "file").symlink_to("/dev/zero")
    with pytest.raises(FileUnusable):
        read_regular(tmp_path / "file", 1024)
    assert opened == []


@pytest.mark.parametrize(
    ("put", "cause"),
    [(os.mkfifo, "is a FIFO"), (lambda path: path.symlink_to("/dev/zero"), "is a character device")],
    ids=["FIFO", "device"],
)
def test_a_file_that_becomes_something_else_before_it_is_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: Callable[[Path], object], cause: str
) -> None:
    """H332: and a FIFO without a writer is not waited for."""
    path = tmp_path / "file"
    path.touch()
    real = os.open

    def swap(*arguments: Any, **named: Any) -> int:
        path.unlink()
        put(path)
        return real(*arguments, **named)

    monkeypatch.setattr(os, "open", swap)
    with pytest.raises(FileUnusable, match=cause):
        read_regular(path, 1024)


def test_a_file_that_grows_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H334: the size that the system gave is not believed."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    real = os.fstat

    def grow(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        os.truncate(path, 4096)
        return status

    monkeypatch.setattr(os, "fstat", grow)
    with pytest.raises(FileUnusable, match="larger than 1 KiB"):
        read_regular(path, 1024)


def test_a_file_of_the_system_has_content_though_its_size_is_none() -> None:
    """`/proc` says 0 for everything."""
    if not Path("/proc/self/status").exists():
        pytest.skip("this system has no /proc")
    assert read_regular("/proc/self/status", 1 << 16).data.startswith(b"Name:")
