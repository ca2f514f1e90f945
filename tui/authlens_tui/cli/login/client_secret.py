"""The secret of a client registered beforehand: from the environment or a prompt, never an argument."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import Namespace

from authlens_core.values.errors import UsageError
from authlens_core.values.secret import Secret
from authlens_tui.cli.terminal.output import is_terminal

VARIABLE = "AUTHLENS_CLIENT_SECRET"


def client_secret(arguments: Namespace) -> Secret | None:
    """Return the secret for `--client-id`, or None for a public client.

    The variable is taken out of the environment, so that no browser or other child inherits it.

    Raises:
        UsageError: `--client-secret` asks for a prompt, and there is no terminal to ask on or no client.
    """
    given = os.environ.pop(VARIABLE, "")
    if arguments.client_id is None:
        if arguments.client_secret:
            raise UsageError("A client secret needs a client id.", "Add --client-id ID.")
        return None
    if given:
        return Secret(given)
    # A program that logs in with the client's own credentials has some.
    if not (arguments.client_secret or arguments.machine == "client-credentials"):
        return None
    if not is_terminal(sys.stdin):
        raise UsageError("There is no terminal to ask for the client secret.", f"Set {VARIABLE}.")
    return Secret(typed_secret(f"Type it, or set {VARIABLE}."))


def typed_secret(cure: str) -> str:
    """Ask for a client secret without echo.

    Raises:
        UsageError: nothing was typed.
    """
    typed = getpass.getpass("Client secret (not shown): ", stream=sys.stderr)
    if not typed:
        raise UsageError("No client secret was typed.", cure)
    return typed
