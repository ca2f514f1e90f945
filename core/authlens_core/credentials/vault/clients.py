"""The clients that logins registered (RFC 7591), each for one issuer and one redirect URI."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from authlens_core.credentials.records.client import ClientRecord, ClientSecrets
from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.records.owner import digest_of
from authlens_core.credentials.records.record_json import (
    client_secrets_from_json,
    secrets_to_json,
)
from authlens_core.credentials.records.table import CLIENTS
from authlens_core.credentials.store import chunked_secret as sealed
from authlens_core.credentials.vault.generations import Generations, load_secrets
from authlens_core.oauth.client_authentication import Client
from authlens_core.values.fix import step

# What a client and its record both have: all but the secrets.
_PUBLIC: Final = {*Client.__struct_fields__} & {*ClientRecord.__struct_fields__}


class Clients:
    """Every client that is known, so that none is registered twice.

    Args:
        generations: writes secrets whole or not at all; on the index and the store of everything else.
        record: appends to the history: kind, id, detail.
    """

    def __init__(self, generations: Generations, record: Callable[[str, str, str], None]) -> None:
        self._index = generations.index
        self._store = generations.store
        self._generations = generations
        self._record = record

    async def remember(self, issuer: str, client: Client) -> None:
        """Store a registered client for (issuer, redirect URI), instead of the one known before.

        Raises:
            NoSecretStore: it could not be stored.
        """
        secrets = ClientSecrets(client.client_secret, client.registration_access_token)
        record = ClientRecord(
            issuer=issuer,
            registered_at=datetime.now(UTC),
            has_secrets=any((secrets.client_secret, secrets.registration_access_token)),
            **{name: getattr(client, name) for name in _PUBLIC},
        )
        words = f"{client.client_id} at {issuer} for {client.redirect_uri}"
        await self._generations.save(
            CLIENTS,
            _key(issuer, client.redirect_uri),
            record,
            secrets_to_json(secrets, record) if record.has_secrets else None,
            lambda: self._record(AccessKind.CLIENT_REGISTERED, "", words),
        )

    async def note(self, issuer: str, client: Client) -> None:
        """Store what was learned of a stored client, without its secrets; nothing if there is another now."""

        def noted(record: ClientRecord) -> ClientRecord:
            same = record.client_id == client.client_id
            return replace(record, needs=client.needs, unanswered=client.unanswered) if same else record

        CLIENTS.change(self._index, _key(issuer, client.redirect_uri), noted)

    async def find(self, issuer: str, redirect_uri: str) -> Client | None:
        """Return the client registered for (issuer, redirect URI), or None: none is registered twice.

        A client whose secret is gone, or needed and out of date, is not known any more.

        Raises:
            NoSecretStore: the store could not be asked.
        """
        key = _key(issuer, redirect_uri)
        record = CLIENTS.readable(self._index, key)
        if record is None or record.issuer != issuer or record.redirect_uri != redirect_uri:
            return None
        expires_at = record.client_secret_expires_at
        # RFC 7591 §3.2.1: 0 stands for a secret that never expires.
        needs_secret = record.token_endpoint_auth_method != "none"  # noqa: S105 - a method, not a password
        if needs_secret and expires_at and expires_at <= datetime.now(UTC).timestamp():
            return None
        try:
            return await self.load(record)
        # Registering again costs one request; a login that fails for its client's secret costs the user's
        # time.
        except sealed.SecretsDamaged:
            return None

    def list(self) -> tuple[ClientRecord, ...]:
        """Return every registered client, those registered first in front."""
        records = CLIENTS.all(self._index)[0].values()
        return tuple(sorted(records, key=lambda record: record.registered_at))

    async def load(self, record: ClientRecord) -> Client:
        """Return the client of a record, with its secrets.

        Raises:
            NoSecretStore: the store could not be asked, or is not the one that they are in.
            SecretsDamaged: they are gone, or were stored for another record.
        """
        secrets = ClientSecrets()
        if record.has_secrets:
            key = _key(record.issuer, record.redirect_uri)
            cure = step("Remove it", "authlens clients --forget ID --here")
            _, text = await load_secrets(self._store, key, lambda: record, cure)
            secrets = client_secrets_from_json(text)
        return Client(
            client_secret=secrets.client_secret,
            registration_access_token=secrets.registration_access_token,
            **{name: getattr(record, name) for name in _PUBLIC},
        )

    async def lose(self, issuer: str, redirect_uri: str, client_id: str) -> bool:
        """Forget a client that its server does not know any more; return whether it was still the stored one.

        Raises:
            NoSecretStore: the store could not be written.
        """
        record = CLIENTS.readable(self._index, _key(issuer, redirect_uri))
        if record is None or record.client_id != client_id:
            return False
        await self.forget(issuer, redirect_uri)
        return True

    async def remove_unreadable(self, key: str) -> None:
        """Remove a record that cannot be read, by the key that `unreadable` returned."""
        await self._generations.remove(lambda: CLIENTS.remove(self._index, key))

    def unreadable(self) -> tuple[str, ...]:
        """Return the keys of the records that cannot be read, safe to show."""
        return CLIENTS.all(self._index)[1]

    async def forget(self, issuer: str, redirect_uri: str) -> None:
        """Forget a client, so that the next login registers a new one; the history keeps its id."""
        key = _key(issuer, redirect_uri)
        record = CLIENTS.readable(self._index, key)
        await self._generations.remove(lambda: CLIENTS.remove(self._index, key))
        if record is not None:
            self._record(
                AccessKind.CLIENT_FORGOTTEN, "", f"{record.client_id} at {issuer} for {redirect_uri}"
            )


def _key(issuer: str, redirect_uri: str) -> str:
    return f"client-{digest_of('client', issuer, redirect_uri)}"
