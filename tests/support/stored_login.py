"""A login in the keyring and the index of a machine, as one at a server would leave it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from authlens_core.credentials.records.grant import GrantSecrets, utc_now
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.secret import Secret
from support.grants import grant


async def save_login(machine: Mapping[str, str], resource: str) -> None:
    """Store a login for `resource` whose token is `canary` and lasts an hour."""
    credentials = Credentials.open(KeyringStore(environ=machine), Path(machine["AUTHLENS_HOME"]))
    now = utc_now()
    at = replace(
        grant(),
        resource=resource,
        resource_url=resource,
        obtained_at=now,
        refreshed_at=now,
        expires_at=now + timedelta(hours=1),
    )
    await credentials.save(at, GrantSecrets(Secret("canary")))
    await credentials.aclose()
