"""The commands in the words of a fix, each whole and on a line of its own, with the URL that it is about.

In the table of causes a command is `authlens login --any-issuer URL`, after a colon and at the end of its
sentence; “log in again” stands for one. What is shown works word for word: the URL is filled in, a login has
the options that this one was given besides, and no full stop follows that would be copied with it.
"""

from __future__ import annotations

import re
import shlex
from argparse import Namespace
from collections.abc import Sequence
from typing import Final

from authlens_core.values.login_options import OPTIONS, Kind
from authlens_core.values.quick_dataclass import dataclass

# A sentence ends where another begins, or at the gap between two commands.
_ENDS: Final = re.compile(r"(?<=[.;])\s+(?=[A-Z“])|\s{2,}")
_COMMAND: Final = re.compile(r"(?<=: )authlens [a-z][a-z-]*\b.*$")
_AGAIN: Final = re.compile(r"\blog in again$", re.IGNORECASE)
_URL: Final = re.compile(r"(?<= )URL(?= |$)")
_LOGIN: Final = "authlens login"
_REPEATED: Final = frozenset({"--yes"})
_EXCLUSIVE: Final = frozenset(option.flag for option in OPTIONS.values() if option.exclusive)
_NOT_BOTH: Final = frozenset(
    (option.flag, OPTIONS[other].flag) for option in OPTIONS.values() for other in option.instead_of
)


GivenOptions = tuple[tuple[str, ...], ...]
"""Options as they were typed, each with its value if it has one."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One thing to do.

    Attributes:
        command: what `words` end with, if that is a command.
    """

    words: str
    command: str = ""


def fixes(texts: Sequence[str], url: str = "", options: GivenOptions = ()) -> tuple[Fix, ...]:
    """Return what to do, one thing after another; sentences without a command stay together.

    Args:
        url: what the commands are about; empty if it is not known.
        options: those that the login was given.
    """
    todo: list[Fix] = []
    for text in texts:
        words: list[str] = []
        for sentence in filter(None, _ENDS.split(text)):
            plain = sentence.rstrip(".;")
            if url and _AGAIN.search(plain):
                plain = f"{plain}: {_LOGIN} URL"
            found = _COMMAND.search(plain)
            if found is None:
                words.append(sentence)
                continue
            command = _whole(found[0], url, options)
            todo += [Fix(" ".join(words))] if words else []
            todo.append(Fix(plain[: found.start()] + command, command))
            words.clear()
        todo += [Fix(" ".join(words))] if words else []
    return tuple(todo)


def _whole(command: str, url: str, options: GivenOptions) -> str:
    """Return a command with the URL, and with the options of this login that it does not decide."""
    if not url or not _URL.search(command):
        return command
    before, after = (part.strip() for part in _URL.split(command, maxsplit=1))
    if before.partition(" --")[0] != _LOGIN or "--cloudflared" in (before + after):
        return " ".join(filter(None, (before, shlex.quote(url), after)))
    more = [before.removeprefix(_LOGIN).strip(), after]
    new = {word for part in more for word in part.split() if word.startswith("--")} - _REPEATED
    if ("--redirect-host", "127.0.0.1") in options:  # the other form is the other one then
        more = [part.replace("--redirect-host 127.0.0.1", "--redirect-host localhost") for part in more]
    decided = new | (_EXCLUSIVE if new & _EXCLUSIVE else frozenset())
    decided |= {other for pair in _NOT_BOTH for other in pair if not new.isdisjoint(pair)}
    given = [shlex.join(option) for option in options if option[0] not in decided]
    return " ".join(filter(None, (_LOGIN, shlex.quote(url), *given, *more)))


def options_given(typed: Namespace) -> GivenOptions:
    """Return the options of a login that were typed and that another try needs as well."""
    given: list[tuple[str, ...]] = []
    for option in OPTIONS.values():
        value = getattr(typed, option.argument)
        if option.named is not None and (word := getattr(typed, option.named.argument)):
            given.append((option.named.flag, word))
        if option.kind in (Kind.SWITCH, Kind.SECRET):
            given += [(option.flag,)] if value else []
        elif value != option.default:
            given.append((option.flag, f"{value:g}" if option.kind is Kind.SECONDS else str(value)))
    return (*given, *(("--yes", name) for name in typed.yes))
