"""Moving what is kept in one store to another, record by record, so that a crash leaves each in one of them.

Each record is written to the target, read back, and its pointer switched in one transaction; then its old
secrets are deleted. Run again after a crash, it goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from authlens_core.credentials import sealed
from authlens_core.credentials.grants import Credentials, refresh_lock
from authlens_core.credentials.model import ClientRecord
from authlens_core.errors import AuthlensError

__all__ = ["MoveReport", "move"]


@dataclass(frozen=True, slots=True)
class MoveReport:
    """What a move did.

    Attributes:
        logins: the resources whose logins are in the target now.
        service_tokens: the same for service tokens.
        clients: the ids of the clients whose secrets are there now.
        failed: what stays where it was, and why.
        swept: false where copies that nothing points to could not be deleted from the old store yet.
    """

    logins: tuple[str, ...]
    service_tokens: tuple[str, ...]
    clients: tuple[str, ...]
    failed: tuple[tuple[str, AuthlensError], ...]
    swept: bool


async def move(source: Credentials, target: Credentials) -> MoveReport:
    """Move every login, client and service token that is in the store of `source` to that of `target`.

    One that fails stays where it was and does not stop the others. When all have been moved, the target is
    remembered as the place for secrets.

    Args:
        source: credentials on the old store.
        target: credentials on the new store, on the same index or on another.
    """
    await source.recover()
    moved: dict[str, list[str]] = {kind: [] for kind in ("login", "service token", "client")}
    failed: list[tuple[str, AuthlensError]] = []
    for kind, shown, work in _everything(source, target):
        try:
            await source.written(work())
            moved[kind].append(shown)
        except AuthlensError as error:
            failed.append((shown, error))
    swept = await source.sweep()
    # What is readable nowhere is no reason to stay.
    if all(isinstance(error, sealed.SecretsDamaged) for _, error in failed):
        target.remember_place()
    logins, service_tokens, clients = (tuple(shown) for shown in moved.values())
    return MoveReport(logins, service_tokens, clients, tuple(failed), swept)


_Item = tuple[str, str, Callable[[], Coroutine[Any, Any, None]]]


def _everything(source: Credentials, target: Credentials) -> Iterator[_Item]:
    """Yield the kind of each record in the store of `source`, what it is called, and how it is moved."""
    here = source.store.place
    for grant in source.list():
        if grant.place is here:
            yield "login", grant.resource_url, partial(_move_grant, source, target, grant.grant_id)
    for token in source.service_tokens.list():
        if token.place is here:
            yield "service token", token.url, partial(_move_service_token, source, target, token.token_id)
    for key, client in source.index.clients():
        if client.place is here and client.has_secrets:
            yield "client", client.client_id, partial(_move_client, source, target, key, client)


async def _move_grant(source: Credentials, target: Credentials, grant_id: str) -> None:
    """Move one login under the lock of its refresh: none is under way, and none begins."""
    async with source.locks.hold(*refresh_lock(source.get(grant_id)), purpose="moving"):
        grant, secrets = await source.load(grant_id)
        for pending in source.index.pending():
            if pending.grant_id == grant_id and pending.generation == grant.generation:
                grant = source.mark_interrupted(grant, pending.started_at)
        await target.save(grant, secrets)
        source.let_go(grant_id)
        if not source.index.is_same(target.index):
            await source.discard(grant_id, "moved", f"to {target.store.name}")
        else:
            source.record("moved", grant_id, f"from {source.store.name} to {target.store.name}")
    await source.sweep()


async def _move_service_token(source: Credentials, target: Credentials, token_id: str) -> None:
    token, secret = await source.service_tokens.load(token_id)
    await target.service_tokens.put(token, secret)
    if not source.index.is_same(target.index):
        await source.service_tokens.remove(token_id, kind="moved", detail=f"to {target.store.name}")
    await source.sweep()


async def _move_client(source: Credentials, target: Credentials, key: str, client: ClientRecord) -> None:
    text = await sealed.read(source.store, key, client.generation)
    await target.clients.save(key, replace(client, place=target.store.place), text)
    if not source.index.is_same(target.index):
        await source.clients.forget(client.issuer, client.redirect_uri)
