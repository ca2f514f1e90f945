"""`--no-input`: nothing is asked, no browser opens; where a user is needed, one line names the command."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from typing import Final

from authlens_core.values.errors import LoginNeeded
from authlens_tui.cli.terminal import plain
from authlens_tui.cli.terminal.output import is_terminal, say

VARIABLE: Final = "AUTHLENS_NO_INPUT"
_FLAGS: Final = {"--no-input": VARIABLE, "--plain": plain.VARIABLE}


def without_flags(argv: Sequence[str]) -> list[str]:
    """Return the arguments without the flags of every verb, `--no-input` and `--plain`, and remember them.

    What follows `--` is for another program.
    """
    end = argv.index("--") if "--" in argv else len(argv)
    for flag, variable in _FLAGS.items():
        if flag in argv[:end]:
            # In the environment, so that programs which we start (`authlens run`) ask nothing either.
            os.environ[variable] = "1"
    if no_input() and is_terminal(sys.stdin):
        # Whatever would read an answer reads the end of a file instead.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, sys.stdin.fileno())
        os.close(nothing)
    return [word for word in argv[:end] if word not in _FLAGS] + list(argv[end:])


def no_input() -> bool:
    return bool(os.environ.get(VARIABLE))


def say_command(error: LoginNeeded, argv: Sequence[str]) -> None:
    url = next((word for word in argv if "://" in word), None)
    more = ["--cloudflared"] if "--cloudflared" in argv else []
    command = f"Run: {shlex.join(['authlens', 'login', url, *more])}" if url else error.cure
    say(f"✖ {error.cause} {command}")
