"""One connection: one request head, one answer, then it closes. None can hold up another.

The answer is followed by a short time in which further bytes are thrown away: closing with unread bytes makes
the kernel send a reset, which can overtake the answer (RFC 9112 §9.6).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus

from msgspec import Struct

from authlens_core.login.callback.binding import FAMILY_NAMES
from authlens_core.login.callback.browser_pages import SECURITY_HEADERS, Page, render
from authlens_core.login.callback.request_head import ListenerLimits, Refusal, RequestHead, Verdict


class Reply(Struct, frozen=True):
    """What goes back to the browser.

    Attributes:
        bodiless: true if the page is announced and not sent, as HEAD wants it.
    """

    status: int
    page: Page
    bodiless: bool = False

    def encode(self) -> bytes:
        body = render(self.page)
        fields = [
            ("Date", formatdate(usegmt=True)),
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            # A connection that is kept open would keep the listener from closing.
            ("Connection", "close"),
            *SECURITY_HEADERS,
        ]
        if self.status == HTTPStatus.METHOD_NOT_ALLOWED:
            fields.append(("Allow", "GET"))
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in fields]
        return "\r\n".join((*lines, "", "")).encode("ascii") + (b"" if self.bodiless else body)


class ConnectionLimiter:
    """The connections that are open, and who has to go when there are too many.

    Browsers open connections ahead of need and a stranger may open many, so the first to go is the one that
    has been silent for longest; if all of them speak, the newest. A short patience comes first: through a
    tunnel, a request arrives some time after its connection.
    """

    def __init__(self, limits: ListenerLimits) -> None:
        self._limits = limits
        self._waiting: dict[Connection, None] = {}
        self._leaving: dict[Connection, None] = {}
        self._trimming: asyncio.TimerHandle | None = None
        self._closed = False

    def arrive(self, newcomer: Connection) -> None:
        """Count `newcomer` among those that are read from."""
        if self._closed:
            # The system had accepted it when the listener closed, and only now the loop hands it over.
            newcomer.abort()
            return
        self._waiting[newcomer] = None
        if len(self._waiting) > self._limits.burst:
            self._refuse_one()
        if len(self._waiting) > self._limits.connections and self._trimming is None:
            self._trimming = asyncio.get_running_loop().call_later(self._limits.patience, self._trim)

    def _trim(self) -> None:
        self._trimming = None
        while len(self._waiting) > self._limits.connections:
            self._refuse_one()

    def _refuse_one(self) -> None:
        # Browsers open spare connections and say nothing on them; one that speaks may carry the code.
        silent = next((each for each in self._waiting if each.silent), None)
        (silent or next(reversed(self._waiting))).refuse()

    def leave(self, answered: Connection) -> None:
        """Count `answered` among those that only wait to be closed; too many of them are cut off."""
        self._waiting.pop(answered, None)
        self._leaving[answered] = None
        if len(self._leaving) > self._limits.connections:
            next(iter(self._leaving)).abort()

    def forget(self, closed: Connection) -> None:
        self._waiting.pop(closed, None)
        self._leaving.pop(closed, None)

    async def close_all(self) -> None:
        """Close every connection; answers that are under way get out first. Bounded by the linger time."""
        self._closed = True
        if self._trimming is not None:
            self._trimming.cancel()
        everyone = [*self._waiting, *self._leaving]
        for each in [*self._waiting]:
            each.abort()
        for each in [*self._leaving]:
            each.close()
        if everyone:
            await asyncio.wait([each.closed for each in everyone], timeout=self._limits.linger)
        for each in everyone:
            each.abort()


class Connection(asyncio.Protocol):
    """One connection from a browser, or from any other program that found the port.

    Args:
        head: where the request's bytes go.
        decide: makes a verdict on the request, and the address family's name, into a reply.
    """

    def __init__(
        self,
        head: RequestHead,
        limiter: ConnectionLimiter,
        limits: ListenerLimits,
        decide: Callable[[Verdict, str], Reply],
    ) -> None:
        self._head = head
        self._limiter = limiter
        self._limits = limits
        self._decide = decide
        self._family = ""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._answered = False
        self._discarded = 0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def silent(self) -> bool:
        """Whether the other side has not said a thing."""
        return self._head.silent

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            transport.close()
            return
        self._transport = transport
        sock: socket.socket = transport.get_extra_info("socket")
        self._family = FAMILY_NAMES.get(socket.AddressFamily(sock.family), "")
        self._set_timer(self._limits.deadline, self._time_out)
        self._limiter.arrive(self)

    def data_received(self, data: bytes) -> None:
        """Read the head; after the answer, throw away what comes."""
        if self._answered:
            self._discarded += len(data)
            # Read away, so that the answer arrives; but not for as long as someone likes to send.
            if self._discarded > self._limits.discard:
                self.abort()
            return
        verdict = self._head.receive(data)
        if verdict is not None:
            self._answer(verdict)

    def eof_received(self) -> None:
        """The other side has said all it will say; the transport closes once the answer is out."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it ended is of no interest
        if self._timer is not None:
            self._timer.cancel()
        self._limiter.forget(self)
        if not self.closed.done():
            self.closed.set_result(None)

    def refuse(self) -> None:
        busy = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections at once", page=Page.BUSY)
        self._answer(busy)

    def close(self) -> None:
        """Close when what was written is out."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close now. Forgotten at once, so that there is room for another."""
        self._limiter.forget(self)
        if self._transport is not None:
            self._transport.abort()

    def _time_out(self) -> None:
        # A spare connection of a browser: an answer on it would be shown to no one.
        if self.silent:
            self.close()
        else:
            self._answer(Refusal(HTTPStatus.REQUEST_TIMEOUT, "a request that was never completed"))

    def _answer(self, verdict: Verdict) -> None:
        try:
            reply = self._decide(verdict, self._family)
        except Exception:
            # The caller's judge failed: the user still gets a page, and the caller still gets the error.
            self._send(Reply(HTTPStatus.INTERNAL_SERVER_ERROR, Page.ERROR))
            raise
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        self._answered = True
        self._limiter.leave(self)
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(reply.encode())
        # Closing at once would reset the connection while the browser still sends, and it would show no page.
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._set_timer(self._limits.linger, self.abort)

    def _set_timer(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)
