"""Keeping what a login has received, without a refresh in flight putting older tokens over it."""

from __future__ import annotations

from authlens_core.credentials.records.grant import Grant, GrantSecrets
from authlens_core.credentials.vault.credentials import Credentials, refresh_lock
from authlens_core.state.locks import LockBusy


async def save_login(credentials: Credentials, grant: Grant, secrets: GrantSecrets) -> Grant:
    """Save a new login under the lock of its refresh, and return it with its generation.

    The lock is waited for while there is time: when the program is being left, or another one has held it
    for long, the tokens are saved without it, for they exist nowhere else.

    Raises:
        NoSecretStore: it could not be stored.
        LockBusy: another process was writing all the time.
    """
    lock, leaving = refresh_lock(grant), credentials.leaving.is_set
    try:
        async with credentials.locks.hold(*lock, purpose="storing a login", give_up=leaving):
            return await credentials.save(grant, secrets)
    except LockBusy:
        return await credentials.save(grant, secrets)
