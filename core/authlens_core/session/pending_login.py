"""One login at a time for a resource: a second one joins the one that waits, in whatever process it is.

Two browser windows for the same login confuse people, and two clients would be registered. The link of the
waiting login is in a private file, so that the one that joins can show it too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from authlens_core.login.events import AuthorizationReady, Event
from authlens_core.state import private_file
from authlens_core.state.locks import LockBusy, Locks
from authlens_core.state.paths import state_directory
from authlens_core.values.errors import StateUnusable
from authlens_core.values.quick_dataclass import dataclass

_LOCK: Final = "login"
_LONGEST: Final = 64 * 1024  # bytes of the file with a link


class LoginRuns(Exception):
    """Another login for the resource runs."""


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """The login for one resource.

    Attributes:
        locks: held by the process in which the login runs.
        path: the file with the link; None where nothing is written.
    """

    locks: Locks
    url: str
    path: Path | None

    @classmethod
    def of(cls, locks: Locks, url: str, *, persistent: bool) -> PendingLogin:
        """Return the login for `url`, in the state directory if the store is persistent."""
        path = None
        if persistent:
            with suppress(StateUnusable):
                name = f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"
                path = state_directory(state_directory() / "pending-logins") / name
        return cls(locks, url, path)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Run the login in the block, and no other one for this resource beside it.

        Raises:
            LoginRuns: another one does.
        """
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(
                    self.locks.hold(_LOCK, self.url, purpose="logging in", bound=0)
                )
            except LockBusy:
                raise LoginRuns from None
            stack.callback(self._remove)
            yield

    def on_event(self, event: Event) -> None:
        """Keep the link for those who join."""
        if self.path is not None and isinstance(event, AuthorizationReady):
            with suppress(OSError, StateUnusable):
                private_file.replace(self.path, json.dumps({"url": event.url}).encode("ascii"), durable=False)

    def link(self) -> str:
        """Return the link of the login that waits, or the empty string where there is none yet."""
        try:
            found = "" if self.path is None else json.loads(self.path.read_bytes()[:_LONGEST])["url"]
        except (OSError, ValueError, KeyError, TypeError):
            return ""
        return found if isinstance(found, str) and found.startswith(("https://", "http://")) else ""

    async def over(self, bound: float) -> bool:
        """Wait at most `bound` seconds until no other login runs; return whether that is so."""
        try:
            async with self.locks.hold(_LOCK, self.url, purpose="waiting for a login", bound=bound):
                return True
        except LockBusy:
            return False

    def _remove(self) -> None:
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()
