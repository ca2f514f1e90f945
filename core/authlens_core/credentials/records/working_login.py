"""The logins that a new login would only repeat: their tokens work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from authlens_core.credentials.records.grant import Grant, StatusKind, describe

_WORKS: Final = frozenset({StatusKind.LIVE, StatusKind.SOON, StatusKind.UNKNOWN_END})
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def working_logins(grants: Iterable[Grant], now: datetime) -> Mapping[str, Grant]:
    """Return for each resource URL the grant whose access token works longest, if there is one.

    One that the resource refuses, or whose revocation was tried, does not count, whatever its expiry.
    """
    works = [grant for grant in grants if describe(grant, now).kind in _WORKS]
    return {grant.resource_url: grant for grant in sorted(works, key=lambda one: one.expires_at or _LAST)}
