"""`authlens credential-helper get`: the protocol of Bazel's and EngFlow's credential helpers.

A program that asks for many URLs gets empty fields for those that nothing here covers.
"""

from __future__ import annotations

from argparse import Namespace

from authlens_core.desk.programs import answer_helper_request
from authlens_tui.cli.scripts.credential_choice import choice
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import answer_secret
from authlens_tui.cli.terminal.standard_input import piped

_LONGEST = 65_536


async def credential_helper(arguments: Namespace) -> int:
    """Answer one request.

    Raises:
        UsageError: standard input holds no request.
        LoginNeeded: there is a credential for the address that a user has to renew.
    """
    answer_secret(await answer_helper_request(open_session, piped(_LONGEST), **choice(arguments)))
    return 0
