"""What happened at the servers of an emulator, one event after another, written where it is decided.

A lesson is judged by it, beside the record of the login: a server knows whose code was used, and by whom. It
stays in memory and is never sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from authlens_core.values.secret import Unprinted

MOST_EVENTS: Final = 2_000


class What(StrEnum):
    """The kind of an event."""

    CODE_ISSUED = "code_issued"
    CODE_ARRIVED = "code_arrived"
    """A party that is no authorization server received it."""
    CODE_REDEEMED = "code_redeemed"
    CODE_REFUSED = "code_refused"
    TOKEN_ISSUED = "token_issued"  # noqa: S105 - a word
    TOKEN_ACCEPTED = "token_accepted"  # noqa: S105 - a word
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a word
    REFRESHED = "refreshed"
    REFRESH_REFUSED = "refresh_refused"
    GRANT_ENDED = "grant_ended"
    DEVICE_STARTED = "device_started"
    DEVICE_APPROVED = "device_approved"
    LINK_REFUSED = "link_refused"
    """An authorization request ended on a page of the server (RFC 6749 §4.1.2.1)."""
    SESSION = "session"
    """A website signed a browser in."""
    CLIENT_REFUSED = "client_refused"
    """A client stopped a login at one of its own checks."""
    FETCHED = "fetched"
    """A client opened a URL that someone else chose."""


class Reason(StrEnum):
    """Why something was refused or ended."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    WRONG_CLIENT = "wrong_client"
    WRONG_REDIRECT = "wrong_redirect"
    WRONG_VERIFIER = "wrong_verifier"
    WRONG_STATE = "wrong_state"
    WRONG_ISS = "wrong_iss"
    WRONG_RESOURCE = "wrong_resource"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_SCOPE = "wrong_scope"
    NO_PROOF = "no_proof"
    WRONG_PROOF = "wrong_proof"
    PROOF_REPLAYED = "proof_replayed"
    REUSED = "reused"
    REVOKED = "revoked"
    USER_REFUSED = "user_refused"
    BLOCKED_ADDRESS = "blocked_address"


class LedgerEvent(Unprinted, Struct, frozen=True, kw_only=True):
    """One event; a field that does not apply is empty.

    Attributes:
        seat: who sent the request that led to it.
        user: whose account it is about, by the part of the address before the @.
        browser: in whose browser it happened.
        at: the party that decided, or received it.
        audience: the resource that a token is for; `any` without one.
    """

    what: What
    when: datetime
    seat: str
    user: str = ""
    browser: str = ""
    at: str = ""
    audience: str = ""
    issuer: str = ""
    reason: Reason | None = None
    scope: str = ""
    code: str = ""
    token: str = ""
    refresh: str = ""
    device: str = ""


class Ledger:
    """The last 2,000 events of one emulator, oldest first.

    Attributes:
        seat: who sends the next requests. They come one after another, so no request has to name its sender.
        browser: whose browser is open, if one is.
    """

    def __init__(self) -> None:
        self.seat = "you"
        self.browser = ""
        self._events: deque[LedgerEvent] = deque(maxlen=MOST_EVENTS)

    @property
    def events(self) -> tuple[LedgerEvent, ...]:
        return tuple(self._events)

    def note(self, what: What, **of: Any) -> None:
        """Write an event down, given its fields other than kind, time and seat."""
        # As the lessons call them.
        of["user"] = str(of.get("user", "")).partition("@")[0]
        self._events.append(LedgerEvent(what=what, when=datetime.now(UTC), seat=self.seat, **of))

    def clear(self) -> None:
        """Forget every event; the seat and the browser stay."""
        self._events.clear()

    @contextmanager
    def seated(self, seat: str, *, browser: str | None = None) -> Iterator[None]:
        """Have `seat` send what is sent meanwhile, in the browser of this user."""
        before = self.seat, self.browser
        self.seat = seat
        self.browser = self.browser if browser is None else browser
        try:
            yield
        finally:
            self.seat, self.browser = before
