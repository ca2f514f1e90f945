"""The access token alone, for tests that look at nothing else of a usable token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from authlens_core.credentials.lifecycle.access_token import usable_token
from authlens_core.credentials.records.grant import utc_now
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.secret import Secret
from authlens_core.wire.client import Wire


async def access_token(
    credentials: Credentials,
    wire: Wire,
    url: str,
    *,
    min_ttl: timedelta | None = None,
    refused: Secret | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Secret:
    """Return the token of `usable_token`; raises as that."""
    return (await usable_token(credentials, wire, url, min_ttl=min_ttl, refused=refused, now=now)).token
