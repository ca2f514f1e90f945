"""What a login takes from outside: a sender, a registry of clients, and a keeper of tokens."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from authlens_core.login.facts import Facts
from authlens_core.oauth.client_authentication import Client
from authlens_core.values.check import Check
from authlens_core.values.exchange import Exchange, Purpose, Request
from authlens_core.values.quick_dataclass import dataclass
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
