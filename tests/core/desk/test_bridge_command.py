"""The command with which an agent starts the bridge."""

import sys
from pathlib import Path

import pytest

from authlens_core.desk.agents import bridge_command

URL = "https://wiki.example/mcp"


@pytest.fixture
def authlens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed authlens, on PATH."""
    program = tmp_path / "bin" / "authlens"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(program.parent))
    return str(program)


def test_an_agent_without_a_shell_gets_the_whole_path(authlens: str) -> None:
    assert bridge_command(URL, gui=True) == (authlens, "mcp-bridge", URL)
    assert bridge_command(URL, gui=False) == ("authlens", "mcp-bridge", URL)


def test_without_authlens_on_path_every_agent_gets_the_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Path(bridge_command(URL, gui=False)[0]).is_absolute()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert bridge_command(URL, gui=False)[:3] == (str(tmp_path / "python"), "-m", "authlens_tui")
