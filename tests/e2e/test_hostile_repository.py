"""A repository as git clones it, with links in the places of files; and folders that may not be written."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from authlens_core.export.session_file import session_json
from authlens_core.trace.record import Trace, TraceKind
from support.driven_login import record_login
from support.hostile_folder import HostileFolder, snapshot
from support.needs import program
from support.verb_process import authlens, machine_in
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e
URL = "https://wiki.example/mcp"
VERBS = ("skill --write", "skill --format agents --write")

LINKS = {
    "AGENTS.md": "../outside/canary",
    ".claude/skills/authlens/SKILL.md": "../../../../outside/canary",
    "reports": "../outside/folder",
}


@pytest.fixture
def cloned(tmp_path: Path) -> HostileFolder:
    """A clone of the repository beside a canary."""
    git = [program("git"), "-c", "user.name=x", "-c", "user.email=x@example", "-c", "init.defaultBranch=main"]
    source = tmp_path / "source"
    source.mkdir()
    for path, target in LINKS.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).symlink_to(target)
    (source / "README").write_text("Innocent.\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], cwd=source, check=True)
    folder = HostileFolder.below(tmp_path)
    subprocess.run([*git, "clone", "-q", str(source), str(folder.project)], check=True)
    return folder


@pytest.mark.parametrize("words", VERBS)
async def test_no_verb_writes_through_the_links_of_a_clone(
    cloned: HostileFolder, tmp_path: Path, words: str
) -> None:
    """H330, H331: refused by name, and nothing changed inside or outside."""
    machine = machine_in(tmp_path)
    before = snapshot(cloned.project), snapshot(cloned.outside)
    done = await authlens(machine, *words.split(), cwd=cloned.project)
    assert (done.code, "is a link to" in done.words) == (2, True), done.words
    assert (snapshot(cloned.project), snapshot(cloned.outside)) == before


async def test_an_export_does_not_leave_the_clone_unless_you_name_the_place(
    cloned: HostileFolder, tmp_path: Path
) -> None:
    """H331: `reports/` is a link; the directory that it leads to can be named."""
    (tmp_path / "login.json").write_text(session_json((await record_login()).trace))
    machine = machine_in(tmp_path)
    words = ("export", "../login.json", "--format", "har", "-o")
    before = snapshot(cloned.outside)
    done = await authlens(machine, *words, "reports/a.har", cwd=cloned.project)
    assert (done.code, "reports is a link to ../outside/folder" in done.words) == (2, True), done.words
    assert snapshot(cloned.outside) == before
    named = await authlens(machine, *words, "../outside/folder/a.har", cwd=cloned.project)
    assert named.code == 0, named.words


WITHOUT_ROOTS_RIGHTS = ("--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all")


@pytest.mark.parametrize(
    ("words", "closed", "mode"),
    [
        ("skill --format agents --write", ".", 0o555),
        ("skill --write", ".claude/skills", 0o555),
        ("skill --write", ".claude/skills", 0o000),
        ("export ../login.json -o closed/a.json", "closed", 0o000),
        ("export ../login.json -o closed/a.json", "closed", 0o555),
        ("export closed/a.json", "closed", 0o000),
        ("compare ../login.json closed/a.json", "closed", 0o000),
        ("open closed/a.json", "closed", 0o000),
    ],
)
def test_a_folder_without_rights_is_named_with_the_reason(
    tmp_path: Path, words: str, closed: str, mode: int
) -> None:
    """H336: for an account that rights hold for; root is one without two of its capabilities."""
    folder = HostileFolder.below(tmp_path)
    path = folder.project / closed
    path.mkdir(parents=True, exist_ok=True)
    trace = Trace("t1", TraceKind.LOGIN, URL, datetime(2026, 1, 1, tzinfo=UTC))
    (tmp_path / "login.json").write_text(session_json(trace))
    before = snapshot(folder.project)
    command = [sys.executable, "-m", "authlens_tui", *words.split()]
    if os.geteuid() == 0:
        command = [program("setpriv"), *WITHOUT_ROOTS_RIGHTS, *command]
    machine = machine_in(tmp_path)
    path.chmod(mode)
    try:
        done = subprocess.run(
            command, cwd=folder.project, env=machine, capture_output=True, text=True, timeout=PATIENCE
        )
    finally:
        path.chmod(0o755)
    assert (done.returncode, "Permission denied" in done.stderr) == (2, True), done.stderr
    assert snapshot(folder.project) == before
