"""A fix: what to do about a failure, in steps, each with the command that does it if there is one.

Advice without a command is a `str`, with one it is a `Fix`. A command is a template: `URL` in it stands for
the address that the fix is about, other words in capitals for what only the user knows.
`values/login_command.py` fills them in. tests/architecture/test_fixes.py reads each with the parser of the
command line.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from enum import StrEnum
from string import ascii_letters, digits
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from authlens_core.values.safe_text import safe_fields, safe_sentence

URL: Final = "URL"


class WayOn(StrEnum):
    """Another way to the resource that a key of the wizard leads to."""

    OTHER_HOST = "other_host"
    """`localhost` instead of `127.0.0.1` in the redirect URI, or the reverse."""
    CLOUDFLARED = "cloudflared"
    SERVICE_TOKEN = "service_token"  # noqa: S105 - a way, not a token


# The word of a command that goes this way.
_WAYS: Final = {
    "--redirect-host": WayOn.OTHER_HOST,
    "--cloudflared": WayOn.CLOUDFLARED,
    "service-token": WayOn.SERVICE_TOKEN,
}


# What every shell leaves as it is between double quotes; cmd.exe knows no single ones.
_PLAIN: Final = frozenset(f"{ascii_letters}{digits} @+=:,./_-")


def _quoted(word: str) -> str:
    is_plain = (not word or " " in word) and _PLAIN.issuperset(word)
    if is_plain:
        return f'"{word}"'
    # fish reads a backslash within single quotes, too: it ends them early. Outside of them all shells agree.
    return shlex.quote(word).replace("\\", r"'\\'")


class Step(Struct, frozen=True):
    """One thing to do; its texts are made safe to show when it is made.

    Attributes:
        words: a sentence; what a colon and the command follow has no full stop.
        command: the words of the command, the program first; empty if none does it.
        implied: whether the words say it all as long as the address of the command is not known.
    """

    words: str
    command: tuple[str, ...] = ()
    implied: bool = False

    def __post_init__(self) -> None:
        safe_fields(self, "words")
        force_setattr(self, "command", tuple(map(safe_sentence, self.command)))

    @property
    def shown_command(self) -> str:
        """The command as it is typed in a shell; empty if there is none, or it is only implied."""
        return "" if self.implied and URL in self.command else " ".join(map(_quoted, self.command))

    def __str__(self) -> str:
        if command := self.shown_command:
            return f"{self.words}: {command}"
        return f"{self.words}." if self.implied else self.words


class Fix(Struct, frozen=True):
    """What to do, one step after another.

    Attributes:
        ways: what leads on besides, and is not in the words: a key offers it.
    """

    steps: tuple[Step, ...]
    ways: tuple[WayOn, ...] = ()

    def __str__(self) -> str:
        return as_text(map(str, self.steps))


def fix(*parts: str | Fix, ways: Iterable[WayOn] = ()) -> Fix:
    """Return what all the parts say, in their order."""
    steps = tuple(step for piece in parts for step in steps_of(piece))
    inherited = dict.fromkeys(way for piece in parts if isinstance(piece, Fix) for way in piece.ways)
    return Fix(steps, (*inherited, *ways))


def step(instruction: str, command: str) -> Fix:
    """Return one step with its command, which is split as a shell splits it."""
    plain = "'" not in command and '"' not in command
    return Fix((Step(instruction, tuple(command.split() if plain else shlex.split(command))),))


def again(instruction: str) -> Fix:
    """Return the step of another login, in words such as "Refresh it, or log in again"."""
    return Fix((Step(instruction, ("authlens", "login", URL), implied=True),))


LOG_IN_AGAIN: Final = again("Log in again")


def cure_in(value: Any) -> str | Fix:
    """Return a fix as a file has it: a sentence, or steps.

    A step is a sentence, a pair of words and their command, or the words alone of another login.
    """
    if isinstance(value, str):
        return value
    return fix(*map(_step_in, value))


def _step_in(value: Any) -> str | Fix:
    if isinstance(value, str):
        return value
    return step(*value) if len(value) > 1 else again(*value)


def steps_of(cure: str | Fix) -> tuple[Step, ...]:
    """Return the steps of a fix; a sentence is one."""
    if isinstance(cure, Fix):
        return cure.steps
    return (Step(cure),) if cure else ()


def commands_of(cure: str | Fix) -> list[str]:
    """Return the commands of a fix as they are typed in a shell."""
    return [step.shown_command for step in steps_of(cure) if step.shown_command]


def other_ways(cure: str | Fix) -> frozenset[WayOn]:
    """Return the other ways that lead on, by a command of the fix or by a key alone."""
    arguments = (word for step in steps_of(cure) for word in step.command)
    alone = () if isinstance(cure, str) else cure.ways
    return frozenset((*alone, *(_WAYS[word] for word in arguments if word in _WAYS)))


def as_text(steps: Iterable[str]) -> str:
    """Return steps as sentences, one after another; no full stop is copied with the last command."""
    *before, last = steps
    return " ".join((*(each if each.endswith((".", "!", "?")) else f"{each}." for each in before), last))


def mapped(cure: str | Fix, change: Callable[[str], str]) -> str | Fix:
    """Return a fix with each of its texts changed, those of the commands as well."""
    if isinstance(cure, str):
        return change(cure)
    steps = (
        replace(step, words=change(step.words), command=tuple(map(change, step.command)))
        for step in cure.steps
    )
    return replace(cure, steps=tuple(steps))
