"""A request that the server refused for its client, sent again: as the refusal asks for, or after a pause.

Nothing was issued by such a refusal, so what was in the request, such as a code, is unused.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest
from authlens_core.oauth.client_adaptation import adaptation_check, adapted
from authlens_core.oauth.client_authentication import Client
from authlens_core.values.check import Check, ErrorCode, requirement
from authlens_core.values.exchange import Exchange, Purpose, Request, Response
from authlens_core.values.formats.error_response import read_error
from authlens_core.wire.limits import TOKEN

# Seconds before each repetition: at some servers a new registration takes a moment to be known everywhere.
_PAUSES: Final = (1.0, 2.0, 4.0)
# After this a server that does not know the client has lost it, and waiting does not help.
_NEW: Final = timedelta(minutes=2)
# What is sent right after a registration.
_AT_ONCE: Final = frozenset({Purpose.DEVICE_AUTHORIZATION, Purpose.PUSHED_AUTHORIZATION})
_NOT_KNOWN: Final = frozenset({ErrorCode.INVALID_CLIENT, ErrorCode.UNAUTHORIZED_CLIENT})


class Attempt(Struct, frozen=True):
    """One request of a client: as whom, when, and what the refusals before it said.

    Attributes:
        not_before: when it may be sent, UTC; None is at once.
    """

    client: Client
    checks: tuple[Check, ...] = ()
    pauses: int = 0
    not_before: datetime | None = None

    def planned(self, request: Request, purpose: Purpose) -> PlannedRequest:
        """Return this attempt to get something from the server."""
        # Each repetition has a check that says why.
        return PlannedRequest(
            request, purpose, limits=TOKEN, not_before=self.not_before, repeats=bool(self.checks)
        )

    def after(self, exchange: Exchange, facts: Facts) -> Attempt | None:
        """Return the attempt after this answer; None if another would change nothing."""
        response = exchange.response
        if response is None:
            return None
        # A refusal that says what the server wants is followed at once; a plain one may only need time.
        stage = exchange.purpose.replace(" ", "_")
        other = adapted(self.client, response, methods=facts.server.token_endpoint_auth_methods_supported)
        if other is not None:
            check = adaptation_check(stage, self.client, other, response)
            return Attempt(other, (*self.checks, check), self.pauses)
        new = facts.registered_at is not None and exchange.started_at - facts.registered_at < _NEW
        # Not with a code: by then the user has signed in as this client, so waiting is not what it needs.
        waits = new and exchange.purpose in _AT_ONCE and _is_unknown(response)
        if not waits or self.pauses == len(_PAUSES):
            return None
        pause = _PAUSES[self.pauses]
        return replace(
            self,
            checks=(*self.checks, _pause_check(stage, response, pause)),
            pauses=self.pauses + 1,
            not_before=exchange.ended_at + timedelta(seconds=pause),
        )


def attempt_after(facts: Facts, sent: Sequence[Exchange]) -> Attempt | None:
    """Return the attempt after those `sent`; None if there is no client, or another would change nothing."""
    attempt = None if facts.client is None else Attempt(facts.client)
    for exchange in sent:
        attempt = None if attempt is None else attempt.after(exchange, facts)
    return attempt


def last_attempt(facts: Facts, client: Client, sent: Sequence[Exchange]) -> Attempt:
    """Return the attempt that was the last of those `sent`, whatever else was answered before it."""
    attempt = Attempt(client)
    for exchange in sent[:-1]:
        attempt = attempt.after(exchange, facts) or attempt
    return attempt


def _is_unknown(response: Response) -> bool:
    error = read_error(response)
    return error is not None and error.error in _NOT_KNOWN


def _pause_check(stage: str, response: Response, pause: float) -> Check:
    check = requirement(f"{stage}.new_client", "adaptation.new_client")
    return check.noticed(f"{response.status} {read_error(response)}; sent again after {pause:.0f} s")
