"""The options of a login as they were typed, for the full screen and for plain lines."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Mapping
from typing import Any, Final, assert_never

from authlens_core.values.errors import UsageError
from authlens_core.values.login_options import OPTIONS, Kind, Options
from authlens_core.values.secret import Secret
from authlens_tui.cli.option_values import absolute_path, number, port, utf8

_WITHOUT_SCREEN: Final = ("json", "yes", "cloudflared", "no_browser")


def add_options(add: argparse.ArgumentParser) -> None:
    """Add every option of a login."""
    one_of = add.add_mutually_exclusive_group()
    for name, option in OPTIONS.items():
        add_option(one_of if option.exclusive else add, name)


def add_option(add: argparse._ActionsContainer, name: str) -> None:
    """Add the option of a login that is called `name`, as it is declared."""
    option = OPTIONS[name]
    if option.named is not None:
        add = add.add_mutually_exclusive_group()
        named = option.named
        add.add_argument(named.flag, help=named.help, metavar=named.metavar, choices=named.values)
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
    add.add_argument(option.flag, help=option.help, **more)


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
        if beside and values[option.name] is not None:
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
            "Without the full screen: authlens login URL. The other options of login are the same.",
        )
