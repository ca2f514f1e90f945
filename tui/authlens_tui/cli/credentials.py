"""`authlens list`, `refresh`, `revoke` and `forget`."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime

from authlens_core.credentials.grants import Credentials
from authlens_core.credentials.keyring_store import KeyringStore
from authlens_core.credentials.model import Grant, describe
from authlens_core.credentials.refresh import Refreshed, RefreshOutcome, refresh
from authlens_core.credentials.revoke import Revoked, revoke
from authlens_core.safe_text import safe_line
from authlens_core.session import Session
from authlens_tui.cli.output import answer_json, answer_line, say
from authlens_tui.cli.session import grant_for, open_session
from authlens_tui.durations import in_words

__all__ = ["forget_credential", "list_credentials", "refresh_credentials", "revoke_credentials"]

_GOOD = frozenset({RefreshOutcome.REFRESHED, RefreshOutcome.ADOPTED, RefreshOutcome.NOT_NEEDED})
_REFRESH_CODES = {
    RefreshOutcome.LOGIN_NEEDED: 4,
    RefreshOutcome.REFUSED: 5,
    RefreshOutcome.TRANSIENT: 6,
    RefreshOutcome.UNKNOWN: 6,
    RefreshOutcome.STORE_FAILED: 9,
}


async def list_credentials(arguments: Namespace) -> int:
    """Print every credential and its state. The keyring is not asked, for no secret is shown."""
    credentials = Credentials.open(KeyringStore())
    try:
        grants, damaged = credentials.list(), credentials.damaged()
    finally:
        await credentials.aclose()
    if arguments.json:
        answer_json([_grant_as_json(grant) for grant in grants])
        return 0
    for grant in grants:
        answer_line(_row(grant))
    if not grants:
        say("No credentials on this machine. Log in: authlens login URL")
    if damaged:
        say(f"! {len(damaged)} record(s) cannot be read: {', '.join(damaged)}")
    return 0


async def refresh_credentials(arguments: Namespace) -> int:
    """Refresh one credential or all; the exit code is the worst result."""
    async with open_session(probe=False) as session:
        await session.credentials.recover()
        results = [await _refresh(session, grant) for grant in _chosen(session, arguments)]
    if arguments.json:
        answer_json([_refreshed_as_json(result) for result in results])
    return max((_REFRESH_CODES.get(result.outcome, 0) for result in results), default=0)


async def _refresh(session: Session, grant: Grant) -> Refreshed:
    result = await refresh(session.credentials, session.wire, grant.grant_id, force=True)
    symbol = "✔" if result.outcome in _GOOD else "✖"
    say(f"{symbol} {safe_line(grant.resource_url, 200)}: {result.summary}")
    if result.cure:
        say(f"  → {result.cure}")
    return result


async def revoke_credentials(arguments: Namespace) -> int:
    """Revoke one credential or all: at the server first, with proof, and only then here."""
    async with open_session(probe=False) as session:
        results = [await _revoke(session, grant) for grant in _chosen(session, arguments)]
    if arguments.json:
        answer_json([_revoked_as_json(result) for result in results])
    return 0 if all(result.removed for result in results) else 5


async def _revoke(session: Session, grant: Grant) -> Revoked:
    result = await revoke(session.credentials, session.wire, grant.grant_id)
    say(f"{'✔' if result.removed else '✖'} {safe_line(grant.resource_url, 200)}: {result.summary}")
    if result.cure:
        say(f"  → {result.cure}")
    return result


async def forget_credential(arguments: Namespace) -> int:
    """Remove a credential from this machine and say that it still works at the server."""
    async with open_session(probe=False) as session:
        grant = grant_for(session, arguments.url)
        await session.credentials.forget(grant.grant_id)
    say(f"Removed from this machine: {safe_line(grant.resource_url, 200)}")
    say("  → The server was not told; its tokens stay valid until they end. To end them: authlens revoke")
    return 0


def _chosen(session: Session, arguments: Namespace) -> tuple[Grant, ...]:
    if arguments.all:
        return session.credentials.list()
    return (grant_for(session, arguments.url),)


def _row(grant: Grant) -> str:
    standing = describe(grant)
    left = "" if standing.remaining_seconds is None else in_words(standing.remaining_seconds)
    return f"{standing.symbol} {standing.word:<20} {left:<14} {safe_line(grant.resource_url, 200)}"


def _grant_as_json(grant: Grant) -> dict[str, object]:
    standing = describe(grant)
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
        "obtained_at": _moment(grant.obtained_at),
        "refreshed_at": _moment(grant.refreshed_at),
        "expires_at": _moment(grant.expires_at),
        "last_proven_at": _moment(grant.last_proven_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")


def _refreshed_as_json(result: Refreshed) -> dict[str, object]:
    return {
        "resource_url": result.grant.resource_url,
        "outcome": result.outcome.value,
        "summary": result.summary,
        "cure": result.cure,
        "expires_at": _moment(result.grant.expires_at),
    }


def _revoked_as_json(result: Revoked) -> dict[str, object]:
    return {
        "resource_url": result.grant.resource_url,
        "removed": result.removed,
        "summary": result.summary,
        "cure": result.cure,
    }
