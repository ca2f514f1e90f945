"""What a login takes from outside: a sender, a registry of clients, a keeper of tokens, a hook in stages."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult
from authlens_core.login.stages.registration_stage import redirect_uri_of
from authlens_core.oauth.authorization import AuthorizationResponse
from authlens_core.oauth.client_authentication import Client
from authlens_core.trace.flow import UserPart
from authlens_core.trace.record import Stage
from authlens_core.values.check import Check
from authlens_core.values.errors import NoSecretStore, TimedOut
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


class MemoryClientRegistry:
    """A registry for a login that leaves nothing behind; it remembers within one run."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], Client] = {}

    async def known(self, issuer: str, redirect_uri: str) -> Client | None:
        return self._clients.get((issuer, redirect_uri))

    async def remember(self, issuer: str, client: Client) -> None:
        self._clients[issuer, client.redirect_uri] = client

    async def note(self, issuer: str, client: Client) -> None:
        self._clients[issuer, client.redirect_uri] = client

    async def forget(self, issuer: str, redirect_uri: str) -> None:
        self._clients.pop((issuer, redirect_uri), None)


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
    """Store nothing: for rehearsals and tests."""
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


class KnownClients:
    """A registry, asked with the facts of a login: a client is known for an issuer and a redirect URI.

    One that does not answer knows no client, and none is remembered or forgotten: that costs no login.
    Without a registry, clients are known within this login.
    """

    def __init__(self, registry: ClientRegistry | None) -> None:
        self._registry = MemoryClientRegistry() if registry is None else registry
        self._own: set[str] = set()
        self._lost: set[str] = set()

    def is_own(self, client: Client) -> bool:
        """Whether the client was registered in this login."""
        return client.client_id in self._own

    async def looked_up(self, facts: Facts) -> Facts:
        """Return the facts with the client that is known for the redirect URI, bound or to be bound."""
        by_owner = facts.flow.user_part is UserPart.NOTHING or facts.options.client_id is not None
        if facts.server_metadata is None or by_owner:
            return facts
        # Without the store, the login registers a client of its own: slower, and no worse.
        known = None
        with suppress(NoSecretStore, TimedOut):
            known = await self._registry.known(facts.server_metadata.issuer, redirect_uri_of(facts))
        unwanted = known is not None and facts.options.new_client and not self.is_own(known)
        return replace(facts, known_client=None if unwanted else known, lost_clients=frozenset(self._lost))

    async def remember(self, facts: Facts) -> None:
        """Keep a client that was just registered; a given or a known one is left alone."""
        if facts.client is None or facts.client == facts.known_client or facts.server_metadata is None:
            return
        if not facts.client_is_given:
            if facts.registered_at is not None:
                self._own.add(facts.client.client_id)
            # Without it, the login at hand still has its client; only the next one has to register again.
            with suppress(NoSecretStore, TimedOut):
                await self._registry.remember(facts.server_metadata.issuer, facts.client)

    async def answered(self, facts: Facts) -> None:
        """Note of a client that it got tokens, and what its server needed for that."""
        if facts.client is None or facts.server_metadata is None or facts.client_is_given:
            return
        issuer, client = facts.server_metadata.issuer, replace(facts.client, unanswered=0)
        with suppress(NoSecretStore, TimedOut):
            stored = await self._registry.known(issuer, client.redirect_uri)
            if stored is None or stored == client or stored.client_id != client.client_id:
                return
            # How it authenticates is bound to its secret.
            same = stored.token_endpoint_auth_method == client.token_endpoint_auth_method
            await (self._registry.note if same else self._registry.remember)(issuer, client)

    async def unanswered(self, facts: Facts) -> None:
        """Note of a stored client that its login got no answer: the server may not know it any more."""
        client, known = facts.client, facts.known_client
        if client is None or known is None or facts.server_metadata is None or self.is_own(client):
            return
        with suppress(NoSecretStore, TimedOut):
            counted = replace(known, unanswered=known.unanswered + 1)
            await self._registry.note(facts.server_metadata.issuer, counted)

    async def forget(self, facts: Facts) -> bool:
        """Drop a client that the server no longer knows; return whether there was one to drop."""
        if facts.client is None or facts.server_metadata is None or facts.client_is_given:
            return False
        self._lost.add(facts.client.client_id)
        # It is tried again, and refused again, until the store answers; nothing is lost by it.
        with suppress(NoSecretStore, TimedOut):
            await self._registry.forget(facts.server_metadata.issuer, facts.client.redirect_uri)
        return True
