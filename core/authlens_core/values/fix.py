"""A fix: what to do about a failure, in steps, each with the command that does it if there is one.

Advice without a command is a `str`, with one it is a `Fix`. A command is a template: `URL` in it stands for
the address that the fix is about, other words in capitals for what only the user knows. `filled` fills
it. tests/architecture/test_fixes.py reads each with the parser of the command line.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import chain
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from authlens_core.values.safe_text import safe_fields, safe_sentence

if TYPE_CHECKING:
    from authlens_core.values.login_options import Options

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
    steps = (
        piece if isinstance(piece, str) else step(*piece) if piece[1:] else again(*piece) for piece in value
    )
    return fix(*steps)


def steps_of(cure: str | Fix) -> tuple[Step, ...]:
    """Return the steps of a fix; a sentence is one."""
    return cure.steps if isinstance(cure, Fix) else (Step(cure),) if cure else ()


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


# -- commands that work word for word ---------------------------------------------------------------------

GivenOptions = tuple[tuple[str, ...], ...]
"""Options of the command line, each with its value if it has one."""

_LOGIN: Final = ("authlens", "login")
# Each use approves one check, so that of the fix comes beside those that were given.
_REPEATED: Final = frozenset({"--yes"})
# What one login decides for the next: another value was tried before, so it would lead back to that.
_TRIED_ONCE: Final = frozenset({"--audience", "--client-auth", "--redirect-host"})
_ONLY_THE_OWNER: Final = "Only the server's owner can help: this login tried what else could be tried."


def filled(cure: str | Fix, url: str, options: GivenOptions = ()) -> str | Fix:
    """Return a fix with `url` in its commands, which then work word for word.

    A step that the login has taken already is left out: it would lead in a circle.

    Args:
        url: what they are about; empty if it is not known.
        options: those that the login was given: another one has them, too, but for what its command decides.
    """
    if isinstance(cure, str) or not url:
        return cure
    steps = tuple(
        replace(step, command=_whole(step.command, url, options))
        for step in cure.steps
        if not _was_taken(step.command, url, options)
    )
    return replace(cure, steps=steps) if steps else _ONLY_THE_OWNER


def _is_login(command: tuple[str, ...]) -> bool:
    return command[:2] == _LOGIN and URL in command and "--cloudflared" not in command


def _own_options(command: tuple[str, ...], url: str) -> GivenOptions:
    """Return what the command decides; the address may be a value, too."""
    arguments = list(command[2:])
    arguments.remove(URL)
    return tuple(_options_in(url if word == URL else word for word in arguments))


def _was_taken(command: tuple[str, ...], url: str, options: GivenOptions) -> bool:
    """Whether a login with these options is what the command asks for, or has tried its other value."""
    if not _is_login(command):
        return False
    decided_here, flags = _own_options(command, url), {option[0] for option in options}
    leads_back = any(option[0] in flags & _TRIED_ONCE for option in decided_here)
    return leads_back or (bool(decided_here) and set(decided_here) <= set(options))


def _whole(command: tuple[str, ...], url: str, options: GivenOptions) -> tuple[str, ...]:
    if not _is_login(command):
        return tuple(url if word == URL else word for word in command)
    decided_here = _own_options(command, url)
    decided = _decided({option[0] for option in decided_here} - _REPEATED)
    remaining = (option for option in options if option[0] not in decided)
    return (*_LOGIN, url, *chain.from_iterable(map(_typed, (*remaining, *decided_here))))


def _typed(option: tuple[str, ...]) -> tuple[str, ...]:
    """Return an option as it is typed: a value that starts with a dash would be the next option."""
    flag, *value = option
    return (f"{flag}={value[0]}",) if value and value[0].startswith("-") else option


def _decided(flags: set[str]) -> set[str]:
    """Return the options that are not kept beside these: the same ones, and what excludes one of them."""
    from authlens_core.values.login_options import OPTIONS  # an error without a command needs none

    exclusive = {option.flag for option in OPTIONS.values() if option.exclusive}
    pairs = ({option.flag, OPTIONS[other].flag} for option in OPTIONS.values() for other in option.instead_of)
    excluded = (group for group in (exclusive, *pairs) if not group.isdisjoint(flags))
    return flags.union(*excluded)


def _options_in(arguments: Iterable[str]) -> Iterator[tuple[str, ...]]:
    option: tuple[str, ...] = ()
    for word in arguments:
        if word.startswith("--") and option:
            yield option
            option = ()
        option = (*option, word)
    if option:
        yield option


def given_options(options: Options, *, key_file: str = "FILE") -> GivenOptions:
    """Return the options of a login that another try needs as well, without secrets.

    Args:
        key_file: where the private key of the client is.
    """
    from authlens_core.values.login_options import OPTIONS, Kind

    typed: list[tuple[str, ...]] = []
    for option in OPTIONS.values():
        value = getattr(options, option.name)
        if value == option.default:
            continue
        machine_kinds = {} if option.named is None else {of: word for word, of in option.named.values.items()}
        match option.kind:
            case Kind.SWITCH if option.named is not None and value in machine_kinds:
                typed.append((option.named.flag, machine_kinds[value]))
            case Kind.SWITCH | Kind.SECRET:
                typed.append((option.flag,))
            case Kind.SECRET_FILE:
                typed.append((option.flag, key_file))
            case Kind.COMMAND:
                typed.append((option.flag, option.metavar or ""))
            case Kind.SECONDS:
                typed.append((option.flag, f"{value:g}"))
            case _:
                typed.append((option.flag, str(value)))
    return tuple(typed)
