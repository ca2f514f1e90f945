"""What the verbs that send a credential share: their options, `--which`, and the note on bound tokens."""

from __future__ import annotations

import shlex
from argparse import Namespace
from datetime import timedelta
from typing import TypedDict

from authlens_core.desk.use import covering_credentials
from authlens_core.values.errors import LoginNeeded
from authlens_core.values.fix import step
from authlens_core.values.store_kind import CredentialKind
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import answer_list, say
from authlens_tui.cli.urls import checked_url


class Choice(TypedDict):
    """The options that choose a credential, as the desk takes them."""

    kind: CredentialKind | None
    min_ttl: timedelta | None


def choice(arguments: Namespace) -> Choice:
    """Return what `--kind` and `--min-ttl` ask for."""
    return {
        "kind": CredentialKind(arguments.kind) if arguments.kind else None,
        "min_ttl": None if arguments.min_ttl is None else timedelta(seconds=arguments.min_ttl),
    }


async def show_which(arguments: Namespace) -> int:
    """Print the credentials that cover the URL, the one that is used first; no secret is read.

    Raises:
        LoginNeeded: there is none.
    """
    url = checked_url(arguments.url)
    kind = CredentialKind(arguments.kind) if arguments.kind else None
    async with open_session() as session:
        matches = covering_credentials(session, url, kind=kind)
    answer_list(f"{match.kind.value}  {match.description}" for match in matches)
    if not matches:
        cure = step("Log in", f"authlens login {shlex.quote(url)}")
        raise LoginNeeded(f"No credential on this machine is for {url}.", cure)
    return 0


def say_bound(url: str, what: str) -> None:
    """Say that each request needs a proof, and how to get one."""
    shown = shlex.quote(url)
    say(f"The token is bound to a key (DPoP): {what}")
    say(f"  → For one request: authlens curl {shown}     For many: authlens proxy {shown}")
