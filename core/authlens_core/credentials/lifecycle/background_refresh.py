"""Keeping every grant fresh while a program is open, automatically and without a sound."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from authlens_core.credentials.lifecycle.action_result import ActionResult, failed_action
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh
from authlens_core.credentials.records.grant import Grant, GrantState, utc_now
from authlens_core.credentials.records.index import IndexBusy
from authlens_core.credentials.records.lifetime import LONGEST_WAIT, refresh_due, seconds_until_retry
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.errors import AuthlensError
from authlens_core.values.settings import Settings
from authlens_core.wire.client import Wire

# How many grants are refreshed at once.
# After a night's sleep all are due together; a server that issued twenty of them would see an attack.
AT_ONCE: Final = 4
# Seconds after which the clock and the index are looked at again: either may have been changed by others.
LONGEST_SLEEP: Final = 5.0
# Seconds before the next look at an index that was busy.
BUSY_PAUSE: Final = 1.0
# Seconds that the wall clock may move otherwise than the monotonic one and still count as not set.
MOST_DRIFT: Final = 0.5
# Seconds for which a grant is left alone after an attempt, successful or not.
# Without it a server that answers with a token of no lifetime would be asked without end.
PAUSE: Final = 10.0


class BackgroundRefresh:
    """Refreshes what is due, until it is stopped: `run()` in a task, `stop()` before closing the credentials.

    Whether a grant is due is asked of the wall clock, which suspend moves on, and of a clock that no one can
    set: a wall clock that was put back does not make a token last longer.

    Args:
        on_result: called with the grant as it was before each attempt, and what the attempt came to.
        now: the wall clock, in UTC.
        monotonic: the other clock, in seconds.
        sleep: waits for some seconds.
        settings: asked again and again: whether to refresh at all, and when a token is due.
    """

    def __init__(
        self,
        credentials: Credentials,
        wire: Wire,
        *,
        on_result: Callable[[Grant, ActionResult], None] = lambda _grant, _result: None,
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        settings: Callable[[], Settings] = Settings,
    ) -> None:
        self._credentials = credentials
        self._wire = wire
        self._on_result = on_result
        self._now = now
        self._monotonic = monotonic
        self._sleep = sleep
        self._settings = settings
        self._by = settings()
        self.running: dict[str, asyncio.Task[None]] = {}
        self._due: dict[tuple[str, int], float] = {}
        self._seen: tuple[tuple[Grant, ...], float, float] = (), 0.0, 0.0
        """The grants of the last full look, when the next one is due, and how far apart the clocks were."""
        self._alone_until: dict[str, float] = {}
        self._leaving = asyncio.Event()

    async def run(self) -> None:
        """Refresh what is due until `stop()` is called or the task is cancelled."""
        while not self._leaving.is_set():
            await self._sleep(self.tick())

    def tick(self) -> float:
        """Start to refresh what is due, and return the seconds until this is to be asked again."""
        settings = self._settings()
        if settings != self._by:
            # Other settings make other times: everything that was planned by the old ones is planned again.
            self._by, self._due, self._seen = settings, {}, ((), 0.0, 0.0)
        if not settings.background_refresh:
            return LONGEST_SLEEP
        try:
            with self._credentials.index.waiting_briefly():
                listed = self._credentials.list()
        except IndexBusy:
            return BUSY_PAUSE
        if (left := self._nothing_due_for(listed)) > 0:
            return min(left, LONGEST_SLEEP)
        wait = self._start_due(listed)
        self._seen = listed, self._monotonic() + wait, self._drift()
        return min(wait, LONGEST_SLEEP)

    def _nothing_due_for(self, listed: tuple[Grant, ...]) -> float:
        """Return the seconds for which nothing is due; 0 if the grants or the wall clock were changed.

        Looking at each of thousands of grants would hold up the screen.
        """
        grants, due, drift = self._seen
        is_same = listed is grants and not self.running and abs(self._drift() - drift) < MOST_DRIFT
        return due - self._monotonic() if is_same else 0.0

    def _drift(self) -> float:
        return self._now().timestamp() - self._monotonic()

    def _start_due(self, listed: tuple[Grant, ...]) -> float:
        """Start to refresh what is due, and return the seconds until something is due next."""
        wait = LONGEST_WAIT.total_seconds()
        grants = [grant for grant in listed if self._is_ours(grant)]
        self._forget_others(grants)
        for grant in grants:
            left = self._seconds_left(grant)
            if left is None or grant.grant_id in self.running:
                continue
            if left <= 0 and len(self.running) < AT_ONCE:
                self.running[grant.grant_id] = asyncio.create_task(self._attempt(grant))
            # Never zero: what is due and has no free place would be asked for again without a pause.
            wait = min(wait, max(left, 0.05))
        return wait

    def _is_ours(self, grant: Grant) -> bool:
        """Return whether a refresh may help and needs no one."""
        return (
            grant.state is GrantState.LIVE
            and grant.is_renewable
            # Another store may need a passphrase, and a refresh without the user must not ask.
            and grant.place is self._credentials.store.place
        )

    def _seconds_left(self, grant: Grant) -> float | None:
        now, ticks = self._now(), self._monotonic()
        lead = timedelta(seconds=self._by.refresh_before)
        due = refresh_due(grant, now, fraction=self._by.refresh_at, lead=lead)
        if due is None:
            return None
        by_wall = (due - now).total_seconds()
        # What was seen first stays: this clock goes on whatever happens to the other one.
        by_ticks = self._due.setdefault((grant.grant_id, grant.generation), ticks + by_wall) - ticks
        alone = self._alone_until.get(grant.grant_id, ticks) - ticks
        # The earlier of both clocks: after the wall clock is set back, the token still ends when it ends at
        # the server.
        return max(min(by_wall, by_ticks), alone, seconds_until_retry(grant, now))

    def _forget_others(self, grants: list[Grant]) -> None:
        known = {(grant.grant_id, grant.generation) for grant in grants}
        self._due = {key: value for key, value in self._due.items() if key in known}

    async def _attempt(self, grant: Grant) -> None:
        # Whether it is due was decided here, by two clocks; the refresh need not ask one of them again.
        options = RefreshOptions(force=True, patient=True, give_up=self._leaving.is_set)
        result: ActionResult
        try:
            # Tasks begin in a later turn of the loop, and the list may be as old as the last look.
            if self._credentials.get(grant.grant_id).generation != grant.generation:
                return  # another program was faster
            result = await refresh(self._credentials, self._wire, grant.grant_id, options, now=self._now)
        except AuthlensError as error:
            result = failed_action(error)
        finally:
            self._alone_until[grant.grant_id] = self._monotonic() + PAUSE
            del self.running[grant.grant_id]
            # The next tick looks at every grant: this one has another time, and a place is free.
            self._seen = (), 0.0, 0.0
        if not self._leaving.is_set():
            self._on_result(grant, result)

    async def stop(self) -> None:
        """Start nothing more; what has sent nothing ends at once, and what has is waited for by `aclose`."""
        self._leaving.set()
        running = set(self.running.values())
        # Each goes through `run_shielded`, which lets go on what was sent: a cancel loses no token.
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
