"""`authlens list`: every credential on this machine and its state."""

from __future__ import annotations

import sys
from argparse import Namespace

from authlens_core.credentials.grants import Credentials
from authlens_core.credentials.keyring_store import KeyringStore
from authlens_core.credentials.model import Grant, describe
from authlens_core.safe_text import safe_line
from authlens_tui.cli.output import answer_json, answer_line, say
from authlens_tui.cli.session import moment
from authlens_tui.durations import in_words

__all__ = ["list_credentials"]


async def list_credentials(arguments: Namespace) -> int:
    """Print every credential and its state. The keyring is not asked, for no secret is shown.

    Raises:
        NoSecretStore: the state directory cannot be used.
    """
    credentials = Credentials.open(KeyringStore())
    try:
        grants, damaged = credentials.list(), credentials.damaged()
    finally:
        await credentials.aclose()
    if arguments.json:
        answer_json([_grant_as_json(grant) for grant in grants])
    else:
        _show(grants)
    if damaged:
        say(f"! {len(damaged)} record(s) cannot be read. To remove one: authlens forget {damaged[0]}")
    return 0


def _show(grants: tuple[Grant, ...]) -> None:
    if not grants:
        say("No credentials on this machine. To log in: authlens login URL")
        return
    if sys.stdout is not None and sys.stdout.isatty():
        say(f"  {'STATE':<22}{'ACCESS TOKEN':<20}RESOURCE, LOGIN SERVER")
    for grant in grants:
        standing = describe(grant)
        answer_line(
            f"{standing.symbol} {standing.word:<22}{_lasts(standing.remaining_seconds):<20}"
            f"{safe_line(grant.resource_url, 200)}  {safe_line(grant.issuer, 200)}"
        )
        if standing.note:
            say(f"    {standing.note}")


def _lasts(seconds: float | None) -> str:
    if seconds is None:
        return "end not stated"
    return f"{in_words(seconds)} left" if seconds > 0 else f"ended {in_words(seconds)}"


def _grant_as_json(grant: Grant) -> dict[str, object]:
    standing = describe(grant)
    left = standing.remaining_seconds
    return {
        "id": grant.grant_id,
        "kind": "oauth",
        "resource_url": grant.resource_url,
        "resource": grant.resource,
        "issuer": grant.issuer,
        "client_id": grant.client_id,
        "scope": grant.scope,
        "state": standing.word,
        "note": standing.note,
        "refreshable": standing.refreshable,
        "remaining_seconds": None if left is None else int(left),
        "obtained_at": moment(grant.obtained_at),
        "refreshed_at": moment(grant.refreshed_at),
        "expires_at": moment(grant.expires_at),
        "last_proven_at": moment(grant.last_proven_at),
    }
