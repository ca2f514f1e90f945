"""Refuse a command that cannot run as typed, with what to do instead."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from authlens_core.values.errors import LoginNeeded, UsageError
from authlens_tui.cli.terminal.output import say

if TYPE_CHECKING:
    from authlens_core.values.fix import Fix

REFUSED: Final = UsageError.exit_code
ADD_FORCE: Final = "Choose another name, or add --force to replace it."
_Way: TypeAlias = "str | Fix | tuple[str, str]"


def refusal(cause: str, *ways: _Way) -> UsageError:
    """Return the error of a command that cannot be done.

    Args:
        ways: what to do instead: each a sentence, words and the command that does it, or a fix.
    """
    return UsageError(cause, _cure(ways))


def login_needed(cause: str, *ways: _Way) -> LoginNeeded:
    """Return the error of a command for which a user has to log in first; `ways` as for `refusal`."""
    return LoginNeeded(cause, _cure(ways))


def say_command(error: LoginNeeded, argv: Sequence[str]) -> None:
    """Print in one line the command that a user has to run, for `--no-input`."""
    url = next((word for word in argv if "://" in word), None)
    more = ["--cloudflared"] if "--cloudflared" in argv else []
    command = f"Run: {shlex.join(['authlens', 'login', url, *more])}" if url else error.cure
    say(f"✖ {error.cause} {command}")


def unknown_name(name: str, names: Iterable[str], cause: str, listing: str) -> UsageError:
    """Return the refusal of an unknown name, with the nearest known one and the command that lists them."""
    near = nearest(name, names)
    meant = f"Did you mean {near}? " if near else ""
    return UsageError(cause, f"{meant}See them all: {listing}")


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return which of `names` was probably meant by `word`, if one is similar."""
    from difflib import get_close_matches  # for a refusal alone

    return next(iter(get_close_matches(word, names, 1)), None)


def _cure(ways: tuple[_Way, ...]) -> str | Fix:
    if len(ways) == 1 and not isinstance(ways[0], tuple):
        return ways[0]
    if not ways:
        return ""
    from authlens_core.values.fix import fix, step  # for a refusal alone

    return fix(*(step(*way) if isinstance(way, tuple) else way for way in ways))
