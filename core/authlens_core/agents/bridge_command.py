"""The command of a server in an agent's file: does it start the bridge, for which URL, by which program."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Final

VERB: Final = "mcp-bridge"
_PROGRAMS: Final = ("authlens", "authlens_tui")
_URL: Final = re.compile(r"https?://")


def bridge_command(url: str, *, gui: bool) -> tuple[str, ...]:
    """Return the command that starts the bridge.

    Args:
        gui: whether an agent starts it that has no PATH of a shell. Otherwise it is by its name if that is on
            PATH, because others may share the file.
    """
    return (*_program(gui=gui), VERB, url)


def url_of(command: Sequence[str]) -> str | None:
    """Return the URL that a command bridges to, or None if it does not start the bridge."""
    if VERB not in command:
        return None
    at = command.index(VERB)
    # `uvx authlens`, a script's path, `python -m authlens_tui`: one of them names the program.
    if not any(PurePath(word).stem in _PROGRAMS for word in command[:at]):
        return None
    return next((word for word in command[at:] if _URL.match(word)), None)


def updated(command: Sequence[str], *, gui: bool) -> tuple[str, ...]:
    """Return a command that starts the bridge, by a program that the agent finds; your options stay.

    It stays as it is if its program is found, or if it is started in a way that authlens does not write.
    """
    at = command.index(VERB)
    program = tuple(command[:at])
    is_written_here = program[1:] in ((), ("-m", "authlens_tui"))
    if shutil.which(program[0]) is not None or not is_written_here:
        return tuple(command)
    return (*_program(gui=gui), *command[at:])


def _program(*, gui: bool) -> tuple[str, ...]:
    if (found := shutil.which("authlens")) is not None:
        return (str(Path(found).absolute()) if gui else "authlens",)
    beside = shutil.which("authlens", path=Path(sys.executable).parent)
    return (beside,) if beside is not None else (sys.executable, "-m", "authlens_tui")
