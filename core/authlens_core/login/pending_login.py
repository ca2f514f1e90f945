"""The login of another process for the same resource: joined while it waits for the user.

Two browser windows for the same login confuse people, and two clients would be registered: so one login runs
for a resource, in whatever process. The link of the waiting login is in a private file, so that the one that
joins can show it too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from authlens_core.state import private_file
from authlens_core.state.locks import LockBusy, Locks
from authlens_core.state.paths import state_directory
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady, Event
from authlens_core.values.errors import StateUnusable
from authlens_core.values.formats.json_document import object_in

_LOCK: Final = "login"
_LONGEST: Final = 64 * 1024  # bytes of the file with a link
_LOOK: Final = 0.25  # seconds between two looks for the link, which the other process writes to a file


class PendingLogin(Struct, frozen=True):
    """The login for one resource.

    Attributes:
        locks: held by the process in which the login runs.
        path: the file with the link; None where nothing is written.
    """

    locks: Locks
    url: str
    account: str
    path: Path | None

    @classmethod
    def of(cls, locks: Locks, url: str, account: str, *, persistent: bool) -> PendingLogin:
        """Return the login for `url` as `account`, in the state directory if the store is persistent."""
        path = None
        account_and_url = f"{account} {url}".lstrip()
        if persistent:
            with suppress(StateUnusable):
                name = f"{hashlib.sha256(account_and_url.encode()).hexdigest()[:32]}.json"
                path = state_directory(state_directory() / "pending-logins") / name
        return cls(locks, url, account, path)

    @property
    def _key(self) -> tuple[str, ...]:
        return (self.url, self.account) if self.account else (self.url,)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """Yield whether no other process runs this login; if so, none does until the block ends."""
        async with AsyncExitStack() as stack:
            alone = True
            try:
                # The lock goes with its process, so a login that was killed blocks no other.
                await stack.enter_async_context(
                    self.locks.hold(_LOCK, *self._key, purpose="logging in", bound=0)
                )
            except LockBusy:
                alone = False
            else:
                stack.callback(self._remove)
            yield alone

    def on_event(self, event: Event) -> None:
        """Keep the link, or the page and the code for it, for those who join."""
        match event:
            case AuthorizationReady(url):
                document = {"url": url}
            case DeviceCodeReady(user_code, page):
                document = {"url": page.text, "code": user_code}
            case _:
                return
        if self.path is not None:
            # The login itself does not need the file: a process that joins waits without a link.
            with suppress(OSError, StateUnusable):
                private_file.replace(self.path, json.dumps(document).encode("ascii"), durable=False)

    async def over(self, bound: float, on_link: Callable[[str, str], None] = lambda *_: None) -> bool:
        """Wait at most `bound` seconds until no other login runs; return whether that is so.

        Args:
            on_link: called with the link of the other login, when there is one, and the code that is entered
                there; the empty string where there is none.
        """
        showing = asyncio.create_task(self._show_link(on_link))
        try:
            async with self.locks.hold(_LOCK, *self._key, purpose="waiting for a login", bound=bound):
                return True
        except LockBusy:
            return False
        finally:
            showing.cancel()
            with suppress(asyncio.CancelledError):
                await showing

    async def _show_link(self, on_link: Callable[[str, str], None]) -> None:
        while not (link := self._link())[0]:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(_LOOK)
        on_link(*link)

    def _link(self) -> tuple[str, str]:
        """Return link and code of the other login; empty strings where there is no link yet."""
        document = {}
        if self.path is not None:
            with suppress(OSError):
                document = object_in(self.path.read_bytes()[:_LONGEST])
        link, code = document.get("url"), document.get("code", "")
        # It is shown as a link and opened, so nothing else in the file may pass for it.
        if isinstance(link, str) and isinstance(code, str) and link.startswith(("https://", "http://")):
            return link, code
        return "", ""

    def _remove(self) -> None:
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()
