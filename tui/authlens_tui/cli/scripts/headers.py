"""`authlens headers`: the credential for a URL as header fields."""

from __future__ import annotations

import json
from argparse import Namespace

from authlens_core.desk.use import for_bazel, request_headers
from authlens_core.values.secret import Secret
from authlens_tui.cli.scripts.credential_choice import choice, say_bound
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import answer_secret, say
from authlens_tui.cli.urls import checked_url


def _say_nonce() -> None:
    say("Asked the resource for the nonce that it wants in the proof now.")


async def headers(arguments: Namespace) -> int:
    """Print the header fields for the URL on stdout, in the form that `--format` names.

    Raises:
        LoginNeeded: a user has to log in.
        AuthlensError: the other reasons why there are none to be had.
    """
    url = checked_url(arguments.url)
    async with open_session() as session:
        credential = await request_headers(session, url, on_nonce=_say_nonce, **choice(arguments))
    fields = credential.signed(arguments.method, url)
    if credential.is_bound:
        say_bound(arguments.url, f"these fields are for one {arguments.method} request, now.")
    match arguments.format:
        case "lines":
            answer_secret(Secret("\n".join(f"{name}: {value}" for name, value in fields)))
        case "bazel":
            credential.refuse_bound(arguments.url, "Bazel")
            answer_secret(for_bazel(credential))
        case _:
            answer_secret(Secret(json.dumps(dict(fields))))
    return 0
