"""Fixes as a user follows them: each command of a message word for word, and the owner where it says so."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from authlens_tui.cli.parser import build_parser
from authlens_tui.cli.verbs import VERBS
from support.command_line import CommandLine, Ran

__all__ = ["Follower", "commands_in", "fixes_in", "words_of_cloudflare"]

_NAMED: Final = re.compile(rf"\bauthlens (?:{'|'.join(VERBS)})\b|(?<![\w-])--[a-z][a-z-]+")
_OWNER: Final = re.compile(r"\bowner\b")
_WAITS: Final = re.compile(r"\b[Tt]ry again\b|\b[Ww]ait\b")
_MAY_FAIL: Final = re.compile(r"^(?:Or|If|For an? |To continue anyway)\b")
"""What a condition is named for: where it does not hold, the next message leads on, or names the owner."""
_MOST_STEPS: Final = 3
_NEEDS_A_TERMINAL: Final = "--paste-only"
_PLACEHOLDER: Final = re.compile(r"[A-Z]{2,}")
_NO_DECISION: Final = re.compile(r"--json|--timeout \d+")


def fixes_in(ran: Ran) -> list[str]:
    """Return what a message says to do, one line for each."""
    return [line.removeprefix("  → ") for line in ran.words.splitlines() if line.startswith("  → ")]


def commands_in(fixes: Sequence[str]) -> list[str]:
    """Return the commands with which lines end."""
    return [fix[fix.index(": authlens ") + 2 :] for fix in fixes if ": authlens " in fix]


def words_of_cloudflare(ran: Ran) -> list[str]:
    """Return what only makes sense at Cloudflare Access, of all that was said."""
    return [
        word for word in ("Cloudflare", "CF-Ray", "Zero Trust", "Managed OAuth", "WARP") if word in ran.words
    ]


@dataclass
class Follower:
    """Somebody who does what messages say.

    Attributes:
        line: where the commands are run.
        ends: makes the cause go away: the owner mends it, or time passes.
        given: what stands for the words in capitals, such as ID.
        typed: what is piped into a verb, by its first words.
    """

    line: CommandLine
    ends: Callable[[], None]
    given: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    _worked: set[str] = field(default_factory=set)

    def dead_ends(self, command: str, ran: Ran, step: int = 1) -> Iterator[str]:
        """Yield what does not lead on in the message that `command` left."""
        fixes = fixes_in(ran)
        named = commands_in(fixes)
        for fix in fixes:
            for loose in _NAMED.findall(fix.partition(": authlens ")[0]):
                yield f"names {loose} outside of a command: {fix}"
        conditional = commands_in([fix for fix in fixes if _MAY_FAIL.search(fix)])
        for one in named:
            if not _is_same(one, command):
                yield from self._followed(one, step if one in conditional else _MOST_STEPS)
        again = [one for one in named if _is_same(one, command)]
        said = " ".join(fixes)
        if again or _OWNER.search(said) or _WAITS.search(said):
            self.ends()
            yield from self._followed(next(iter(again), command), _MOST_STEPS)
        elif not named:
            yield f"names neither a command nor the owner: {said or ran.words}"

    def _followed(self, command: str, step: int) -> Iterator[str]:
        words = [self.given.get(word, word) for word in shlex.split(command)[1:]]
        try:
            build_parser(words[0]).parse_args(words)
        except SystemExit:
            yield f"is no command: {command}"
            return
        if any(_PLACEHOLDER.fullmatch(word) for word in words):
            yield f"names what this user does not have: {command}"
            return
        if command in self._worked or _NEEDS_A_TERMINAL in words:  # tests/e2e/test_link_taken.py
            return
        typed = next((text for verb, text in self.typed.items() if command.startswith(verb)), "")
        ran = self.line.run(*words, typed=typed)
        if ran.code == 0:
            self._worked.add(command)
            return
        # Another test has the usual port of the callback at the moment.
        free = re.search(rf"{re.escape(command)} --port \d+", " ".join(fixes_in(ran)))
        if free is not None:
            yield from self._followed(free[0], step)
            return
        if step < _MOST_STEPS:
            if not _OWNER.search(" ".join(fixes_in(ran))):
                yield from self.dead_ends(command, ran, step + 1)
        else:
            yield f"fails ({ran.code}): {command}\n{ran.words[-800:]}"


def _is_same(one: str, other: str) -> bool:
    """Whether two commands do the same, but for the time that they give."""
    plain = (sorted(_NO_DECISION.sub("", command).split()) for command in (one, other))
    return next(plain) == next(plain)
