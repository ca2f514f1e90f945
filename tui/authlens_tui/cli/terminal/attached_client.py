"""Inside tmux: where the user is now, which can differ from where the tmux server was started.

A program keeps the environment of the moment at which its window was made. Of each client that attaches, tmux
copies some variables into the environment of the session, and marks those that the client lacks as removed
(tmux(1), "GLOBAL AND SESSION ENVIRONMENT"); that is asked for here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import Final

# tmux answers in milliseconds, or its server hangs and will not.
_SECONDS: Final = 1.0
_FOLLOWED: Final = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "DISPLAY", "WAYLAND_DISPLAY")
# tmux copies SSH_CONNECTION automatically but these only on request, so they may be older.
_GO_WITH_THE_CONNECTION: Final = ("SSH_CLIENT", "SSH_TTY")
# What tmux needs to find its server and the session of this window; nothing else of ours is handed on.
_FOR_TMUX: Final = ("PATH", "HOME", "TMUX", "TMUX_PANE", "TMUX_TMPDIR", "LANG", "LC_ALL", "LC_CTYPE")


def adopt_client_variables() -> None:
    """Use the environment of the tmux client that attached last, because the user is there."""
    for name, value in client_variables(os.environ).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def client_variables(environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return the variables that differ for the tmux client that attached last; None if it lacks one.

    Blocks for a moment at most. Nothing is returned outside tmux, or where tmux does not answer.
    """
    program = shutil.which("tmux", path=environ.get("PATH")) if environ.get("TMUX") else None
    if program is None:
        return {}
    try:
        process = subprocess.run(
            # The environment of the session, which tmux updates at each attach; that of this process is as
            # old as its window.
            [program, "show-environment"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: environ[name] for name in _FOR_TMUX if name in environ},
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return {}
    return read_session_environment(process.stdout.decode("utf-8", "surrogateescape"))


def read_session_environment(output: str) -> dict[str, str | None]:
    """Parse the output of `tmux show-environment`: `NAME=value`, or `-NAME` for a removed variable."""
    variables: dict[str, str | None] = {}
    for line in output.split("\n"):
        name, equals, value = line.partition("=")
        if equals and name in _FOLLOWED and "\0" not in value:
            variables[name] = value
        elif not equals and line.startswith("-") and line[1:] in _FOLLOWED:
            variables[line[1:]] = None
    # One that came over SSH now, or no longer does: what belongs to the old connection goes with it.
    if "SSH_CONNECTION" in variables:
        variables = {**dict.fromkeys(_GO_WITH_THE_CONNECTION), **variables}
    return variables
