"""One login at a time for a resource: a second one joins the one that waits, in whatever process it is.

Two browser windows for the same login confuse people, and two clients would be registered. The link of the
waiting login is in a private file, so that the one that joins can show it too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from authlens_core.grammars.json_document import object_in
from authlens_core.state import private_file
from authlens_core.state.locks import LockBusy, Locks
from authlens_core.state.paths import state_directory
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.values.errors import StateUnusable
from authlens_core.values.quick_dataclass import dataclass

_LOCK: Final = "login"
_LONGEST: Final = 64 * 1024  # bytes of the file with a link
_LOOK: Final = 0.25  # seconds between two looks for the link, which the other process writes to a file


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
    async def alone(self) -> AsyncIterator[bool]:
        """Yield whether no other process runs this login; if so, none does until the block ends."""
        async with AsyncExitStack() as stack:
            alone = True
            try:
                # The lock goes with its process, so a login that was killed blocks no other.
                await stack.enter_async_context(
                    self.locks.hold(_LOCK, self.url, purpose="logging in", bound=0)
                )
            except LockBusy:
                alone = False
            else:
                stack.callback(self._remove)
            yield alone

    def on_event(self, event: Event) -> None:
        """Keep the link for those who join."""
        if self.path is not None and isinstance(event, AuthorizationReady):
            # The login itself does not need the file: a process that joins waits without a link.
            with suppress(OSError, StateUnusable):
                private_file.replace(self.path, json.dumps({"url": event.url}).encode("ascii"), durable=False)

    async def over(self, bound: float, on_link: Callable[[str], None] = lambda _link: None) -> bool:
        """Wait at most `bound` seconds until no other login runs; return whether that is so.

        Args:
            on_link: called with the link of the other login, when there is one.
        """
        showing = asyncio.create_task(self._show_link(on_link))
        try:
            async with self.locks.hold(_LOCK, self.url, purpose="waiting for a login", bound=bound):
                return True
        except LockBusy:
            return False
        finally:
            showing.cancel()
            with suppress(asyncio.CancelledError):
                await showing

    async def _show_link(self, on_link: Callable[[str], None]) -> None:
        while not (link := self._link()):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(_LOOK)
        on_link(link)

    def _link(self) -> str:
        """Return the link of the other login, or the empty string where there is none yet."""
        try:
            link = "" if self.path is None else object_in(self.path.read_bytes()[:_LONGEST]).get("url")
        except OSError:
            return ""
        return link if isinstance(link, str) and link.startswith(("https://", "http://")) else ""

    def _remove(self) -> None:
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()
