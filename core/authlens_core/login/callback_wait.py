"""The wait for the browser: a bound listener, a paste box, one deadline; the first valid answer wins."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.login.callback.binding import (
    CALLBACK_PATH,
    NoLoopback,
    another_port,
    is_held,
    redirect_uri,
)
from authlens_core.login.callback.browser_pages import Page
from authlens_core.login.callback.listener import (
    BadListenerSetting,
    Listener,
    PortRefused,
    PortTaken,
    port_problem,
)
from authlens_core.login.facts import Facts
from authlens_core.login.pasted_lines import MOST_PIECES, likeliest
from authlens_core.login.stages.authorization_stage import expected_response
from authlens_core.oauth.authorization import (
    AuthorizationResponse,
    ExpectedResponse,
    Verdict,
    read_authorization_response,
    read_pasted,
)
from authlens_core.trace.events import AnswerIgnored, DeadlineMoved, Event, TunnelTested
from authlens_core.values.check import Check, requirement
from authlens_core.values.fix import step
from authlens_core.values.login_options import DEFAULT_PORT, Options
from authlens_core.values.secret import Secret
from authlens_core.values.url import UrlRefused, parse_url

_FINAL: Final = frozenset({Verdict.CODE, Verdict.ERROR, Verdict.WRONG_ISSUER})
# A browser that brings the right state comes from this login, and the server will not answer it again. What a
# user pastes can be damaged on the way, so they may paste again.
_FINAL_BY_BROWSER: Final = _FINAL | {Verdict.MALFORMED}
_OTHER_URI: Final = step(
    "Give an https URL, or http with a loopback host", "authlens login URL --redirect-uri URI"
)
# Events of one kind that are all reported; of more, those whose number is a power of two. Any page in the
# browser can send requests here without end.
_REPORTED: Final = 20
# Seconds, however often it is extended.
# An open port that takes codes must not outlive the login that someone forgot.
_LONGEST_WAIT: Final = 3600.0


def _now() -> float:
    # On Linux the monotonic clock stops while the machine sleeps, and a deadline would not.
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class _Target(Struct, frozen=True):
    """The address on this machine to which the browser is sent."""

    host: str
    port: int
    path: str

    @classmethod
    def of(cls, options: Options) -> _Target:
        """Return what the options name.

        Raises:
            BadListenerSetting: the redirect URI of the user cannot be used.
        """
        if options.redirect_uri is None:
            return cls(options.redirect_host, options.port, CALLBACK_PATH)
        try:
            url = parse_url(options.redirect_uri, loopback_http=True, allow_query=False)
        except UrlRefused as refused:
            raise BadListenerSetting(f"The redirect URI cannot be used: {refused}.", _OTHER_URI) from None
        return cls(url.host, url.address[1], url.path)


class ResponseWait:
    """Holds the listener from before registration until an answer came or time ran out."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self.listener: Listener | None = None
        self._bound: frozenset[_Target] = frozenset()
        self._named: dict[_Target, int] = {}
        self.remarks: tuple[Check, ...] = ()
        """What a user should know of the redirect URI that `open` returned last."""
        self._clear()

    def _clear(self, seconds: float = 0.0) -> None:
        """Forget the last wait; one that begins now ends after `seconds`."""
        self._expected: ExpectedResponse | None = None
        self._answer: AuthorizationResponse | None = None
        self._alter: Callable[[Secret], Secret] | None = None
        self._altered = False
        self._refused_lines: tuple[Secret, ...] = ()
        self._arrived = asyncio.Event()
        self.began = _now()
        self._deadline = self.began + min(seconds, _LONGEST_WAIT)
        self.extended = 0.0
        """Seconds that were added in the wait that is under way, or was last."""
        self.ignored = 0
        self._counts: Counter[str] = Counter()
        self.unproven = ""
        """What came without a state last, an error or a code: perhaps the server's, perhaps anyone's."""
        self.page = ""
        """The page that the browser was seen to end on, if a caller saw it: why no answer came."""

    @property
    def redirect_uri(self) -> str | None:
        """Where the browser comes back to; None if no port is open."""
        return None if self.listener is None else self.listener.redirect_uri

    @property
    def waiting(self) -> bool:
        return self._expected is not None and self._answer is None

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._deadline - _now())

    @property
    def waited(self) -> float:
        """Seconds since the wait began."""
        return _now() - self.began

    @staticmethod
    def another_port(options: Options) -> Options | None:
        """Return the options with a port for the callback that is free; None if there is none."""
        try:
            target = _Target.of(options)
        except BadListenerSetting:
            return None
        port = another_port(target.host)
        if not port:
            return None
        if options.redirect_uri is None:
            return options.choosing(port=port)
        return options.choosing(redirect_uri=redirect_uri(target.host, port, target.path))

    async def open(self, options: Options) -> tuple[str | None, Check | None]:
        """Bind the port or keep it; return the redirect URI, or what prevents it.

        Where the user wants no port, none is bound. The redirect URI still names one, and a free one, because
        a program that listens there would be sent the code.
        """
        self.remarks = ()
        try:
            target = _Target.of(options)
        except BadListenerSetting as stopped:
            return None, port_problem(options.port, stopped)
        if not options.listens:
            await self.close()
            return await self._unbound_uri(options, target)
        if self.listener is None or target not in self._bound:
            await self.close()
            try:
                self.listener = await self._listen(options, target)
            except (PortTaken, PortRefused, NoLoopback, BadListenerSetting) as stopped:
                return None, port_problem(target.port, stopped)
            # What is ignored is shown: a login that waits while answers come in is otherwise a riddle.
            self.listener.on_ignored = self._ignore
            self.listener.on_tested = lambda family: self._report(TunnelTested(family), family)
            # Port 0 is bound as another one, which is then what the facts ask for.
            self._bound = frozenset({target, replace(target, port=self.listener.port)})
        # That of the user letter for letter: servers compare it so (RFC 6749 §3.1.2.3).
        return options.redirect_uri or self.listener.redirect_uri, None

    async def _listen(self, options: Options, target: _Target) -> Listener:
        """Return a listener at `target`; at another port where another login waits at the usual one.

        Raises:
            PortTaken: the port is another program's, or it is the one that was asked for.
            PortRefused, NoLoopback, BadListenerSetting: as `Listener.open`.
        """
        try:
            return await Listener.open(port=target.port, host=target.host, path=target.path)
        except PortTaken as taken:
            usual = options == options.choosing(port=DEFAULT_PORT, client_id=None, redirect_uri=None)
            other = taken.beside_login if usual else 0
            if not other:
                raise
        listener = await Listener.open(port=other, host=target.host, path=target.path)
        actual = f"another login waits at port {target.port}, so this one waits at port {other}"
        self.remarks = (requirement("registration.other_port").noticed(actual),)
        return listener

    async def _unbound_uri(self, options: Options, target: _Target) -> tuple[str | None, Check | None]:
        """Return the redirect URI for a port that is not bound, the same one as before where that can be."""
        chosen_uri = options.redirect_uri
        if chosen_uri is not None and options.listen:
            actual = f"it ends on {chosen_uri}, which you gave: paste the address of that page"
            self.remarks = (requirement("registration.redirect_uri").noticed(actual),)
            return chosen_uri, None
        preferred_port = target.port or DEFAULT_PORT
        port = self._named.get(target, preferred_port)
        # Nothing is bound here, but whatever has the port would get the code from the browser.
        if await asyncio.to_thread(is_held, target.host, port):
            # The user's redirect URI is the one that the server has: there is no other port for it.
            port = 0 if chosen_uri else await asyncio.to_thread(another_port, target.host)
        if not port:
            return None, port_problem(preferred_port, PortTaken(preferred_port, None, 0))
        self._named[target] = port
        actual = f"port {preferred_port} is in use, so the redirect URI names {port}; nothing is opened there"
        self.remarks = (
            () if port == preferred_port else (requirement("registration.named_port").noticed(actual),)
        )
        return chosen_uri or redirect_uri(target.host, port), None

    async def begin(
        self, facts: Facts, seconds: float, alter: Callable[[Secret], Secret] | None = None
    ) -> Check | None:
        """Start to wait for the answer to the link in `facts`; return what prevents it, if anything.

        With `alter`, an answer that would be final is changed and read again, and final whatever it is then.
        """
        redirect_uri, problem = await self.open(_where_registered(facts))
        if problem is not None:
            return problem
        # The port was freed and bound again since the registration: the system may have given another one.
        if facts.client is not None and redirect_uri != facts.client.redirect_uri:
            registered, check = facts.client.redirect_uri, requirement("authorization.redirect_uri")
            if not facts.options.listens:
                return check.failed(f"the port of {registered} is in use", "taken")
            return check.failed(f"listening at {redirect_uri}, registered {registered}", "elsewhere")
        # From here on an answer may come, so all of the last wait is cleared before the listener learns of
        # this one.
        self._clear(seconds)
        self._expected, self._alter = expected_response(facts), alter
        if self.listener is not None:
            self.listener.expect(self._judge)
        return None

    async def response(self) -> AuthorizationResponse | None:
        """Return the first valid answer, or None when time ran out. The port is free afterwards."""
        try:
            while self._answer is None and self.remaining > 0:
                try:
                    # Looked at each second: the deadline may be moved, and the machine may have slept.
                    async with asyncio.timeout(min(1.0, self.remaining)):
                        await self._arrived.wait()
                except TimeoutError:
                    continue
            return self._answer
        finally:
            self._expected = None
            await self.close()

    def extend(self, seconds: float) -> None:
        if self.waiting:
            before, self._deadline = self._deadline, min(self._deadline + seconds, _now() + _LONGEST_WAIT)
            self.extended += self._deadline - before
            self._emit(DeadlineMoved(self.remaining))

    def paste(self, *lines: Secret, any_state: bool = False) -> AuthorizationResponse:
        """Judge a pasted redirect URL by the same rules as a callback.

        Args:
            lines: those of the paste. If they are no answer alone, they may be the end of one whose beginning
                was pasted and refused before.
            any_state: take a code alone, because the user decided so.

        Raises:
            ValueError: when no answer is awaited.
        """
        expected = self._awaited()
        strict = replace(expected, any_state=False)
        text = likeliest(lines, self._refused_lines, lambda text: read_pasted(text, strict).verdict)
        # Only now: the end of a wrapped address is no code, though it looks like one.
        lenient = replace(expected, any_state=any_state or expected.any_state)
        response = self._read(text, lenient, read_pasted)
        if not self._took(response):
            # The next paste tries to join these in every way, so there is a bound to them.
            self._refused_lines = (*self._refused_lines, *lines)[-MOST_PIECES:]
        return response

    def _awaited(self) -> ExpectedResponse:
        if self._expected is None or self._answer is not None:
            raise ValueError("no answer is awaited")
        return self._expected

    async def close(self) -> None:
        """Free the port. Safe to call at any time."""
        listener, self.listener = self.listener, None
        if listener is not None:
            await listener.close()

    def _judge(self, query: Secret) -> Page:
        if self._answer is not None:
            return Page.RECEIVED
        if self._expected is None:
            return Page.EXPIRED
        response = self._read(query, self._expected, read_authorization_response)
        # Kept for the end of the wait and never taken: any page can send an answer without a state, and must
        # not stop a login.
        if response.unproven:
            self.unproven = response.unproven
            self._ignore(
                f"an answer without a state, perhaps not of this login: {self.unproven}", self.unproven
            )
            return Page.UNPROVEN
        if not query.reveal():
            self._ignore("no parameters; a server with response_mode=fragment hides its answer behind #")
            return Page.NO_ANSWER
        if not self._took(response, _FINAL_BY_BROWSER) and response.verdict is Verdict.INVALID:
            # An outdated answer is counted by the listener itself.
            self._ignore("an answer that cannot be read")
        return _PAGES[response.verdict]

    def _read(
        self,
        raw: Secret,
        expected: ExpectedResponse,
        read: Callable[[Secret, ExpectedResponse], AuthorizationResponse],
    ) -> AuthorizationResponse:
        response = read(raw, expected)
        if self._alter is None or response.verdict not in _FINAL:
            return response
        # An experiment changes the good answer and then reads it like any other: what refuses it is the real
        # check.
        self._altered = True
        return read(self._alter(raw), expected)

    def _took(self, response: AuthorizationResponse, final: frozenset[Verdict] = _FINAL) -> bool:
        if response.verdict not in final and not self._altered:
            return False
        self._answer = response
        self._arrived.set()
        return True

    def _ignore(self, reason: str, unproven: str = "") -> None:
        self.ignored += 1
        # Apart: an error that may be the server's is not lost among other requests.
        self._report(AnswerIgnored(reason, self.ignored, unproven), "unproven" if unproven else "ignored")

    def _report(self, event: Event, kind: str) -> None:
        self._counts[kind] += 1
        count = self._counts[kind]
        if count <= _REPORTED or count.bit_count() == 1:
            self._emit(event)


_PAGES: Final = {
    Verdict.CODE: Page.SUCCESS,
    Verdict.ERROR: Page.DENIED,
    Verdict.OUTDATED: Page.OUTDATED,
    Verdict.INVALID: Page.ERROR,
    Verdict.MALFORMED: Page.ERROR,
    Verdict.WRONG_ISSUER: Page.ERROR,
}


def _where_registered(facts: Facts) -> Options:
    options = facts.options
    port = None if facts.redirect_uri is None else urlsplit(facts.redirect_uri).port
    # Port 0 was given another number at the registration. The server knows that one, so it is asked for
    # again.
    if options.port or options.redirect_uri or port is None:
        return options
    return replace(options, port=port)
