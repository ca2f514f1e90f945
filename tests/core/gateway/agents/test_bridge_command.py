"""Which servers in a file are authlens's, and what a second run changes in their command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from authlens_core.gateway.agents.agent import bridge_command, updated, url_of

URL = "https://wiki.example/mcp"


@pytest.mark.parametrize(
    ("command", "url"),
    [
        (f"authlens mcp-bridge {URL}", URL),
        (f"/opt/bin/authlens mcp-bridge --min-ttl 300 {URL}", URL),
        (f"authlens.exe mcp-bridge {URL} --kind oauth", URL),
        (f"python3 -m authlens_tui mcp-bridge {URL}", URL),
        (f"uvx authlens mcp-bridge {URL}", URL),
        (f"env A=1 authlens mcp-bridge {URL}", URL),
        (f"other mcp-bridge {URL}", None),
        (f"authlens proxy {URL}", None),
        ("authlens mcp-bridge", None),
        ("", None),
    ],
)
def test_a_command_that_starts_the_bridge_has_a_url(command: str, url: str | None) -> None:
    assert url_of(command.split()) == url


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


@pytest.mark.parametrize(
    ("command", "gui", "program"),
    [
        ("authlens", False, None),
        ("authlens", True, None),
        ("/gone/bin/authlens", False, "authlens"),
        ("/gone/bin/authlens", True, "whole path"),
        ("/gone/bin/python -m authlens_tui", False, "authlens"),
        ("uvx authlens", True, None),
        ("gone-wrapper authlens", True, None),
    ],
)
def test_a_second_run_changes_only_a_program_that_is_not_found(
    authlens: str, command: str, gui: bool, program: str | None
) -> None:
    """What you wrote before it or behind it stays."""
    tail = ("mcp-bridge", URL, "--min-ttl", "300")
    expected = command.split() if program is None else [authlens if gui else program]
    assert updated((*command.split(), *tail), gui=gui) == (*expected, *tail)
