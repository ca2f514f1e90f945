"""The loopback listener: waits for the browser that comes back from a login (RFC 8252 §7.3).

It knows no OAuth. It hands the raw query of a well-formed GET of the exact path to the caller's judge, shows
the page that the judge names, and answers everything else without ending the wait. What a user should know
of its port is a check.

"""

from __future__ import annotations

import asyncio
import errno
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from authlens_core.login.callback.binding import (
    CALLBACK_PATH,
    BoundPort,
    another_port,
    bind_loopback,
    free_port,
    redirect_uri,
)
from authlens_core.login.callback.browser_pages import Page
from authlens_core.login.callback.connection import Connection, ConnectionLimiter, Reply
from authlens_core.login.callback.request_head import (
    Callback,
    ListenerLimits,
    Refusal,
    RequestHead,
    TunnelTest,
    Verdict,
)
from authlens_core.values.check import Check, CheckId, requirement
from authlens_core.values.errors import AuthlensError, UsageError
from authlens_core.values.login_options import DEFAULT_PORT
from authlens_core.values.secret import Secret
from authlens_core.values.stage import Stage

if TYPE_CHECKING:
    from authlens_core.login.callback.binding import PortOwner

# How many connections the loop takes in one turn, which bounds the open files in a flood.
_ACCEPTED_AT_ONCE: Final = 64

# Looks at the raw query of a callback, compares `state` before anything else, and names the page to show.
# It is called in the event loop, once for every well-formed callback, also after it accepted one: only the
# caller knows whether an answer has been received already. If it raises, the browser is shown the error page
# and the exception goes to the loop's exception handler.
Judge = Callable[[Secret], Page]

# The pages that say that a callback changed nothing.
_IGNORING: Final = {
    Page.OUTDATED: "an answer to another login",
    Page.RECEIVED: "a second answer",
    Page.EXPIRED: "an answer after the time limit",
    Page.NOT_EXPECTED: "no login was waiting",
}


class BadListenerSetting(UsageError):
    """The port asked for cannot be used in a redirect URI."""


class PortTaken(UsageError):
    """Another program listens on the port; it is never shared, because it would receive our codes.

    Args:
        owner: who has it, where the operating system tells.
        suggestion: a port that was free a moment ago, 0 if none was found. No promise: only binding tells.

    Attributes:
        half: true if it is in use only on ::1, so 127.0.0.1 in the redirect URI would be ours.
        beside_login: the suggestion where another login of authlens has the port; else 0.
    """

    def __init__(self, port: int, owner: PortOwner | None, suggestion: int, *, half: bool = False) -> None:
        holder = str(owner) if owner is not None else "another program"
        where = ", on ::1 only" if half else ""
        literal = ", redirect to 127.0.0.1, where the port is free," if half else ","
        such = f", such as {suggestion}" if suggestion else ""
        super().__init__(
            f"Port {port} on this machine is in use by {holder}{where}.",
            f"Stop that program{literal} or use another port{such}. Another port changes the redirect "
            "URI: the client is registered again, and a server that knows only the old URI refuses it.",
            stage=Stage.AUTHORIZATION,
        )
        self.half = half
        self.beside_login = suggestion if owner is not None and owner.is_login else 0


class PortRefused(UsageError):
    """The operating system does not let this account listen on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"The operating system does not let this account listen on port {port}.",
            f"Use a port of 1024 or above; {DEFAULT_PORT} is the usual one.",
            stage=Stage.AUTHORIZATION,
        )


class Listener:
    """A listener on the loopback addresses of this machine; made by `open`, and an async context manager.

    Attributes:
        on_ignored: called by the event loop soon after a request that changed nothing, with the reason in
            constant words: nothing from the request is in it.
        on_tested: called likewise when the test page was reached, with `IPv4` or `IPv6`.
    """

    def __init__(self, bound: BoundPort, host: str, path: str, limits: ListenerLimits) -> None:
        self.port = bound.port
        self.redirect_uri = redirect_uri(host, bound.port, path)
        self._host, self._path = host, path
        self.on_ignored: Callable[[str], None] = lambda _: None
        self.on_tested: Callable[[str], None] = lambda _: None
        self._limits = limits
        self._judge: Judge | None = None
        self._limiter = ConnectionLimiter(limits)
        self._servers: list[asyncio.Server] = []

    @classmethod
    async def open(
        cls,
        *,
        port: int = DEFAULT_PORT,
        host: str = "localhost",
        path: str = CALLBACK_PATH,
        limits: ListenerLimits | None = None,
    ) -> Listener:
        """Take the port and start to answer; call it before the redirect URI is registered or shown.

        Args:
            port: the port; 0 for one that the system chooses.
            host: the host of the redirect URI: a loopback address, or `localhost` for IPv4 and IPv6.
            path: that of the redirect URI; empty where it has none.
            limits: of time, size and connections; the defaults suit people.

        Raises:
            PortTaken: another program listens on the port in one of the families.
            PortRefused: this account may not listen on it.
            NoLoopback: this machine has no loopback address of the kind.
            BadListenerSetting: there is no such port.
        """
        if not 0 <= port <= 65535:
            raise BadListenerSetting(
                f"Port {port} does not exist.",
                f"Use --port with a number from 1024 to 65535; {DEFAULT_PORT} is the usual one.",
            )
        try:
            bound = bind_loopback(host, port)
        except OSError as error:
            raise await why_not_bound(error, host, port) from error
        listener = cls(bound, host, path, limits or ListenerLimits())
        try:
            await listener._serve(bound)
        except BaseException:
            listener._release()
            bound.close()
            raise
        return listener

    def expect(self, judge: Judge) -> None:
        """Let `judge` look at callbacks from now on; until then the page says that no login is waiting."""
        self._judge = judge

    async def close(self) -> None:
        """Give the port back at once and close what is open; a page under way gets out first. Idempotent."""
        try:
            await self._stop_accepting()
        finally:
            self._release()
        await self._limiter.close_all()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _serve(self, bound: BoundPort) -> None:
        loop = asyncio.get_running_loop()
        for sock in bound.sockets:
            server = await loop.create_server(
                self._connection, sock=sock, backlog=_ACCEPTED_AT_ONCE, start_serving=False
            )
            # Before it serves: a cancelled `create_server` leaves the loop reading a descriptor that is
            # closed, and the next listener, which the system gives the same number, would hear nothing.
            self._servers.append(server)
            await server.start_serving()

    async def _stop_accepting(self) -> None:
        """Let the loop hand over what it has accepted, and accept no more.

        A server that closes in between loses such a connection, which then stays open for a while.
        """
        loop = asyncio.get_running_loop()
        for sock in (sock for server in self._servers for sock in server.sockets):
            with suppress(NotImplementedError):  # Windows, whose loop hands over in the same turn
                loop.remove_reader(sock.fileno())
        await asyncio.sleep(0)

    def _release(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()

    def _connection(self) -> Connection:
        head = RequestHead(self.port, self._limits, self._host, self._path)
        return Connection(head, self._limiter, self._limits, self._decide)

    def _decide(self, verdict: Verdict, family: str) -> Reply:
        match verdict:
            case Callback(query):
                return self._decide_callback(query)
            case TunnelTest():
                _tell(self.on_tested, family)
                return Reply(Page.TEST.status, Page.TEST)
            case Refusal(status, reason, bodiless, page, worth_telling):
                if worth_telling:
                    _tell(self.on_ignored, reason)
                return Reply(status, page, bodiless)

    def _decide_callback(self, query: Secret) -> Reply:
        page = Page.NOT_EXPECTED if self._judge is None else self._judge(query)
        if page in _IGNORING:
            _tell(self.on_ignored, _IGNORING[page])
        return Reply(page.status, page)


def _tell(observer: Callable[[str], None], message: str) -> None:
    # By way of the loop: an observer that fails must not cost a browser its answer.
    asyncio.get_running_loop().call_soon(observer, message)


async def why_not_bound(error: OSError, host: str, port: int) -> PortTaken | PortRefused | OSError:
    """Return what is to be raised where binding `port` failed with `error`, and who has the port."""
    if error.errno == errno.EADDRINUSE or (error.errno == errno.EACCES and sys.platform == "win32"):
        from authlens_core.login.callback.binding import find_owner  # most ports are free

        owner = await asyncio.to_thread(find_owner, port)
        half = host == "localhost" and free_port("127.0.0.1", port) == port
        return PortTaken(port, owner, another_port(host), half=half)
    if error.errno in (errno.EACCES, errno.EPERM):
        return PortRefused(port)
    return error


def port_problem(port: int, stopped: AuthlensError) -> Check:
    """Return the check that says why there is no listener."""
    name = CheckId.REGISTRATION_LISTENER
    if isinstance(stopped, PortTaken):
        name = CheckId.REGISTRATION_PORT_HALF if stopped.half else CheckId.REGISTRATION_PORT
    check = requirement(name, CheckId.REGISTRATION_PORT, port=port)
    return check.failed(stopped.cause, cure=stopped.cure)
