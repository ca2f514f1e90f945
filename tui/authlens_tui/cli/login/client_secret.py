"""The secrets of a login: from the environment, a prompt, a file or stdin, never an argument."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from typing import Final

from authlens_core.values.errors import UsageError
from authlens_core.values.login_options import OPTIONS
from authlens_core.values.secret import Secret
from authlens_tui.cli.terminal.output import is_terminal
from authlens_tui.cli.terminal.standard_input import piped
from authlens_tui.terminal.secret_files import key_text, private_key_in

_REGISTRATION_VARIABLE: Final = "AUTHLENS_INITIAL_ACCESS_TOKEN"
_LONGEST_KEY: Final = 64 * 1024  # bytes


def login_secrets(arguments: Namespace) -> Mapping[str, Secret]:
    """Return the secrets that the user gave, each under the name of its option.

    Raises:
        UsageError: one cannot be asked for or read, or belongs to no client.
    """
    key = client_key(arguments)
    # A program that logs in with the client's own credentials has some.
    wanted = arguments.client_secret or (arguments.machine == "client-credentials" and key is None)
    found = {
        "client_key": key,
        "initial_access_token": _initial_access_token(wanted=arguments.initial_access_token),
    }
    for option in (option for option in OPTIONS.values() if option.owner):
        owner = OPTIONS[option.owner]
        asked = wanted if option.name == "client_secret" else getattr(arguments, option.argument)
        found[option.name] = _asked_for(
            f"AUTHLENS_{option.name.upper()}", owner.flag, getattr(arguments, owner.argument), wanted=asked
        )
    return {name: secret for name, secret in found.items() if secret is not None}


def client_key(arguments: Namespace) -> Secret | None:
    """Return the private key of `--client-key`; from stdin if that is `-`.

    Raises:
        UsageError: it cannot be read, or is given to a login that does not use it.
    """
    name = arguments.client_key
    if name is None:
        return None
    if arguments.machine is None or arguments.client_id is None:
        raise UsageError(
            "--client-key is for a program that logs in as a client.",
            "Add --machine client-credentials --client-id ID.",
        )
    return key_text(piped(_LONGEST_KEY)) if name == "-" else private_key_in(name, "Check --client-key.")


def _asked_for(variable: str, owner: str, client_id: str | None, *, wanted: bool) -> Secret | None:
    """Return the secret of a client, or None for a public one.

    The variable is taken out of the environment, so that no browser or other child inherits it.

    Raises:
        UsageError: it is to be asked for, and there is no terminal to ask on or no client.
    """
    given = os.environ.pop(variable, "")
    if client_id is None:
        if wanted:
            raise UsageError("A client secret needs a client id.", f"Add {owner} ID.")
        return None
    if given:
        return Secret(given)
    return _typed(variable, "client secret") if wanted else None


def _initial_access_token(*, wanted: bool) -> Secret | None:
    """Return the token that allows a registration, if the user has one.

    Raises:
        UsageError: it is to be asked for, and there is no terminal to ask on.
    """
    given = os.environ.pop(_REGISTRATION_VARIABLE, "")
    # Not without the option: it is for one server, and the environment is for all.
    if not wanted:
        return None
    return Secret(given) if given else _typed(_REGISTRATION_VARIABLE, "initial access token")


def _typed(variable: str, what: str) -> Secret:
    if not is_terminal(sys.stdin):
        raise UsageError(f"There is no terminal to ask for the {what}.", f"Set {variable}.")
    return Secret(typed_secret(f"Type it, or set {variable}.", what))


def typed_secret(cure: str, what: str = "client secret") -> str:
    """Ask for a secret without echo.

    Raises:
        UsageError: nothing was typed.
    """
    typed = getpass.getpass(f"{what.capitalize()} (not shown): ", stream=sys.stderr)
    if not typed:
        raise UsageError(f"No {what} was typed.", cure)
    return typed
