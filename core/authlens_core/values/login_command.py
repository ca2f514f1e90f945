"""The commands of a fix, filled in with the address and the options of a login: they work word for word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from msgspec.structs import replace

from authlens_core.values.fix import URL, Fix, Step
from authlens_core.values.login_options import OPTIONS, Kind, OptionInfo, Options

GivenOptions = tuple[tuple[str, ...], ...]
"""Options of the command line, each with its value if it has one."""

# How the command of a login starts in a fix; the options follow.
_LOGIN: Final = ("authlens", "login", URL)
# Each use approves one check, so the option of the fix is added to those that were given.
_REPEATED: Final = frozenset({"--yes"})
# What one login decides for the next: another value was tried before, so it would lead back to that.
_TRIED_ONCE: Final = frozenset({"--audience", "--client-auth", "--redirect-host"})
_ONLY_THE_OWNER: Final = "Only the server's owner can help: this login tried what else could be tried."


def filled(cure: str | Fix, url: str, options: GivenOptions = ()) -> str | Fix:
    """Return a fix with `url` in its commands, which then work word for word.

    A step that the login has already taken is left out, because it would lead in a circle.

    Args:
        url: what they are about; empty if it is not known.
        options: those that the login was given: another one has them, too, but for what its command decides.
    """
    if isinstance(cure, str) or not url:
        return cure
    steps = tuple(filter(None, (_filled_step(step, url, options) for step in cure.steps)))
    return replace(cure, steps=steps) if steps else _ONLY_THE_OWNER


def _filled_step(step: Step, url: str, options: GivenOptions) -> Step | None:
    """Return a step with its whole command; None if the login has already taken it."""
    command = tuple(url if word == URL else word for word in step.command)
    if step.command[:3] != _LOGIN or "--cloudflared" in command:
        return replace(step, command=command)
    decided = tuple(_options_in(command[3:]))
    flags = {option[0] for option in decided}
    leads_back = not flags.isdisjoint(_TRIED_ONCE.intersection(option[0] for option in options))
    if leads_back or (decided and set(decided) <= set(options)):
        return None
    excluded = _excluded_by(flags - _REPEATED)
    whole = (*(option for option in options if option[0] not in excluded), *decided)
    return replace(step, command=(*command[:3], *chain.from_iterable(map(_typed, whole))))


def _options_in(words: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Yield the options of a command; a session file has them as words."""
    option: tuple[str, ...] = ()
    for word in words:
        if word.startswith("--") and option:
            yield option
            option = ()
        option = (*option, word)
    if option:
        yield option


def _typed(option: tuple[str, ...]) -> tuple[str, ...]:
    """Return an option as it is typed: a value that starts with a dash would be the next option."""
    flag, *value = option
    return (f"{flag}={value[0]}",) if value and value[0].startswith("-") else option


def _excluded_by(flags: set[str]) -> set[str]:
    """Return the options that cannot stay beside these: the same ones, and what excludes one of them."""
    exclusive = {option.flag for option in OPTIONS.values() if option.exclusive}
    pairs = ({option.flag, OPTIONS[other].flag} for option in OPTIONS.values() for other in option.instead_of)
    return flags.union(*(group for group in (exclusive, *pairs) if not group.isdisjoint(flags)))


def given_options(options: Options, *, key_file: str = "FILE") -> GivenOptions:
    """Return the options of a login that another attempt needs as well, without secrets.

    Args:
        key_file: where the private key of the client is.
    """
    values = ((option, getattr(options, option.name)) for option in OPTIONS.values())
    return tuple(_given(option, value, key_file) for option, value in values if value != option.default)


def _given(option: OptionInfo, value: object, key_file: str) -> tuple[str, ...]:
    match option.kind:
        case Kind.SWITCH if option.named is not None:
            kinds = [kind for kind, grant_type in option.named.values.items() if grant_type == value]
            return (option.named.flag, *kinds) if kinds else (option.flag,)
        case Kind.SWITCH | Kind.SECRET:
            return (option.flag,)
        case Kind.SECRET_FILE:
            return option.flag, key_file
        case Kind.COMMAND:
            return option.flag, option.metavar or ""
        case Kind.SECONDS:
            return option.flag, f"{value:g}"
    return option.flag, str(value)
