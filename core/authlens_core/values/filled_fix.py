"""The commands of a fix, whole: with the address that they are about, and the options of the login."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Final

from authlens_core.values.fix import URL, Fix
from authlens_core.values.login_options import OPTIONS, Kind, Options

GivenOptions = tuple[tuple[str, ...], ...]
"""Options of the command line, each with its value if it has one."""

_LOGIN: Final = ("authlens", "login")
_REPEATED: Final = frozenset({"--yes"})
_EXCLUSIVE: Final = frozenset(option.flag for option in OPTIONS.values() if option.exclusive)
_NOT_BOTH: Final = frozenset(
    (option.flag, OPTIONS[other].flag) for option in OPTIONS.values() for other in option.instead_of
)


def filled(cure: str | Fix, url: str, options: GivenOptions = ()) -> str | Fix:
    """Return a fix with `url` in its commands, which then work word for word.

    Args:
        url: what they are about; empty if it is not known.
        options: those that the login was given: another one has them, too, but for what its command decides.
    """
    if isinstance(cure, str) or not url:
        return cure
    steps = (replace(step, command=_whole(step.command, url, options)) for step in cure.steps)
    return replace(cure, steps=tuple(steps))


def _whole(command: tuple[str, ...], url: str, options: GivenOptions) -> tuple[str, ...]:
    if command[:2] != _LOGIN or URL not in command or "--cloudflared" in command:
        return tuple(url if word == URL else word for word in command)
    own = list(_options_in(word for word in command[2:] if word != URL))
    if ("--redirect-host", "127.0.0.1") in options:  # the other form is the other one then
        other = ("--redirect-host", "localhost")
        own = [other if option[0] == other[0] else option for option in own]
    new = {option[0] for option in own} - _REPEATED
    decided = new | (_EXCLUSIVE if new & _EXCLUSIVE else frozenset())
    decided |= {other for pair in _NOT_BOTH for other in pair if not new.isdisjoint(pair)}
    kept = (option for option in options if option[0] not in decided)
    return (*_LOGIN, url, *chain.from_iterable((*kept, *own)))


def _options_in(words: Iterable[str]) -> Iterator[tuple[str, ...]]:
    option: tuple[str, ...] = ()
    for word in words:
        if word.startswith("--") and option:
            yield option
            option = ()
        option = (*option, word)
    if option:
        yield option


def given_options(options: Options, *, key_file: str = "FILE") -> GivenOptions:
    """Return the options of a login that another try needs as well; a secret is asked for again.

    Args:
        key_file: where the private key of the client is.
    """
    given: list[tuple[str, ...]] = []
    for option in OPTIONS.values():
        value = getattr(options, option.name)
        if value == option.default:
            continue
        named = {} if option.named is None else {of: word for word, of in option.named.values.items()}
        match option.kind:
            case Kind.SWITCH if option.named is not None and value in named:
                given.append((option.named.flag, named[value]))
            case Kind.SWITCH | Kind.SECRET:
                given.append((option.flag,))
            case Kind.SECRET_FILE:
                given.append((option.flag, key_file))
            case Kind.SECONDS:
                given.append((option.flag, f"{value:g}"))
            case _:
                given.append((option.flag, str(value)))
    return tuple(given)
