"""The service tokens in the index: one row each, with the pointer to the valid generation of the secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.record_json import record_from_json, to_json
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.records.table import SERVICE_TOKENS
from authlens_core.safe_text import NAME, safe_line

_ONE: Final = "SELECT record, generation, place FROM service_tokens WHERE token_id = ?"


class ServiceTokenRows:
    """Reads and writes the rows. Every method is one short transaction.

    An index that a newer authlens wrote, or an older one that can only be read, may have no such table.

    Raises:
        StateUnusable: by every method, when the index cannot be used.
    """

    def __init__(self, index: Index) -> None:
        self._index = index

    def all(self) -> tuple[tuple[ServiceToken, ...], tuple[str, ...]]:
        """Return every service token that can be read, newest first, and the ids of those that cannot."""
        with self._index.reading() as connection:
            if self._index.read_only and not SERVICE_TOKENS.exists(connection):
                return (), ()
            query = "SELECT token_id, generation, place, record FROM service_tokens"
            rows = connection.execute(query).fetchall()
        found: list[ServiceToken] = []
        damaged: list[str] = []
        for token_id, generation, place, record in rows:
            try:
                found.append(record_from_json(ServiceToken, record, generation, place))
            except ValueError:
                damaged.append(safe_line(token_id, NAME))
        found.sort(key=lambda token: token.added_at, reverse=True)
        return tuple(found), tuple(damaged)

    def switch(self, token: ServiceToken, entries: int) -> None:
        """Make `token.generation` the valid one, with these facts; the generation before is left over."""
        with self._index.writing() as connection:
            SERVICE_TOKENS.put(connection, token.token_id, token, entries)

    def change(self, token_id: str, change: Callable[[ServiceToken], ServiceToken]) -> ServiceToken | None:
        """Read a row and write what `change` makes of it, in one transaction; None if there is none."""
        with self._index.writing() as connection:
            row = connection.execute(_ONE, (token_id,)).fetchone()
            try:
                changed = None if row is None else change(record_from_json(ServiceToken, *row))
            except ValueError:
                return None
            if changed is not None:
                connection.execute(
                    "UPDATE service_tokens SET record = ? WHERE token_id = ?", (to_json(changed), token_id)
                )
            return changed

    def remove(self, token_id: str) -> None:
        """Remove a row; its secret is left over until it is deleted."""
        with self._index.writing() as connection:
            SERVICE_TOKENS.remove(connection, token_id)
