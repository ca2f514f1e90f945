"""The clients that a login finds, keeps and drops in the registry."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from authlens_core.login.facts import Facts
from authlens_core.login.protocols import ClientRegistry
from authlens_core.login.stages.registration_stage import redirect_uri_of
from authlens_core.values.errors import NoSecretStore, TimedOut


class KnownClients:
    """A registry, asked with the facts of a login: a client is known for an issuer and a redirect URI.

    One that does not answer knows no client, and none is remembered or forgotten: that costs no login.
    """

    def __init__(self, registry: ClientRegistry) -> None:
        self._registry = registry

    async def looked_up(self, facts: Facts) -> Facts:
        """Return the facts with the client that is known for the redirect URI, bound or to be bound."""
        if facts.server_metadata is None or facts.options.client_id is not None:
            return facts
        # Without the store, the login registers a client of its own: slower, and no worse.
        known = None
        with suppress(NoSecretStore, TimedOut):
            known = await self._registry.known(facts.server_metadata.issuer, redirect_uri_of(facts))
        return replace(facts, known_client=known)

    async def remember(self, facts: Facts) -> None:
        """Keep a client that was just registered; a given or a known one is left alone."""
        if facts.client is None or facts.client == facts.known_client or facts.server_metadata is None:
            return
        if not facts.client_is_given:
            # Without it, the login at hand still has its client; only the next one has to register again.
            with suppress(NoSecretStore, TimedOut):
                await self._registry.remember(facts.server_metadata.issuer, facts.client)

    async def forget(self, facts: Facts) -> bool:
        """Drop a client that the server no longer knows; return whether there was one to drop."""
        if facts.client is None or facts.server_metadata is None or facts.client_is_given:
            return False
        # It is tried again, and refused again, until the store answers; nothing is lost by it.
        with suppress(NoSecretStore, TimedOut):
            await self._registry.forget(facts.server_metadata.issuer, facts.client.redirect_uri)
        return True
