"""The service tokens of this user on this machine: facts in the index, secrets in the store.

A secret is written as a new generation, read back and only then made the valid one, as the tokens of a grant
are; so a replacement that fails leaves the old secret where it was.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from authlens_core.credentials.records.client import ClientSecrets
from authlens_core.credentials.records.grant import TokenVerdict, utc_now
from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.records.record_json import client_secrets_from_json, secrets_to_json
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.records.table import SERVICE_TOKENS, all_service_tokens
from authlens_core.credentials.store import chunked_secret as sealed
from authlens_core.credentials.vault.generations import Generations, load_secrets
from authlens_core.values.errors import LoginNeeded, UsageError
from authlens_core.values.fix import step
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.secret import Secret
from authlens_core.values.url import closest, require_url


class ServiceTokens:
    """Everything that `service-token add` left behind.

    Args:
        generations: writes secrets whole or not at all; on the index and the store of everything else.
        record: appends to the history: kind, id, detail.
    """

    def __init__(self, generations: Generations, record: Callable[[str, str, str], None]) -> None:
        self._index = generations.index
        self._store = generations.store
        self._generations = generations
        self._record = record

    def list(self) -> tuple[ServiceToken, ...]:
        return all_service_tokens(self._index)[0]

    def damaged(self) -> tuple[str, ...]:
        """Return the ids of the records that cannot be read; they can be removed."""
        return SERVICE_TOKENS.all(self._index)[1]

    def ids(self) -> frozenset[str]:
        """Return the id of every record, readable or not."""
        tokens, damaged = SERVICE_TOKENS.all(self._index)
        return frozenset((*tokens, *damaged))

    def find(self, url: str) -> ServiceToken | None:
        """Return the service token for `url`: of those whose URL covers it the closest, then the newest."""
        return closest(self.list(), url, lambda token: (token.url,))

    def get(self, token_id: str) -> ServiceToken:
        """Return one service token.

        Raises:
            LoginNeeded: there is none.
        """
        token = next((token for token in self.list() if token.token_id == token_id), None)
        if token is None:
            raise LoginNeeded("There is no such service token on this machine.", step("See", "authlens list"))
        return token

    async def save(self, token: ServiceToken, secret: Secret) -> ServiceToken:
        """Store a service token with its secret, instead of the secret before; return it as stored.

        Raises:
            UsageError: see `refuse_shape`; or it is here already.
            NoSecretStore: it could not be stored; what was stored before stays, unharmed.
            LockBusy: another process was writing all the time.
        """
        self.refuse_shape(token, secret)
        known = self.list()
        is_new = all(stored.token_id != token.token_id for stored in known)
        # Two records of one token would answer differently after one of them is replaced.
        if is_new and any((stored.url, stored.client_id) == (token.url, token.client_id) for stored in known):
            cause = "This service token is already on this machine."
            cure = step("For a new secret", f"authlens service-token replace {shlex.quote(token.url)}")
            raise UsageError(cause, cure)
        stored = await self.put(
            replace(token, secret_from=utc_now(), label=safe_line(token.label, NAME)), secret
        )
        kind = AccessKind.SERVICE_TOKEN_ADDED if is_new else AccessKind.SERVICE_TOKEN_REPLACED
        self._record(kind, token.token_id, f"{token.client_id} for {token.url}")
        return stored

    async def put(self, token: ServiceToken, secret: Secret) -> ServiceToken:
        """Store a service token as it is, with its secret: one that is new here, or comes from elsewhere.

        Raises:
            as `save`.
        """
        text = secrets_to_json(ClientSecrets(secret), token)
        return await self._generations.save(SERVICE_TOKENS, token.token_id, token, text)

    @staticmethod
    def refuse_shape(token: ServiceToken, secret: Secret) -> None:
        """Refuse what cannot be right, before anything is sent or stored.

        Raises:
            UsageError: the pair cannot be right, the header is none, or the URL cannot be used.
        """
        # What reads stored tokens needs no rules of Cloudflare.
        from authlens_core.cloudflare.service_token_headers import is_field_name, shape_problem

        problem = shape_problem(token.client_id, secret)
        if problem is not None and problem.refused:
            raise UsageError(problem.cause, problem.cure)
        if not is_field_name(token.header):
            raise UsageError(f"{token.header!r} is not a valid header name.", "Correct it.")
        require_url(token.url)

    async def load(self, token_id: str) -> tuple[ServiceToken, Secret]:
        """Return a service token and its secret, both of one generation.

        Raises:
            LoginNeeded: there is no such token, or its secret is gone or damaged (`SecretsDamaged`).
            NoSecretStore: the store could not be asked, or is not the one that it is in.
        """
        cure = step("Run", "authlens service-token replace URL")
        token, text = await load_secrets(self._store, token_id, lambda: self.get(token_id), cure)
        secret = client_secrets_from_json(text).client_secret
        if secret is None:
            raise sealed.SecretsDamaged("The secret of this service token cannot be read.", cure)
        return token, secret

    def note_test(
        self, token_id: str, at: datetime, verdict: TokenVerdict, words: str
    ) -> ServiceToken | None:
        """Note what the resource said; None if the token is gone."""
        return SERVICE_TOKENS.change(self._index, token_id, lambda token: token.tested(at, verdict, words))

    def edit(self, token_id: str, *, label: str, expires_at: datetime | None) -> ServiceToken:
        """Change what has nothing to do with the secret: its name, and when it ends, as Access says now.

        A token that is refreshed in Zero Trust keeps its secret and ends a year later.

        Raises:
            LoginNeeded: there is no such token.
        """
        known = self.get(token_id)
        name = safe_line(label, NAME)
        changed = SERVICE_TOKENS.change(
            self._index, token_id, lambda token: replace(token, label=name, expires_at=expires_at)
        )
        if changed is None:
            return known
        end = "no expiry given" if expires_at is None else f"ends {expires_at:%Y-%m-%d %H:%M} UTC"
        self._record(AccessKind.SERVICE_TOKEN_EDITED, token_id, f"{name or known.client_id}, {end}")
        return changed

    async def remove(self, token_id: str) -> bool:
        """Remove a service token from this machine; at Access it stays valid.

        Returns:
            False if its secret could not be deleted from the store yet; a later save does it.
        """
        erased = await self._generations.remove(lambda: SERVICE_TOKENS.remove(self._index, token_id))
        self._record(
            AccessKind.SERVICE_TOKEN_REMOVED, token_id, "removed from this machine; not deleted at Access"
        )
        return erased
