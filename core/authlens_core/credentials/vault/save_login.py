"""Keeping what a login has received, without a refresh in flight putting older tokens over it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial

from msgspec.structs import replace

from authlens_core.credentials.records.accounts import free_name
from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState, grant_id_for
from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.records.table import LOGINS
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.state.account_choice import name_from
from authlens_core.state.locks import LockBusy


async def save_login(
    credentials: Credentials, grant: Grant, secrets: GrantSecrets, *, is_new: bool = True
) -> Grant:
    """Save a login under the lock of its refresh, and return it with its generation.

    The lock is waited for while there is time: when the program is being left, or another one has held it
    for long, the tokens are saved without it, for they exist nowhere else.

    Args:
        is_new: false for one that was forgotten and is stored again as it was.

    Raises:
        NoSecretStore: it could not be stored.
        LockBusy: another process was writing all the time.
    """

    def stored_as() -> Grant:
        return beside_others(credentials, grant) if is_new else grant

    try:
        async with credentials.lock(grant, "storing a login", give_up=credentials.leaving.is_set):
            return await credentials.save(stored_as(), secrets)
    except LockBusy:
        return await credentials.save(stored_as(), secrets)


def beside_others(credentials: Credentials, grant: Grant) -> Grant:
    """Return a new login with the identifier to store it under, so that it replaces no other user's.

    An earlier login under the same name that is another user's gets a name of its own.
    """
    grants = credentials.list()
    names = {other.account for other in grants if other.resource_identifier == grant.resource_identifier}
    for other in earlier_logins(grants, grant):
        if is_another_user(other, grant):
            name = free_name(name_from(other.person or other.subject), names)
            names.add(name)
            LOGINS.change(credentials.index, other.grant_id, partial(replace, account=name))
        elif _identifier(other, other.account) == _identifier(grant, grant.account):
            return replace(grant, grant_id=other.grant_id)
    return replace(grant, grant_id=_free_identifier(grant, {other.grant_id for other in grants}))


def earlier_logins(grants: Iterable[Grant], grant: Grant) -> Iterator[Grant]:
    """Yield the logins under the same name at the same server, which a new one is used instead of."""
    for other in grants:
        if other.account_key == grant.account_key and other.issuer == grant.issuer:
            yield other


def is_another_user(earlier: Grant, later: Grant) -> bool:
    """Return whether two logins at one issuer are known to be of two users."""
    return bool(earlier.subject and later.subject and earlier.subject != later.subject)


def _free_identifier(grant: Grant, taken: Collection[str]) -> str:
    # A login whose name was changed afterwards has the identifier of the name that it had.
    wishes = [(), (grant.subject,), *((grant.subject, str(number)) for number in range(len(taken)))]
    identifiers = (_identifier(grant, grant.account, *wish) for wish in wishes)
    return next(identifier for identifier in identifiers if identifier not in taken)


def _identifier(grant: Grant, account: str, *more: str) -> str:
    # Without a name it is as before there were names, so that old logins are found.
    names = (account, *more) if account or more else ()
    return grant_id_for(grant.issuer, grant.resource_identifier, grant.client_id, grant.redirect_uri, *names)


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
    return grant.issuer, grant.resource_identifier, grant.resource_url, grant.machine is None, grant.account
