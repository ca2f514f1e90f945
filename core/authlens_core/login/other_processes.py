"""The logins of other processes: joined while one waits for the user, found again after one was interrupted.

Two browser windows for the same login confuse people, and two clients would be registered: so one login runs
for a resource, in whatever process. The link of the waiting login is in a private file, so that the one that
joins can show it too.

What is known of an interrupted one holds no secret. State, PKCE verifier and code were never written down, so
the login starts again from the first stage; only the client that it registered is still there.

"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.login.login import Login
from authlens_core.state import private_file
from authlens_core.state.crash_notes import CrashNote, CrashNotes
from authlens_core.state.locks import LockBusy, Locks
from authlens_core.state.paths import state_directory
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady, Event, StageEnded, StageStarted
from authlens_core.trace.flow import Flow, flow_of
from authlens_core.trace.record import Stage
from authlens_core.values.errors import StateUnusable
from authlens_core.values.formats.json_document import load_object, object_in
from authlens_core.values.login_options import OPTIONS, Options
from authlens_core.values.url import UrlRefused, parse_url

# Characters of one record; a longer one is neither written nor read.
LONGEST: Final = 64 * 1024
# The stages after a client was found or registered and before the tokens are kept.
_WORTH_IT: Final = frozenset({Stage.PKCE, Stage.AUTHORIZATION, Stage.EXCHANGE})
_VERSION: Final = 1


_RESUMED: Final = {name: option for name, option in OPTIONS.items() if not option.not_resumed}


class InterruptedLogin(Struct, frozen=True):
    """A login that a client was found for, and that has no tokens yet.

    Attributes:
        options: what the user had decided, without the client's secret.
        redirect_uri: where the browser was to come back to.
        needs_secret: whether the client has a secret that the user gave; it is not stored.
        why: what ended it, if that is known; a few words.
    """

    resource_url: str
    stage: Stage
    at: datetime
    options: Options
    redirect_uri: str | None = None
    needs_secret: bool = False
    why: str = ""

    @property
    def flow(self) -> Flow:
        """The way to log in that it had taken."""
        return flow_of(self.options.grant_type)

    @property
    def again(self) -> Options:
        """The options for the same login again.

        With the port that it had, even where the operating system chose it: a client is registered for one
        redirect URI, port and all, and is known only for that.
        """
        port = urlsplit(self.redirect_uri or "").port
        given = self.options.redirect_uri is not None or not self.options.listen
        return replace(self.options, port=port) if port and not given else self.options


def unfinished(login: Login, at: datetime) -> InterruptedLogin | None:
    """Return the record of `login` as if it ended now; None if nothing would be lost."""
    stage = login.running or login.position
    if stage not in _WORTH_IT or login.keeps_nothing:
        return None
    options = login.facts.options
    return InterruptedLogin(
        login.facts.resource_url.text,
        stage,
        at,
        # The note is a plain file: the secret is asked for again.
        replace(options, client_secret=None),
        login.facts.redirect_uri,
        needs_secret=options.client_secret is not None,
    )


def to_text(record: InterruptedLogin) -> str:
    return json.dumps(
        {
            "version": _VERSION,
            "resource_url": record.resource_url,
            "stage": record.stage.value,
            "at": record.at.isoformat(),
            "options": {name: getattr(record.options, name) for name in _RESUMED},
            "redirect_uri": record.redirect_uri,
            "needs_secret": record.needs_secret,
            "why": record.why,
        }
    )


def from_text(text: str) -> InterruptedLogin | None:
    """Return the record that `to_text` wrote, or None where it is something else."""
    if len(text) > LONGEST:
        return None
    try:
        read: dict[str, Any] = load_object(text.encode())
        texts = (read["redirect_uri"], read["why"])
        if read["version"] != _VERSION or not all(isinstance(text, str | None) for text in texts):
            return None
        stage, at = Stage(read["stage"]), datetime.fromisoformat(read["at"])
        stored = read["options"]
        options = Options(**{name: option.stored(stored[name]) for name, option in _RESUMED.items()})
        url = parse_url(read["resource_url"], loopback_http=True).text
        record = InterruptedLogin(
            url, stage, at, options, read["redirect_uri"], read["needs_secret"] is True, read["why"] or ""
        )
        _ = record.again  # its port may be none
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UrlRefused):
        return None
    return record if stage in _WORTH_IT and at.tzinfo is not None else None


# An interruption that is older is not reported.
WORTH: Final = timedelta(days=1)


class Interruptions:
    """The notes of this process's logins, and those that dead processes left.

    Nothing here fails: a login goes on without a note that cannot be written. End it with `close`.

    Args:
        notes: where notes are; None keeps none.
        clock: what time it is, UTC.
    """

    def __init__(
        self, notes: CrashNotes | None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._notes = notes
        self._clock = clock
        self._running: dict[Login, CrashNote | None] = {}
        self._found: dict[InterruptedLogin, CrashNote] = {}
        self._closed = False

    @classmethod
    def kept(cls, *, persistent: bool) -> Interruptions:
        """Keep notes in the state directory; none if what is stored is not to outlive the program."""
        if not persistent:
            return cls(None)
        try:
            return cls(CrashNotes(state_directory() / "unfinished"))
        except StateUnusable:
            return cls(None)

    def follow(self, login: Login) -> None:
        """Note from now on how far `login` is, as long as there is something to continue."""
        self._running[login] = None
        login.watch(lambda event: self._on_event(login, event))

    def leave(self, login: Login) -> None:
        note = self._running.pop(login, None)
        if note is not None:
            note.drop()

    def find(self, resource_url: str | None = None) -> tuple[InterruptedLogin, ...]:
        """Return the logins that were interrupted, the latest first, of one resource or of all.

        Only one process reports each, until that one continues it, forgets it, or dies itself.
        """
        oldest = self._clock() - WORTH
        for note in () if self._notes is None or self._closed else self._notes.claim():
            record = from_text(note.text)
            if record is None or record.at < oldest:
                note.drop()
            elif resource_url in (None, record.resource_url):
                self._found[record] = note
            else:
                # The user may start another process for that resource, which then reports it.
                note.let_go()
        logins = (login for login in self._found if resource_url in (None, login.resource_url))
        return tuple(sorted(logins, key=lambda login: login.at, reverse=True))

    def forget(self, found: InterruptedLogin) -> None:
        """Erase the note of an interrupted login that is continued or not wanted."""
        note = self._found.pop(found, None)
        if note is not None:
            note.drop()

    def close(self, why: str | None) -> None:
        """Erase all notes if the user left; otherwise leave them, with the reason why the process ended.

        Args:
            why: what ended the process, in a few words; None if the user left.
        """
        self._closed = True
        for note in self._running.values():
            if note is None:
                continue
            record = from_text(note.text)
            if why is None or record is None:
                note.drop()
            else:
                note.write(to_text(replace(record, why=why)))
                note.let_go()
        for note in self._found.values():
            if why is None:
                note.drop()
            else:
                note.let_go()
        self._running.clear()
        self._found.clear()

    def _on_event(self, login: Login, event: Event) -> None:
        if self._closed or self._notes is None or login not in self._running:
            return
        if not isinstance(event, StageStarted | StageEnded):
            return
        record, note = unfinished(login, self._clock()), self._running[login]
        if record is not None:
            note = note or self._notes.begin()
            self._running[login] = note
            if note is not None:
                note.write(to_text(record))
        elif note is not None:
            self._running[login] = None
            note.drop()


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
        """Keep the link, or the page and the code for it, for those who join."""
        match event:
            case AuthorizationReady(url):
                shown = {"url": url}
            case DeviceCodeReady(device):
                shown = {"url": device.verification_uri.text, "code": device.user_code}
            case _:
                return
        if self.path is not None:
            # The login itself does not need the file: a process that joins waits without a link.
            with suppress(OSError, StateUnusable):
                private_file.replace(self.path, json.dumps(shown).encode("ascii"), durable=False)

    async def over(self, bound: float, on_link: Callable[[str, str], None] = lambda *_: None) -> bool:
        """Wait at most `bound` seconds until no other login runs; return whether that is so.

        Args:
            on_link: called with the link of the other login, when there is one, and the code that is entered
                there; the empty string where there is none.
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

    async def _show_link(self, on_link: Callable[[str, str], None]) -> None:
        while not (shown := self._link())[0]:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(_LOOK)
        on_link(*shown)

    def _link(self) -> tuple[str, str]:
        """Return link and code of the other login; empty strings where there is no link yet."""
        try:
            shown = {} if self.path is None else object_in(self.path.read_bytes()[:_LONGEST])
        except OSError:
            shown = {}
        link, code = shown.get("url"), shown.get("code", "")
        # It is shown as a link and opened, so that nothing else in the file may be taken for it.
        if isinstance(link, str) and isinstance(code, str) and link.startswith(("https://", "http://")):
            return link, code
        return "", ""

    def _remove(self) -> None:
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()
