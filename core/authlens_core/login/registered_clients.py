"""The clients that a login knows: looked up, remembered and forgotten in a registry that may not answer."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.stages.registration_stage import redirect_uri_of
from authlens_core.oauth.client_authentication import Client
from authlens_core.values.errors import NoSecretStore, TimedOut


class ClientRegistry(Protocol):
    """Remembers the clients that were registered, by issuer and redirect URI.

    A store that does not answer raises `NoSecretStore` or `TimedOut`.
    """

    async def find(self, issuer: str, redirect_uri: str) -> Client | None:
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

    async def find(self, issuer: str, redirect_uri: str) -> Client | None:
        return self._clients.get((issuer, redirect_uri))

    async def remember(self, issuer: str, client: Client) -> None:
        self._clients[issuer, client.redirect_uri] = client

    note = remember

    async def forget(self, issuer: str, redirect_uri: str) -> None:
        self._clients.pop((issuer, redirect_uri), None)


class RegisteredClients:
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
        by_owner = facts.flow.is_by_program or facts.options.client_id is not None
        if facts.server_metadata is None or by_owner:
            return facts
        # Without the store, the login registers a client of its own: slower, and no worse.
        stored_client = None
        with suppress(NoSecretStore, TimedOut):
            stored_client = await self._registry.find(facts.server_metadata.issuer, redirect_uri_of(facts))
        # --new-client is about what was stored before: a client of this login is new already.
        unwanted = stored_client is not None and facts.options.new_client and not self.is_own(stored_client)
        return replace(
            facts, stored_client=None if unwanted else stored_client, lost_clients=frozenset(self._lost)
        )

    async def remember(self, facts: Facts) -> None:
        """Keep a client that was just registered; a given or a known one is left alone."""
        registered = _registered(facts)
        if registered is None or facts.client == facts.stored_client:
            return
        issuer, client = registered
        if facts.registered_at is not None:
            self._own.add(client.client_id)
        # Without it, the login at hand still has its client; only the next one has to register again.
        with suppress(NoSecretStore, TimedOut):
            await self._registry.remember(issuer, client)

    async def answered(self, facts: Facts) -> None:
        """Note of a client that it got tokens, and what its server needed for that."""
        registered = _registered(facts)
        if registered is None:
            return
        issuer, client = registered[0], replace(registered[1], unanswered=0)
        with suppress(NoSecretStore, TimedOut):
            stored = await self._registry.find(issuer, client.redirect_uri)
            if stored is None or stored == client or stored.client_id != client.client_id:
                return
            # How it authenticates is bound to its secret.
            same = stored.token_endpoint_auth_method == client.token_endpoint_auth_method
            await (self._registry.note if same else self._registry.remember)(issuer, client)

    async def unanswered(self, facts: Facts) -> None:
        """Note of a stored client that its login got no answer: the server may not know it any more."""
        client, stored_client = facts.client, facts.stored_client
        if client is None or stored_client is None or facts.server_metadata is None or self.is_own(client):
            return
        with suppress(NoSecretStore, TimedOut):
            # A server that no longer knows a client often shows its error in the browser alone, so silence is
            # all that is seen here.
            counted = replace(stored_client, unanswered=stored_client.unanswered + 1)
            await self._registry.note(facts.server_metadata.issuer, counted)

    async def forget(self, facts: Facts) -> bool:
        """Drop a client that the server no longer knows; return whether there was one to drop."""
        registered = _registered(facts)
        if registered is None:
            return False
        issuer, client = registered
        self._lost.add(client.client_id)
        # It is tried again, and refused again, until the store answers; nothing is lost by it.
        with suppress(NoSecretStore, TimedOut):
            await self._registry.forget(issuer, client.redirect_uri)
        return True


def _registered(facts: Facts) -> tuple[str, Client] | None:
    """Return issuer and client of a login; None if there is no client, or the user gave it."""
    if facts.client is None or facts.server_metadata is None or facts.client_is_preregistered:
        return None
    return facts.server_metadata.issuer, facts.client
