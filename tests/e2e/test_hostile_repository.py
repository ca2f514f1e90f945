"""A repository as git clones it, with links in the places of files; and folders that may not be written."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from authlens_core.export.session_file import session_json
from authlens_core.trace.record import Trace, TraceKind
from support.hostile_folder import HostileFolder, snapshot
from support.needs import program
from support.verb_process import machine_in
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e

URL = "https://wiki.example/mcp"


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
