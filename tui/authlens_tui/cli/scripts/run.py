"""`authlens run`: a command with the credential in its environment, because that is what was asked for.

A child process, and every program that may read its environment, can see it there. `proxy` and `curl` are the
ways that show it to no other program.
"""

from __future__ import annotations

import os
import re
import shutil
from argparse import Namespace
from collections.abc import Mapping
from typing import NoReturn

from authlens_core.desk.use import request_headers
from authlens_core.values.errors import UsageError
from authlens_core.values.fix import step
from authlens_core.values.secret import Secret, for_children
from authlens_tui.cli.scripts.credential_choice import choice
from authlens_tui.cli.session import open_session
from authlens_tui.cli.urls import checked_url

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


async def child_values(arguments: Namespace) -> dict[str, Secret]:
    """Return the variables for the command.

    Raises:
        UsageError: the name of the variable cannot be used, or there is no such command.
        AuthlensError: there is no credential.
    """
    url, name = checked_url(arguments.url), arguments.env
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a variable.", "Such as: --env MCP_TOKEN")
    if not arguments.command:
        raise UsageError(
            "There is no command to run.", step("Such as", "authlens run URL -- python script.py")
        )
    if shutil.which(arguments.command[0]) is None:
        raise UsageError(f"There is no command {arguments.command[0]!r}.", "See: PATH")
    async with open_session() as session:
        headers = await request_headers(session, url, tried=True, **choice(arguments))
    headers.refuse_bound(url, arguments.command[0])
    return headers.variables(name)


def run_command(arguments: Namespace, values: Mapping[str, Secret]) -> NoReturn:
    """Become the command: its output, its signals and its exit code are those of this process.

    Raises:
        UsageError: the system cannot run it, such as a script without a first line that names its shell.
    """
    environ = {**for_children(os.environ), **{name: value.reveal() for name, value in values.items()}}
    name = arguments.command[0]
    # Found before the credential is in the environment: --env may name PATH.
    file = shutil.which(name) or name
    try:
        os.execve(file, arguments.command, environ)  # noqa: S606 - no shell is wanted
    except OSError as error:
        raise UsageError(
            f"The command {name!r} cannot be run: {error.strerror}.", f"Such as: -- sh {name}"
        ) from None
