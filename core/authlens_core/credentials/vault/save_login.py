"""Keeping what a login has received, without a refresh in flight putting older tokens over it."""

from __future__ import annotations

from collections.abc import Collection

from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState
from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.state.locks import LockBusy


async def save_login(credentials: Credentials, grant: Grant, secrets: GrantSecrets) -> Grant:
    """Save a new login under the lock of its refresh, and return it with its generation.

    The lock is waited for while there is time: when the program is being left, or another one has held it
    for long, the tokens are saved without it, for they exist nowhere else.

    Raises:
        NoSecretStore: it could not be stored.
        LockBusy: another process was writing all the time.
    """
    try:
        async with credentials.lock(grant, "storing a login", give_up=credentials.leaving.is_set):
            return await credentials.save(grant, secrets)
    except LockBusy:
        return await credentials.save(grant, secrets)


async def remove_replaced(
    credentials: Credentials, grant: Grant, lost_clients: Collection[str] = frozenset()
) -> None:
    """Remove the logins in whose place `grant` is, though its client is another one.

    They are for the same resource of the same server, and over: the server refused their refresh token, or
    does not know their client. One that another program is refreshing or storing may be alive again.

    Raises:
        NoSecretStore: the index or the store could not be written.
        LockBusy: another program is at one of them.
    """
    for other in _replaced(credentials, grant, lost_clients):
        async with credentials.lock(other, "removing a dead login", bound=0):
            if other in _replaced(credentials, grant, lost_clients):
                words = "replaced by a new login; the server refused its client or its refresh token"
                await credentials.discard(other.grant_id, AccessKind.FORGOTTEN, words)


def _replaced(credentials: Credentials, grant: Grant, lost_clients: Collection[str]) -> list[Grant]:
    return [
        other
        for other in credentials.list()
        if (other.state is GrantState.LOGIN_NEEDED or other.client_id in lost_clients)
        and other.grant_id != grant.grant_id
        and _place(other) == _place(grant)
    ]


def _place(grant: Grant) -> tuple[object, ...]:
    return grant.issuer, grant.resource_identifier, grant.resource_url, grant.machine is None
