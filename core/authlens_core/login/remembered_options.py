"""What a user decided for a server and wants to have again: stored with the grant of its login."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from authlens_core.values.login_options import OPTIONS, Options, Remembered

# The options of a login that are stored with its grant: the name of each, and its value.
StoredOptions = tuple[tuple[str, str | bool], ...]


def to_remember(options: Options, before: StoredOptions) -> StoredOptions:
    """Return what is stored with the grant of a login: what is to be remembered now, or was `before`."""
    if not options.remember:
        return before
    chosen = ((name, getattr(options, name)) for name, option in OPTIONS.items() if option.remembered)
    return tuple((name, value) for name, value in chosen if value != OPTIONS[name].default)


def remembered_for(stored: StoredOptions, *, same_url: bool) -> StoredOptions:
    """Return what a login has of the options that were stored with a grant of its server.

    The index is a file, so anything may be in it.
    """
    known = ((OPTIONS[name], name, value) for name, value in stored if name in OPTIONS)
    wanted = {Remembered.SERVER, Remembered.RESOURCE} if same_url else {Remembered.SERVER}
    return tuple(
        (name, value)
        for option, name, value in known
        if option.remembered in wanted and option.can_be_stored(value)
    )


def own_options(options: Options, remembered: Iterable[tuple[str, Any]], before: Options) -> Options:
    """Return `options` without what was remembered, where it is still so: as the user decided it `before`."""
    theirs = {name: getattr(before, name) for name, value in remembered if getattr(options, name) == value}
    return replace(options, **theirs)


def with_remembered(options: Options, remembered: Iterable[tuple[str, Any]]) -> Options:
    """Return `options` with what was remembered, where the user has not decided otherwise."""

    def undecided(name: str) -> bool:
        names = (name, *OPTIONS[name].instead_of)
        return all(getattr(options, each) == OPTIONS[each].default for each in names)

    left = {name: value for name, value in remembered if undecided(name)}
    return replace(options, **left)
