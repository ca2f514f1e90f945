"""Refreshing a grant (RFC 6749 §6) without ever losing it.

Many servers replace the refresh token at each use and end the whole grant when an old one comes again. So:
one refresh at a time across processes, inside a lock in which the grant is read anew; the answer is stored
before anything else happens; and where it is not known what the server did, nothing is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from authlens_core.credentials.lifecycle.refresh_attempt import RefreshOperation, RefreshOptions
from authlens_core.credentials.lifecycle.refresh_result import Observed, Refreshed, RefreshOutcome
from authlens_core.credentials.records.grant import Grant, utc_now
from authlens_core.credentials.vault.credentials import Credentials, refresh_lock
from authlens_core.secret import Secret
from authlens_core.state.locks import LockBusy
from authlens_core.wire.client import Wire

__all__ = ["Observed", "RefreshOutcome", "Refreshed", "refresh"]

LOCK_BOUND = 30.0


async def refresh(
    credentials: Credentials,
    wire: Wire,
    grant_id: str,
    *,
    now: Callable[[], datetime] = utc_now,
    min_ttl: timedelta | None = None,
    force: bool = False,
    despite_unknown: bool = False,
    observed: Observed | None = None,
    refused: Secret | None = None,
    patient: bool = False,
    lock_bound: float = LOCK_BOUND,
    give_up: Callable[[], bool] = bool,
) -> Refreshed:
    """Refresh a grant if its access token does not last.

    Args:
        credentials: where the grant is.
        wire: what sends.
        grant_id: which grant.
        now: the clock, in UTC.
        min_ttl: how long the access token has to last to be left alone; None for a minute, or half of its
            life where that is less.
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
    wish = RefreshOptions(min_ttl, force, despite_unknown, patient, observed, refused)
    turn = _RefreshWaiter(credentials, wire, credentials.get(grant_id), now, wish, lock_bound)
    # Whoever leaves while the answer is on its way must not lose it: it may hold the only copy of a token.
    return await credentials.unfinished.run_shielded(
        _refresh(credentials, grant_id, turn, give_up), turn.sent
    )


async def _refresh(
    credentials: Credentials, grant_id: str, turn: _RefreshWaiter, give_up: Callable[[], bool]
) -> Refreshed:
    try:
        done = await turn.alone(lambda: give_up() or turn.overtaken())
    except LockBusy:
        if give_up() or not turn.overtaken():
            raise
        # Nobody stands in line for what another one has done: it is read as anybody reads it.
        done = await turn.adopt() or await turn.alone(give_up)
    credentials.traces.keep(grant_id, done.trace)
    return done


class _RefreshWaiter:
    """One caller that waits its turn to refresh a grant.

    Args:
        credentials: where the grant is.
        wire: what sends.
        before: the grant as the caller found it.
        now: the clock, in UTC.
        wish: what the caller asked for.
        bound: seconds, from now on, that all the waiting together may take.
    """

    def __init__(
        self,
        credentials: Credentials,
        wire: Wire,
        before: Grant,
        now: Callable[[], datetime],
        wish: RefreshOptions,
        bound: float,
    ) -> None:
        self._credentials = credentials
        self._before = before
        self._make_attempt = partial(RefreshOperation, credentials, wire, now=now, wish=wish)
        self._attempt: RefreshOperation | None = None
        self._deadline = asyncio.get_running_loop().time() + bound

    async def alone(self, give_up: Callable[[], bool]) -> Refreshed:
        """Refresh under the lock, with the grant as it is then.

        Raises:
            LockBusy: another process had the lock all the time, or `give_up` said yes.
        """
        left = self._deadline - asyncio.get_running_loop().time()
        lock = refresh_lock(self._before)
        async with self._credentials.locks.hold(*lock, purpose="refreshing", bound=left, give_up=give_up):
            return await (await self._read()).decide(self._before)

    async def adopt(self) -> Refreshed | None:
        """Take what another process has earned meanwhile, if that is what was asked for."""
        return (await self._read()).adopt(self._before)

    def sent(self) -> bool:
        """Return whether the refresh token is on its way."""
        return self._attempt is not None and self._attempt.sent

    def overtaken(self) -> bool:
        """Return whether another process has stored other tokens meanwhile."""
        return self._credentials.get(self._before.grant_id).generation != self._before.generation

    async def _read(self) -> RefreshOperation:
        self._attempt = self._make_attempt(*await self._credentials.load(self._before.grant_id))
        return self._attempt
