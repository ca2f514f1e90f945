"""The link in a file: what a process that was killed leaves behind is removed by the next one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from authlens_core.credentials.store.secret_store import MemoryStore
from authlens_core.credentials.vault import open_store as store_module
from authlens_core.credentials.vault.open_store import OpenedStore
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.terminal.link_file import LinkFile, sweep_link_files
from support.screens import until

WRITES = """
import sys
from authlens_tui.terminal.link_file import LinkFile
file = LinkFile()
print(file.write("https://team.example/", {"XDG_RUNTIME_DIR": sys.argv[1]}), flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(runtime: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run a process that has written the link into a file; it is killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITES, runtime], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a private runtime directory; the directory for temporary files is one of the test."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "run").mkdir(mode=0o700)
    return tmp_path / "run"


@pytest.mark.parametrize("in_runtime", [True, False])
def test_the_file_of_a_killed_process_is_swept_and_that_of_a_living_one_stays(
    in_runtime: bool, places: Path
) -> None:
    """SIGKILL lets nobody clean up: the file goes, and the directory that was made for it."""
    runtime = str(places) if in_runtime else ""
    with another_process(runtime) as (process, path):
        assert path.exists()
        sweep_link_files({"XDG_RUNTIME_DIR": str(places)})
        assert path.exists()
        process.kill()
        process.wait()
        assert path.exists()
    sweep_link_files({"XDG_RUNTIME_DIR": str(places)})
    assert not path.exists()
    assert path.parent.exists() is in_runtime


def test_our_own_file_is_not_swept(places: Path) -> None:
    """The lock belongs to the open file, not to the process."""
    file = LinkFile()
    path = file.write("https://team.example/", {"XDG_RUNTIME_DIR": str(places)})
    sweep_link_files({"XDG_RUNTIME_DIR": str(places)})
    assert path.exists()
    file.remove()
    assert list(places.iterdir()) == []


def test_what_is_not_ours_alone_is_left_alone(places: Path) -> None:
    """A link to somewhere else, another name, and a directory that others can write to."""
    elsewhere = places.parent / "elsewhere.txt"
    elsewhere.write_text("x")
    (places / "authlens-link-0.txt").symlink_to(elsewhere)
    (places / "notes.txt").write_text("x")
    shared = Path(tempfile.gettempdir()) / "authlens-shared"
    shared.mkdir()
    shared.chmod(0o777)
    (shared / "authlens-link-1.txt").write_text("x")
    sweep_link_files({"XDG_RUNTIME_DIR": str(places)})
    assert elsewhere.exists()
    assert (places / "notes.txt").exists()
    assert (shared / "authlens-link-1.txt").exists()


async def test_the_program_sweeps_when_it_starts(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link of a killed login holds a state: nobody needs it any more."""

    async def open_store(*_store: object, **_options: object) -> OpenedStore:
        return OpenedStore(MemoryStore())

    monkeypatch.setattr(store_module, "open_store", open_store)
    left = places / "authlens-link-0.txt"
    left.write_text("https://team.example/")
    app = AuthlensApp(environ={"XDG_RUNTIME_DIR": str(places)})
    async with app.run_test() as pilot:
        await until(pilot, lambda: not left.exists() and isinstance(app.screen, DashboardScreen))
