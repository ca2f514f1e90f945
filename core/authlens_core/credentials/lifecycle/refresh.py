"""Refreshing a grant (RFC 6749 §6) without ever losing it.

Many servers replace the refresh token at each use and end the whole grant when an old one is sent again. So
one refresh runs at a time across processes, under a lock in which the grant is read again; the answer is
stored before anything else happens; and nothing is sent again while it is unknown what the server did.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from authlens_core.credentials.lifecycle.action_result import Refreshed, RefreshOutcome
from authlens_core.credentials.lifecycle.refresh_operation import RefreshOperation
from authlens_core.credentials.records.grant import Grant, GrantSecrets, TokenVerdict, utc_now
from authlens_core.credentials.records.lifetime import lasts
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.oauth.dpop import is_bound
from authlens_core.state.locks import LockBusy
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire

# Seconds to wait for another process that is refreshing the grant.
_LOCK_BOUND: Final = 30.0


class RefreshOptions(Struct, frozen=True, kw_only=True):
    """What the caller of a refresh wants.

    Attributes:
        min_ttl: how long the access token has to last to be left alone; None for a minute, or half of its
            life if that is less.
        force: refresh a token that lasts long enough, too.
        despite_unknown: send the refresh token although it may be spent, because the user chose to.
        patient: send nothing before the time at which a refresh that failed is to be tried again.
        refused: the access token that the resource has refused (RFC 6750 §3.1, `invalid_token`): it is
            refreshed however long it should last, unless another one is stored by now.
        give_up: asked repeatedly during the wait for another process that is refreshing; true ends it.
    """

    min_ttl: timedelta | None = None
    force: bool = False
    despite_unknown: bool = False
    patient: bool = False
    refused: Secret | None = None
    give_up: Callable[[], bool] = bool


_DEFAULTS: Final = RefreshOptions()


async def refresh(
    credentials: Credentials,
    wire: Wire,
    grant_id: str,
    options: RefreshOptions = _DEFAULTS,
    *,
    now: Callable[[], datetime] = utc_now,
) -> Refreshed:
    """Refresh a grant if its access token does not last.

    Raises:
        LoginNeeded: there is no such grant, or its secrets are gone or damaged.
        NoSecretStore: the store or the index could not be read, or there is no lock: nothing was sent.
        LockBusy: another process was refreshing all the time: nothing was sent.
    """
    deadline = asyncio.get_running_loop().time() + _LOCK_BOUND
    waiter = _RefreshWaiter(credentials, wire, credentials.get(grant_id), options, now, deadline)
    # A caller that leaves must not lose an answer on its way: it may hold the only copy of a token.
    return await credentials.unfinished.run_shielded(waiter.run(), waiter.sent)


class _RefreshWaiter(Struct, eq=False):
    """One caller that waits its turn to refresh a grant, until `deadline` by the clock of the loop."""

    credentials: Credentials
    wire: Wire
    before: Grant
    options: RefreshOptions
    now: Callable[[], datetime]
    deadline: float
    operation: RefreshOperation | None = None

    async def run(self) -> Refreshed:
        """Refresh, or adopt what another process stored during the wait; keep the trace."""
        give_up = self.options.give_up
        try:
            # Waiting ends early when another process has stored a newer generation: then there is nothing to
            # refresh.
            done = await self._alone(lambda: give_up() or self._overtaken())
        except LockBusy:
            if give_up() or not self._overtaken():
                raise
            # What another process has stored can be read without the lock.
            # It may be too short-lived to adopt: then it is our turn after all.
            done = (await self._read()).adopt(self.before) or await self._alone(give_up)
        self.credentials.traces.keep(self.before.grant_id, done.trace)
        return done

    def sent(self) -> bool:
        """Return whether the refresh token is on its way."""
        return self.operation is not None and self.operation.sent

    async def _alone(self, give_up: Callable[[], bool]) -> Refreshed:
        """Refresh under the lock, with the grant as it is then.

        Raises:
            LockBusy: another process had the lock all the time, or `give_up` returned true.
        """
        left = self.deadline - asyncio.get_running_loop().time()
        async with self.credentials.lock(self.before, "refreshing", bound=left, give_up=give_up):
            return await (await self._read()).decide(self.before)

    def _overtaken(self) -> bool:
        return self.credentials.get(self.before.grant_id).generation != self.before.generation

    async def _read(self) -> RefreshOperation:
        grant, secrets = await self.credentials.load(self.before.grant_id)
        self.operation = RefreshOperation(self.credentials, self.wire, grant, secrets, self.now, self.options)
        return self.operation


# -- the token that scripts and agents ask for --------------------------------------------------------------


class UsableToken(Struct, frozen=True):
    """An access token with what has to be known to send it.

    Attributes:
        secrets: those of the grant, with the key that the token is bound to, if it is.
    """

    grant: Grant
    secrets: GrantSecrets

    @property
    def token(self) -> Secret:
        return self.secrets.access_token

    @property
    def is_bound(self) -> bool:
        """True if each request with it needs a proof (RFC 9449)."""
        return is_bound(self.grant.token_type)


async def usable_token(
    credentials: Credentials,
    wire: Wire,
    grant: Grant,
    *,
    min_ttl: timedelta | None = None,
    refused: Secret | None = None,
    now: Callable[[], datetime] = utc_now,
) -> UsableToken:
    """Return the access token of a login, refreshed if it would not last; never opens a browser.

    A token that ends sooner is still given where the server could not be reached for a new one. One that the
    resource is known to refuse is not, whatever the clock says.

    Args:
        min_ttl: how long it has to last; None for a minute, or half of its life where that is less.
        refused: the token from an earlier call, where the resource answered it with 401 `invalid_token`: it
            is refreshed, once, whatever the clock says. A caller whose new token is refused as well stops.

    Raises:
        LoginNeeded: only a user can renew it.
        Refused: the server refused the refresh.
        NetworkFailure: the token has expired and the server cannot be reached just now.
        NoSecretStore: the store could not be read or written.
        LockBusy: another process was refreshing all the time.
    """
    # Asking the store takes long: it is not asked for a token that will not be given.
    if refused is None and grant.state.is_wanted and lasts(grant, min_ttl, now()):
        stored, secrets = await credentials.load(grant.grant_id)
        # Again: another process may have replaced or revoked it since it was looked up.
        if stored.state.is_wanted and lasts(stored, min_ttl, now()):
            if stored.last_verdict is not TokenVerdict.REFUSED:
                return UsableToken(stored, secrets)
            refused = secrets.access_token  # noted by the program that was refused with it
    options = RefreshOptions(min_ttl=min_ttl, refused=refused)
    result = await refresh(credentials, wire, grant.grant_id, options, now=now)
    # A server that is down for a moment must not stop a script whose token still works.
    if result.error_type is None or _still_good(result, refused, now()):
        return UsableToken(result.grant, result.secrets)
    raise result.error_type(result.summary, result.cure)


def _still_good(result: Refreshed, refused: Secret | None, moment: datetime) -> bool:
    """Return whether the old token is still worth something where there is no new one for now."""
    if result.outcome is not RefreshOutcome.TRANSIENT or result.secrets.access_token == refused:
        return False
    return lasts(result.grant, timedelta(0), moment)
