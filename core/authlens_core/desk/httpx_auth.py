"""Let an `httpx` client send the credential for a URL, and keep it fresh.

The credential leaves for the URL and what is below it, and for nothing else: not for another origin, and not
after a redirect to one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any, Final, Self, TypeVar

from authlens_core.credentials.lifecycle.request_credential import RequestCredential, asks_for_a_token
from authlens_core.credentials.lifecycle.request_headers import CredentialHeaders
from authlens_core.desk.session import Session, open_session
from authlens_core.desk.session import open_session as session_as
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.store_kind import CredentialKind
from authlens_core.values.url import usable_url
from authlens_core.wire.httpx_loading import leave_out_the_command_line

leave_out_the_command_line()
import httpx  # noqa: E402 - where the caller has not imported it, without rich and pygments

# As many as httpx follows redirects by default.
_MOST_HOPS: Final = 20
_Result = TypeVar("_Result")


class AuthlensAuth(httpx.Auth):
    """Adds the credential for `url` to the requests of an `httpx.Client` or `httpx.AsyncClient`.

    An access token is refreshed before it expires, and once after a 401; the request is then sent again if
    its body is still there. Requests with a token that is bound to a key are signed (DPoP). A request for
    another URL is sent as it is.

    A request raises `LoginNeeded` if a user has to log in, and another `AuthlensError` if the credential
    cannot be read or refreshed. A 401 to a fresh credential is returned as the response.

    Args:
        url: the protected resource.
        session: an open session, for an `AsyncClient` in the same event loop. Without one, a thread of this
            object opens a session at the first request; then both clients work. Call `close()` at the end.
        open_session: opens that session.
        kind: the only kind of credential that is wanted, or None.
        min_ttl: how long an access token has to last; None for a minute, or half of its life where that is
            less.
        account: the account at the resource, for the session that is opened here; None for the default.
    """

    def __init__(
        self,
        url: str,
        *,
        session: Session | None = None,
        open_session: Callable[[], AbstractAsyncContextManager[Session]] = open_session,
        kind: CredentialKind | None = None,
        min_ttl: timedelta | None = None,
        account: str | None = None,
    ) -> None:
        self._url = url
        self._kind = kind
        self._min_ttl = min_ttl
        self._source: RequestCredential | None = None
        self._thread: _SessionThread | None = None
        self._session: Callable[[], Awaitable[Session]]
        if session is None:
            self._thread = _SessionThread(
                open_session if account is None else partial(session_as, account=account)
            )
            self._session = self._thread.session
        else:
            self._session = partial(_given, session)

    def close(self) -> None:
        """Close the session that this object has opened."""
        if self._thread is not None:
            self._thread.close()
            self._source = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Authorize a request of an `httpx.Client`.

        Raises:
            RuntimeError: the session belongs to an event loop, which a synchronous client would block.
        """
        if self._thread is None:
            # The session belongs to the caller's loop, which a blocking call would stop.
            raise RuntimeError("AuthlensAuth with a session works with an AsyncClient only.")
        steps = _Steps(request)
        while not steps.done:
            # In the thread: the session is asynchronous, and the caller may have a loop of its own running.
            outgoing = self._thread.run(self._prepare(steps)).result()
            response = yield outgoing
            self._thread.run(self._learn(steps, response)).result()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authorize a request of an `httpx.AsyncClient`."""
        steps = _Steps(request)
        while not steps.done:
            outgoing = await self._in_loop(self._prepare(steps))
            response = yield outgoing
            await self._in_loop(self._learn(steps, response))

    async def _in_loop(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Await some work in the event loop of the session."""
        return await (work if self._thread is None else asyncio.wrap_future(self._thread.run(work)))

    async def _credential_source(self) -> RequestCredential:
        if self._source is None:
            session = await self._session()
            self._source = session.credential_for(self._url, kind=self._kind, min_ttl=self._min_ttl)
        return self._source

    async def _prepare(self, steps: _Steps) -> httpx.Request:
        """Return the request to send now: with the credential if it is for the URL."""
        source = await self._credential_source()
        if not _is_served(source, steps.request.url):
            steps.done = True
            return steps.request
        steps.credential = steps.credential or await source.fields()
        return _authorized(steps.request, steps.credential)

    async def _learn(self, steps: _Steps, response: httpx.Response) -> None:
        """Decide after a response whether and how the request is sent again."""
        credential = steps.credential
        if steps.done or credential is None:
            return
        source = await self._credential_source()
        # httpx has one response in the history for each time that this flow was asked before.
        chain = [*response.history[steps.answered :], response]
        first = chain[0]
        steps.answered += 1
        wants_nonce = credential.learn(str(first.request.url), _head(first))
        if asks_for_a_token(first.status_code, first.headers.raw):
            steps.done = not await self._can_retry(source, steps, credential, wants_nonce=wants_nonce)
            return
        source.accepted(credential)
        refused = _refused_hop(source, chain)
        steps.done = refused is None or steps.hops == _MOST_HOPS
        if refused is not None:
            # httpx followed a redirect without the credential, to where it may go.
            steps.hops += 1
            steps.request = refused

    async def _can_retry(
        self, source: RequestCredential, steps: _Steps, credential: CredentialHeaders, *, wants_nonce: bool
    ) -> bool:
        # A body that came from an iterator is gone.
        replayable = isinstance(steps.request.stream, httpx.ByteStream)
        if wants_nonce and not steps.sent_with_nonce:
            steps.sent_with_nonce = True
            return replayable
        # Once per request: a resource that refuses the new token as well refuses for another reason.
        if steps.renewed:
            return False
        # Renewed even if this request cannot be sent again: the next one needs it.
        steps.renewed = True
        steps.credential = await source.renewed(credential)
        return replayable and steps.credential is not None


class _Steps:
    """How far a request is.

    Attributes:
        request: what is sent next, without the credential.
        credential: what it was sent with last.
        done: true once there is nothing more to send.
        hops: redirects that were followed again, with the credential.
        answered: how many responses the flow has seen.
    """

    def __init__(self, request: httpx.Request) -> None:
        self.request = request
        self.credential: CredentialHeaders | None = None
        self.done = False
        self.renewed = False
        self.sent_with_nonce = False
        self.hops = 0
        self.answered = 0


class _SentHeaders(httpx.Headers):
    """Header fields with a credential that only `raw` has, which is what a transport sends.

    httpx copies the fields of a request to where a redirect leads, and removes `Authorization` alone. A copy
    of these fields has no credential.
    """

    def __init__(self, headers: httpx.Headers, credential: tuple[tuple[str, str], ...]) -> None:
        super().__init__(headers)
        self._credential = [(name.encode("ascii"), value.encode("latin-1")) for name, value in credential]

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """The fields as they are sent."""
        replaced = {name.lower() for name, _ in self._credential}
        return [*(pair for pair in super().raw if pair[0].lower() not in replaced), *self._credential]


class _SessionThread:
    """A thread with an event loop and a session on it; it starts with the first work."""

    def __init__(self, open_session: Callable[[], AbstractAsyncContextManager[Session]]) -> None:
        self._open_session = open_session
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stack = AsyncExitStack()
        self._opening: asyncio.Task[Session] | None = None

    def run(self, work: Coroutine[Any, Any, _Result]) -> Any:
        """Start some work in the thread; return its future."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # A daemon: a client that is never closed does not keep the process from ending.
                self._thread = threading.Thread(target=_run, args=(self._loop,), daemon=True)
                self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def session(self) -> Session:
        """Return the session, opened once."""
        # A keyring that was locked may be open at the next request.
        if self._opening is None or (self._opening.done() and self._opening.exception() is not None):
            self._opening = asyncio.ensure_future(self._stack.enter_async_context(self._open_session()))
        # Shielded: a request that is cancelled must not close the session of the others.
        return await asyncio.shield(self._opening)

    def close(self) -> None:
        """Close the session and end the thread."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self.run(self._stack.aclose()).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        self._loop = self._thread = self._opening = None


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped."""
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _given(session: Session) -> Session:
    return session


def _authorized(request: httpx.Request, credential: CredentialHeaders) -> httpx.Request:
    copy = httpx.Request(
        request.method,
        request.url,
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )
    fields = credential.signed(request.method, str(request.url))
    # Only `raw` has the credential, so that `response.request.headers` in a log shows none.
    copy.headers = _SentHeaders(copy.headers, fields)
    return copy


def _is_served(source: RequestCredential, url: httpx.URL) -> bool:
    """Return whether the credential may be sent to `url`: to the resource and what is below it."""
    # Read as everywhere else in authlens, not as httpx reads it: the two must not differ about the host.
    target = usable_url(str(url), loopback_http=True)
    return target is not None and target.origin == source.resource.origin and source.serves(target.path)


def _refused_hop(source: RequestCredential, chain: list[httpx.Response]) -> httpx.Request | None:
    """Return the first request after a redirect that was refused for want of the credential, if any.

    Refused is a 401 or 403, and a redirect that leads away from the resource, such as to a login page.
    """
    hops = chain[1:]
    is_served = [_is_served(source, hop.request.url) for hop in hops]
    for number, hop in enumerate(hops):
        if not is_served[number]:
            return None
        leads_away = not all(is_served[number + 1 : number + 2])
        if hop.status_code in (401, 403) or leads_away:
            return hop.request
    return None


def _head(response: httpx.Response) -> Response:
    pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
    return Response(response.status_code, headers=Headers.of(pairs))
