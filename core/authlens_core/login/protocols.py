"""What a login takes from outside: a sender, a registry of clients, a keeper of tokens, a hook in stages."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult
from authlens_core.oauth.authorization import AuthorizationResponse
from authlens_core.oauth.client_authentication import Client
from authlens_core.trace.record import Stage
from authlens_core.values.check import Check
from authlens_core.values.exchange import Exchange, Purpose, Request
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.limits import Limits


class Sender(Protocol):
    """Sends one request and returns what happened to it; `Wire` is the real one."""

    async def send(
        self,
        request: Request,
        *,
        limits: Limits,
        loopback_http: bool,
        addresses: AddressPolicy,
        purpose: Purpose,
    ) -> Exchange:
        """Send `request`; never raises for what a server or a network does."""


class ClientRegistry(Protocol):
    """Remembers the clients that were registered, by issuer and redirect URI.

    A store that does not answer raises `NoSecretStore` or `TimedOut`.
    """

    async def known(self, issuer: str, redirect_uri: str) -> Client | None:
        """Return the client registered for both, or None."""

    async def remember(self, issuer: str, client: Client) -> None:
        """Keep a client that was just registered."""

    async def note(self, issuer: str, client: Client) -> None:
        """Keep what was learned of a stored client: its needs, and whether its logins were answered."""

    async def forget(self, issuer: str, redirect_uri: str) -> None:
        """Drop a client that the server no longer knows."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a keeper did with the tokens of a login.

    Attributes:
        grant_id: the credential they were stored as, or None.
    """

    grant_id: str | None = None
    checks: tuple[Check, ...] = ()


# Called after the exchange and before it counts as passed.
Keeper = Callable[[Facts], Coroutine[Any, Any, Stored]]


async def keep_nothing(facts: Facts) -> Stored:  # noqa: ARG001 - the signature of a keeper
    """Store nothing: for drills and tests."""
    return Stored()


class StageHook(Protocol):
    """Takes part in the work of a stage; `tampering` is the one that does.

    One that changes nothing returns what it was given.
    """

    @property
    def happened(self) -> bool:
        """True once something was changed, in this stage or before."""

    @property
    def withheld(self) -> Check | None:
        """Why the tokens of this login are not stored; None if they are."""

    def concerns(self, stage: Stage, planned: PlannedRequest) -> bool:
        """Return whether this is the request of a stage that is changed, if one is."""

    def sending(self, stage: Stage, planned: PlannedRequest, facts: Facts) -> PlannedRequest:
        """Return the request that it concerns as it is sent."""

    def repeated(
        self, stage: Stage, planned: PlannedRequest, sent: Sequence[Exchange]
    ) -> PlannedRequest | None:
        """Return a request to send after those of the stage, or None."""

    def judged(
        self, stage: Stage, exchanges: Sequence[Exchange], sent: Sequence[Secret] = ()
    ) -> tuple[Check, ...]:
        """Return checks of the answers to what was changed."""

    def link(self, learned: StageResult) -> StageResult:
        """Return the result of the authorization stage with the link that is handed out."""

    def opened_link(self, facts: Facts) -> PlannedRequest | None:
        """Return the request that opens the link before the browser does, or None."""

    def judged_link(self, exchange: Exchange, facts: Facts) -> tuple[Check, ...]:
        """Return checks of the answer to that request; empty if the browser is to go on."""

    def callback(self, facts: Facts) -> Callable[[Secret], Secret] | None:
        """Return what changes the answer of the browser before it is read, or None."""

    def judged_answer(self, response: AuthorizationResponse | None) -> tuple[Check, ...]:
        """Return checks of what came to the callback."""
