"""Inside tmux, the variables of the client that attached last."""

import shlex
from pathlib import Path

import pytest

from authlens_tui.cli.terminal import attached_client
from authlens_tui.cli.terminal.attached_client import client_variables


def stub(folder: Path, body: str) -> dict[str, str]:
    """Return an environment inside a tmux whose program is a script of ours."""
    program = folder / "tmux"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o700)
    return {"PATH": f"{folder}:/usr/bin:/bin", "TMUX": "/tmp/tmux-0/default,1,0", "SECRET": "x"}


def test_what_the_client_has_and_what_it_lacks_is_told(tmp_path: Path) -> None:
    """Only the variables that say where the person sits; the rest of the session is of no concern."""
    lines = [
        "SSH_CONNECTION=1.2.3.4 5 6.7.8.9 22",
        "-DISPLAY",
        "SSH_AUTH_SOCK=/x",
        "-KRB5CCNAME",
        "SSH_TTY=/t",
    ]
    assert client_variables(stub(tmp_path, f"printf '%s\\n' {shlex.join(lines)}")) == {
        "SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22",
        "DISPLAY": None,
        "SSH_TTY": "/t",
        "SSH_CLIENT": None,
    }


@pytest.mark.parametrize("body", ["exit 1", "sleep 30", "kill -9 $$"])
def test_a_tmux_that_does_not_answer_changes_nothing(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a bounded time, also where a child of it holds the pipe."""
    monkeypatch.setattr(attached_client, "_SECONDS", 0.2)
    assert client_variables(stub(tmp_path, body)) == {}


def test_outside_tmux_nothing_is_started(tmp_path: Path) -> None:
    """Nor is anything where there is no such program."""
    environ = stub(tmp_path, f"touch {tmp_path / 'started'}; echo SSH_TTY=x")
    del environ["TMUX"]
    assert client_variables(environ) == {}
    assert not (tmp_path / "started").exists()
    assert client_variables({"TMUX": "x", "PATH": str(tmp_path / "none")}) == {}


def test_tmux_is_given_no_variable_that_it_does_not_need(tmp_path: Path) -> None:
    """A child gets no secret of ours."""
    client_variables(stub(tmp_path, f"env > {tmp_path / 'seen'}"))
    assert "TMUX=" in (tmp_path / "seen").read_text()
    assert "SECRET" not in (tmp_path / "seen").read_text()
