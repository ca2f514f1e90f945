"""The options of a login as they were typed, for the full screen and for plain lines."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any, Final, assert_never

from authlens_core.values.errors import UsageError
from authlens_core.values.fix import fix, step
from authlens_core.values.login_options import OPTIONS, Kind, Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import FIELDS
from authlens_tui.cli.option_values import absolute_path, number, port, utf8

_WITHOUT_SCREEN: Final = ("json", "yes", "cloudflared", "no_browser")


# What the help puts together; an option that is in no group is among the general ones.
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "how you come back from the browser": (
        *("wait", "port", "redirect_host", "redirect_uri", "listen", "any_issuer", "any_state"),
    ),
    "another way to log in": (
        *("grant_type", "device_endpoint"),
        *(name for name in OPTIONS if name in FIELDS and name not in ("client_id", "client_secret")),
    ),
    "the client": (
        *("client_id", "client_metadata_url", "client_secret", "client_auth"),
        *("initial_access_token", "new_client"),
    ),
    "what is requested": ("scope", "resource", "audience", "dpop", "method"),
    "servers that are not as specified": ("issuer", "issuer_name", "assume_pkce", "legacy_paths", "anyway"),
}


def add_options(add: argparse.ArgumentParser, *some: str) -> None:
    """Add every option of a login, in groups; or `some`, by their names."""
    if some:
        for name in some:
            _add_option(add, name)
        return
    grouped = [(add.add_argument_group(title), names) for title, names in _GROUPS.items()]
    others = tuple(name for name in OPTIONS if not any(name in names for _, names in grouped))
    for group, names in ((add, others), *grouped):
        # argparse refuses to show the usage of a group in which there is nothing.
        one_of = (
            group.add_mutually_exclusive_group() if any(OPTIONS[name].exclusive for name in names) else group
        )
        for name in names:
            _add_option(one_of if OPTIONS[name].exclusive else group, name)


def _add_option(add: argparse._ActionsContainer, name: str) -> None:
    """Add the option of a login that is called `name`, as it is declared."""
    option = OPTIONS[name]
    if option.named is not None:
        add = add.add_mutually_exclusive_group()
        named = option.named
        words = f"{named.help}: {_one_of(named.values)}"
        add.add_argument(named.flag, help=words, metavar=named.metavar, choices=named.values)
    more: dict[str, Any] = {"metavar": option.metavar, "default": option.default}
    match option.kind:
        case Kind.SWITCH | Kind.SECRET:
            more = {"action": "store_true"}
        case Kind.PORT:
            more["type"] = port
        case Kind.SECONDS:
            more["type"] = number(1, 3_600)
        case Kind.CHOICE:
            more["choices"] = option.choices
        case Kind.TEXT | Kind.URL | Kind.SECRET_FILE:
            more["type"] = utf8
        case Kind.FILE:
            more["type"] = absolute_path
        case _:
            assert_never(option.kind)
    hidden = option.kind is Kind.CHOICE and option.metavar is not None
    words = f"{option.help}: {_one_of(option.choices)}" if hidden else option.help
    add.add_argument(option.flag, help=words, **more)


def _one_of(choices: Iterable[str]) -> str:
    *first, last = choices
    return f"{', '.join(first)} or {last}"


def login_options(arguments: Namespace, secrets: Mapping[str, Secret]) -> Options:
    """Return what the user decided before the login; `secrets` are under the names of their options.

    Raises:
        UsageError: an option was typed that means nothing beside another one.
    """
    values: dict[str, Any] = {}
    for name, option in OPTIONS.items():
        typed = getattr(arguments, option.argument)
        match option.kind:
            case Kind.SECRET | Kind.SECRET_FILE:
                values[name] = secrets.get(name)
            case Kind.SWITCH:
                values[name] = option.turned_on if typed else option.default
                if option.named is not None and (word := getattr(arguments, option.named.argument)):
                    values[name] = option.named.values[word]
            case _:
                values[name] = typed
    for option in OPTIONS.values():
        beside = [each for each in option.instead_of if values[each] != OPTIONS[each].default]
        if beside and values[option.name] != option.default:
            others = " and ".join(OPTIONS[each].flag for each in beside)
            raise UsageError(
                f"{option.flag} is used instead of {others}.", f"Omit {option.flag} or {others}."
            )
    return Options(**values)


def refuse_options_without_screen(arguments: Namespace) -> None:
    """Refuse the options of `login` that the full screen answers by a key or a setting.

    Raises:
        UsageError: one of them was typed.
    """
    typed = next((name for name in _WITHOUT_SCREEN if getattr(arguments, name)), None)
    if typed is not None:
        raise UsageError(
            f"The full screen has no --{typed.replace('_', '-')}.",
            fix(
                step("Without the full screen", "authlens login URL"),
                "The other options of login are the same.",
            ),
        )
