"""Refreshes that were started and not ended, by a process that is gone: their grants are marked."""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant, GrantState
from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.records.table import LOGINS
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.state.locks import LockBusy


async def recover(credentials: Credentials) -> tuple[Grant, ...]:
    """Mark the grants whose refresh was started by a process that is gone, and return them.

    A revoked grant whose access token has expired meanwhile is removed.
    """
    index = credentials.index
    for grant in index.grants()[0]:
        if grant.is_over:
            LOGINS.remove(index, grant.grant_id)
            credentials.record(AccessKind.REVOKED, grant.grant_id, "the access token has expired")
    marked = []
    for pending in index.pending():
        pending_grant = index.grant(pending.grant_id)
        # A lock that is free at once shows that the process is gone: it would hold it until the outcome
        # is stored.
        with suppress(LockBusy):
            if pending_grant is not None:
                async with credentials.lock(pending_grant, "looking", bound=0):
                    marked.append(mark_if_interrupted(credentials, pending_grant))
    return tuple(filter(None, marked))


def mark_if_interrupted(credentials: Credentials, grant: Grant) -> Grant | None:
    """Mark and return a grant whose refresh was started and not ended, or return None.

    The lock of the refresh must be held, which means that the process that started it is gone.
    """
    for pending in credentials.index.pending():
        # A later refresh or login has stored its tokens since where the generation is another one.
        if (pending.grant_id, pending.generation) == (grant.grant_id, grant.generation):
            break
    else:
        return None
    note = (
        f"A refresh was interrupted at {pending.started_at:%Y-%m-%d %H:%M:%S} UTC: the server may have "
        "replaced the refresh token. Try again, or log in again."
    )
    marked = credentials.update(replace(grant, state=GrantState.INTERRUPTED, note=note))
    credentials.index.clear_pending(grant.grant_id)
    credentials.record(AccessKind.REFRESH_INTERRUPTED, grant.grant_id, note)
    return marked
