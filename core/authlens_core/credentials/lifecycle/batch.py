"""Revoking or refreshing many grants: each with a result of its own, none kept from its turn by another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from authlens_core.credentials.lifecycle.concurrent_map import AT_ONCE, each
from authlens_core.credentials.lifecycle.refresh import RefreshOutcome, refresh
from authlens_core.credentials.lifecycle.revoke import Revoked, RevokeOutcome, revoke
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.errors import AuthlensError
from authlens_core.trace.record import Trace
from authlens_core.wire.client import Wire
from authlens_core.wire.purpose import Purpose

__all__ = ["Ended", "proof_words", "refresh_all", "refresh_one", "revoke_all", "revoke_one"]

_FRESH = frozenset({RefreshOutcome.REFRESHED, RefreshOutcome.ADOPTED, RefreshOutcome.NOT_NEEDED})


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of an action on one grant. Every text is safe to show.

    Attributes:
        grant: which, as it was before.
        good: whether it did what was asked for.
        summary: what happened.
        cure: what to do, or the empty string.
        trace: what was sent and what came back; None where nothing could be.
    """

    grant: Grant
    good: bool
    summary: str
    cure: str = ""
    trace: Trace | None = None


async def revoke_one(
    credentials: Credentials,
    wire: Wire,
    grant: Grant,
    *,
    waiting: Callable[[float], None] = lambda _seconds: None,
) -> Ended:
    """Revoke a grant with proof; an error becomes its result. What the server did not confirm is kept.

    Args:
        credentials: where it is.
        wire: what sends.
        grant: which.
        waiting: see `revoke`.
    """
    try:
        done = await revoke(credentials, wire, grant.grant_id, waiting=waiting)
    except AuthlensError as error:
        return Ended(grant, False, error.cause, error.cure)
    good = done.outcome is RevokeOutcome.REVOKED and not done.still_accepted
    return Ended(grant, good, " ".join((done.summary, *proof_words(done))), done.cure, done.trace)


async def refresh_one(
    credentials: Credentials, wire: Wire, grant: Grant, *, despite_unknown: bool = False
) -> Ended:
    """Refresh a grant however long its token lasts; an error becomes its result.

    Args:
        credentials: where it is.
        wire: what sends.
        grant: which.
        despite_unknown: send the refresh token although it may be spent: for a person who chose to.
    """
    try:
        done = await refresh(credentials, wire, grant.grant_id, force=True, despite_unknown=despite_unknown)
    except AuthlensError as error:
        return Ended(grant, False, error.cause, error.cure)
    return Ended(grant, done.outcome in _FRESH, done.summary, done.cure, done.trace)


async def revoke_all(
    credentials: Credentials,
    wire: Wire,
    grants: Iterable[Grant],
    *,
    heard: Callable[[Ended], None] = lambda _ended: None,
    stop: asyncio.Event | None = None,
) -> tuple[Ended, ...]:
    """Revoke many grants; see `each`."""
    return await _each(grants, lambda grant: revoke_one(credentials, wire, grant), heard, stop)


async def refresh_all(
    credentials: Credentials,
    wire: Wire,
    grants: Iterable[Grant],
    *,
    heard: Callable[[Ended], None] = lambda _ended: None,
    stop: asyncio.Event | None = None,
) -> tuple[Ended, ...]:
    """Refresh many grants; see `each`."""
    return await _each(grants, lambda grant: refresh_one(credentials, wire, grant), heard, stop)


async def _each(
    grants: Iterable[Grant],
    work: Callable[[Grant], Awaitable[Ended]],
    heard: Callable[[Ended], None],
    stop: asyncio.Event | None,
) -> tuple[Ended, ...]:
    return await each(grants, work, at_once=AT_ONCE, heard=lambda _grant, ended: heard(ended), stop=stop)


def proof_words(done: Revoked) -> tuple[str, ...]:
    """Return what became of each token, and what the resource said afterwards and how long it took.

    Nothing where nothing was sent.
    """
    if not done.tokens:
        return ()
    words = [f"{result.token.replace('_', ' ').capitalize()}: {result.summary}." for result in done.tokens]
    exchanges = [exchange for record in done.trace.records for exchange in record.exchanges]
    proof = exchanges[-1] if exchanges else None
    if proof is not None and proof.purpose is Purpose.ACCESS:
        took = proof.started_at - exchanges[0].started_at
        milliseconds = round((took.total_seconds() + proof.elapsed) * 1000)
        answer = f"{proof.response.status}" if proof.response is not None else "no answer"
        words.append(f"The resource, asked with the token: {answer}, {milliseconds} ms after the beginning.")
    return tuple(words)
