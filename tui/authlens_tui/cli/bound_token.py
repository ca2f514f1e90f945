"""What the verbs say of a token that is bound to a key (RFC 9449): it is of no use without a proof."""

from __future__ import annotations

import shlex

from authlens_core.credentials.inventory.request_headers import CredentialHeaders
from authlens_core.errors import UsageError
from authlens_tui.cli.terminal.output import say


def refuse_bound(found: CredentialHeaders, url: str, program: str) -> None:
    """Refuse to hand a bound token to a program that cannot sign its requests.

    Raises:
        UsageError: the token is bound.
    """
    if found.signer is not None:
        raise UsageError(
            f"The token is bound to a key (DPoP), and {program} cannot sign its requests.",
            f"Use: authlens proxy {shlex.quote(url)}",
        )


def say_bound(url: str, what: str) -> None:
    """Say that each request needs a proof, and how to get one."""
    shown = shlex.quote(url)
    say(f"The token is bound to a key (DPoP): {what}")
    say(f"  → For one request: authlens curl {shown}     For many: authlens proxy {shown}")
