"""Refreshing a grant (RFC 6749 §6) without ever losing it.

Many servers replace the refresh token at each use and end the whole grant when an old one comes again. So:
one refresh at a time across processes, inside a lock in which the grant is read anew; the answer is stored
before anything else happens; and where it is not known what the server did, nothing is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from authlens_core.credentials.grants import Credentials, refresh_lock
from authlens_core.credentials.lock import LockBusy
from authlens_core.credentials.model import SOON, utc_now
from authlens_core.credentials.refresh_attempt import Attempt, Wish
from authlens_core.credentials.refresh_result import Observed, Refreshed, RefreshOutcome
from authlens_core.secret import Secret
from authlens_core.wire.client import Wire

__all__ = ["Observed", "RefreshOutcome", "Refreshed", "refresh"]

LOCK_BOUND = 30.0


async def refresh(
    credentials: Credentials,
    wire: Wire,
    grant_id: str,
    *,
    now: Callable[[], datetime] = utc_now,
    min_ttl: timedelta = SOON,
    force: bool = False,
    despite_unknown: bool = False,
    observed: Observed | None = None,
    refused: Secret | None = None,
    patient: bool = False,
    lock_bound: float = LOCK_BOUND,
    give_up: Callable[[], bool] = bool,
) -> Refreshed:
    """Refresh a grant if its access token does not last for `min_ttl`.

    Args:
        credentials: where the grant is.
        wire: what sends.
        grant_id: which grant.
        now: the clock, in UTC.
        min_ttl: how long the access token has to last to be left alone.
        force: refresh a token that lasts long enough, too.
        despite_unknown: send the refresh token although it may be spent: for a person who chose to.
        observed: what the resource and the server say now; a grant of another issuer is not refreshed.
        refused: the access token that the resource has refused (RFC 6750 §3.1, `invalid_token`): it is
            refreshed however long it should last, unless another one is stored by now.
        patient: send nothing before the time at which a refresh that failed is to be tried again.
        lock_bound: seconds to wait for another process that is refreshing this grant.
        give_up: asked again and again during that wait; when it says yes, the wait has been too long.

    Raises:
        LoginNeeded: there is no such grant, or its secrets are gone or damaged.
        NoSecretStore: the store or the index could not be read, or there is no lock: nothing was sent.
        LockBusy: another process was refreshing all the time: nothing was sent.
    """
    wish = Wish(min_ttl, force, despite_unknown, patient, observed, refused)
    before = credentials.get(grant_id)
    deadline = asyncio.get_running_loop().time() + lock_bound

    async def attempt() -> Attempt:
        return Attempt(credentials, wire, *await credentials.load(grant_id), now, wish)

    async def alone(give_up: Callable[[], bool]) -> Refreshed:
        left = deadline - asyncio.get_running_loop().time()
        lock = refresh_lock(before)
        async with credentials.locks.hold(*lock, purpose="refreshing", bound=left, give_up=give_up):
            return await (await attempt()).decide(before)

    def overtaken() -> bool:
        return credentials.get(grant_id).generation != before.generation

    try:
        done = await alone(lambda: give_up() or overtaken())
    except LockBusy:
        if give_up() or not overtaken():
            raise
        # Nobody stands in line for what another one has done: it is read as anybody reads it.
        done = (await attempt()).adopt(before) or await alone(give_up)
    credentials.traces.keep(grant_id, done.trace)
    return done
