"""The options of a login on the command line, and its secrets, which are never in an argument.

The parser takes them from `Options`. A secret comes from the environment, a prompt, a file or stdin.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from authlens_core.values.fix import step
from authlens_core.values.login_command import GivenOptions, filled, given_options
from authlens_core.values.login_options import IN_HELP, OPTIONS, Kind, OptionInfo, Options
from authlens_core.values.secret import Secret
from authlens_tui.cli.option_values import absolute_path, number, port, utf8
from authlens_tui.cli.terminal.output import is_terminal
from authlens_tui.cli.terminal.refused import refusal
from authlens_tui.cli.terminal.standard_input import piped
from authlens_tui.terminal.secret_files import key_text, private_key_in

_WITHOUT_SCREEN: Final = ("json", "yes", "cloudflared", "no_browser")
_LONGEST_KEY: Final = 64 * 1024  # bytes


def add_options(add: argparse.ArgumentParser, *some: str) -> None:
    """Add every option of a login, in groups; or `some`, by their names."""
    if some:
        for name in some:
            _add_option(add, name)
        return
    groups: dict[str, argparse._ActionsContainer] = {"": add}
    one_of: dict[str, argparse._ActionsContainer] = {}
    for option in map(OPTIONS.__getitem__, IN_HELP):
        if option.group not in groups:
            groups[option.group] = add.add_argument_group(option.group)
        if option.exclusive and option.group not in one_of:
            one_of[option.group] = groups[option.group].add_mutually_exclusive_group()
        _add_option((one_of if option.exclusive else groups)[option.group], option.name)


def _add_option(add: argparse._ActionsContainer, name: str) -> None:
    """Add the option of a login that is called `name`, as it is declared."""
    option = OPTIONS[name]
    if option.named is not None:
        add = add.add_mutually_exclusive_group()
        named_value = option.named
        help_text = f"{named_value.help}: {_one_of(named_value.values)}"
        add.add_argument(
            named_value.flag, help=help_text, metavar=named_value.metavar, choices=named_value.values
        )
    more: dict[str, Any] = {"metavar": option.metavar, "default": option.default}
    if option.kind is Kind.SWITCH:
        # It can turn something off, such as --paste-only.
        more = {"action": "store_const", "const": option.turned_on, "default": option.default}
    elif option.kind is Kind.SECRET:
        more = {"action": "store_true"}
    elif option.kind is Kind.CHOICE:
        more["choices"] = option.choices
    else:
        more["type"] = _READERS[option.kind]
    hidden = option.kind is Kind.CHOICE and option.metavar is not None
    help_text = f"{option.help}: {_one_of(option.choices)}" if hidden else option.help
    add.add_argument(option.flag, help=help_text, **more)


def _command(text: str) -> Secret:
    return Secret(utf8(text))


_READERS: Final = {
    Kind.TEXT: utf8,
    Kind.URL: utf8,
    Kind.SECRET_FILE: utf8,
    Kind.PORT: port,
    Kind.SECONDS: number(1, 3_600),
    Kind.COMMAND: _command,
    Kind.FILE: absolute_path,
}


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
        is_secret = option.kind in {Kind.SECRET, Kind.SECRET_FILE}
        values[name] = secrets.get(name) if is_secret else getattr(arguments, option.argument)
        if option.named is not None and (word := getattr(arguments, option.named.argument)):
            values[name] = option.named.values[word]
    for option in OPTIONS.values():
        beside = [each for each in option.instead_of if values[each] != OPTIONS[each].default]
        if beside and values[option.name] != option.default:
            others = " and ".join(OPTIONS[each].flag for each in beside)
            raise refusal(f"{option.flag} is used instead of {others}.", f"Omit {option.flag} or {others}.")
    return Options(**values)


def refuse_options_without_screen(arguments: Namespace) -> None:
    """Refuse the options of `login` that have a key or a setting in the full screen.

    Raises:
        UsageError: one of them was typed.
    """
    typed = next((name for name in _WITHOUT_SCREEN if getattr(arguments, name)), None)
    if typed is not None:
        raise refusal(
            f"The full screen has no --{typed.replace('_', '-')}.",
            ("Without the full screen", "authlens login URL"),
            "The other options of login are the same.",
        )


def checked_options(arguments: Namespace, urls: Sequence[str]) -> Options:
    """Return what the user decided before the login to each URL, after asking for its secrets.

    Raises:
        UsageError: a secret cannot be asked for or read, or belongs to no client; several servers would get
            what was meant for one; a program names too little; or the callback cannot come back.
    """
    secrets = login_secrets(arguments)
    if len(urls) > 1:
        _refuse_what_is_for_one(arguments)
    options = login_options(arguments, secrets)
    _require_all_of_a_program(arguments, options, urls[0])
    if options.is_by_link and not options.listens and not is_terminal(sys.stdin):
        option = "--redirect-uri" if options.listen else "--paste-only"
        raise refusal(
            f"{option} needs a terminal{' for https' if options.listen else ''} to paste the address into.",
            f"Run it in a terminal, or omit {option}.",
        )
    return options


def _refuse_what_is_for_one(arguments: Namespace) -> None:
    """Refuse options that are for one server, such as a client's secret, if there are several URLs."""
    conflicting = [
        option.flag for option in OPTIONS.values() if option.for_one and getattr(arguments, option.argument)
    ]
    if arguments.yes:
        conflicting.append("--yes")
    if conflicting:
        raise refusal(
            f"With several URLs, each server would get what {' and '.join(conflicting)} says.",
            "Log in to that URL with a command of its own.",
        )


def _require_all_of_a_program(arguments: Namespace, options: Options, url: str) -> None:
    """Refuse a program's login that lacks something it needs, before anything is sent.

    Raises:
        UsageError: something is missing, or there are two places of an assertion.
    """
    program = options.program
    if program is None or not (missing := program.missing(options)):
        return
    # Two places of one thing are not repeated.
    twice = {OPTIONS[name].flag for need in missing if need.values(options) for name in need.options}
    conflicting = tuple(option for option in options_given(arguments, options) if option[0] not in twice)
    examples = " ".join(need.example for need in missing)
    again = filled(step("Name what is missing", f"authlens login URL {examples}"), url, conflicting)
    names = ", and ".join(need.missing for need in missing)
    raise refusal(f"This login of a program names {names}.", again)


def options_given(arguments: Namespace, options: Options) -> GivenOptions:
    """Return the options that were typed and that another try needs as well."""
    # A secret of the environment is there again without an option.
    secret = (option for option in OPTIONS.values() if option.kind is Kind.SECRET)
    unasked: dict[str, Any] = {o.name: None for o in secret if not getattr(arguments, o.argument)}
    typed = replace(options, **unasked)
    options_typed = given_options(typed, key_file=arguments.client_key or "")
    return (*options_typed, *(("--yes", name) for name in arguments.yes))


def login_secrets(arguments: Namespace) -> Mapping[str, Secret]:
    """Return the secrets that the user gave, each under the name of its option.

    Raises:
        UsageError: one cannot be asked for or read, or belongs to no client.
    """
    key = client_key(arguments)
    secrets = {"client_key": key}
    # A program that logs in with the client's own credentials has some.
    of_program = arguments.machine == "client-credentials" and key is None
    for option in (option for option in OPTIONS.values() if option.kind is Kind.SECRET):
        is_needed = getattr(arguments, option.argument) or (of_program and option.name == "client_secret")
        secrets[option.name] = _secret(option, arguments, is_needed=is_needed)
    return {name: secret for name, secret in secrets.items() if secret is not None}


def client_key(arguments: Namespace) -> Secret | None:
    """Return the private key of `--client-key`; from stdin if that is `-`.

    Raises:
        UsageError: it cannot be read, or is given to a login that does not use it.
    """
    name = arguments.client_key
    if name is None:
        return None
    if arguments.machine is None or arguments.client_id is None:
        raise refusal(
            "--client-key is for a program that logs in as a client.",
            "Add --machine client-credentials --client-id ID.",
        )
    return key_text(piped(_LONGEST_KEY)) if name == "-" else private_key_in(name, "Check --client-key.")


def _secret(option: OptionInfo, arguments: Namespace, *, is_needed: bool) -> Secret | None:
    """Return the secret of an option, from the environment or typed; None if there is none.

    Raises:
        UsageError: it has to be asked for, and there is no terminal or no client.
    """
    variable = f"AUTHLENS_{option.name.upper()}"
    # Taken out, so that no program which we start inherits it.
    value = os.environ.pop(variable, "")
    what = "client secret" if option.owner else "initial access token"
    if option.owner and getattr(arguments, OPTIONS[option.owner].argument) is None:
        if is_needed:
            raise refusal("A client secret needs a client id.", f"Add {OPTIONS[option.owner].flag} ID.")
        return None
    # One that is no client's is for one server, and the environment is for all.
    if value and (is_needed or option.owner):
        return Secret(value)
    if not is_needed:
        return None
    if not is_terminal(sys.stdin):
        raise refusal(f"There is no terminal to ask for the {what}.", f"Set {variable}.")
    return Secret(typed_secret(f"Type it, or set {variable}.", what))


def typed_secret(cure: str, what: str = "client secret") -> str:
    """Ask for a secret without echo.

    Raises:
        UsageError: nothing was typed.
    """
    # On stderr: stdout may be a pipe that gets the token.
    typed = getpass.getpass(f"{what.capitalize()} (not shown): ", stream=sys.stderr)
    if not typed:
        raise refusal(f"No {what} was typed.", cure)
    return typed
