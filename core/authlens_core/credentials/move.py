"""Moving what is kept in one store to another, record by record, so that a crash leaves each in one of them.

Each record is written to the target, read back, and its pointer switched in one transaction; then its old
secrets are deleted. Run again after a crash, it goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from authlens_core.credentials import sealed
from authlens_core.credentials.grants import Credentials, refresh_lock
from authlens_core.credentials.model import ClientRecord
from authlens_core.errors import AuthlensError

__all__ = ["MoveReport", "move"]


@dataclass(frozen=True, slots=True)
class MoveReport:
    """What a move did.

    Attributes:
        moved: the resources whose logins are in the target now.
        clients: how many clients with a secret are there now.
        failed: the resources or clients that stay where they were, and why.
        swept: false where copies that nothing points to could not be deleted from the old store yet.
    """

    moved: tuple[str, ...]
    clients: int
    failed: tuple[tuple[str, AuthlensError], ...]
    swept: bool


async def move(source: Credentials, target: Credentials) -> MoveReport:
    """Move every login and client that is in the store of `source` to that of `target`.

    One that fails stays where it was and does not stop the others. When all have been moved, the target is
    remembered as the place for secrets.

    Args:
        source: credentials on the old store.
        target: credentials on the new store, on the same index or on another.
    """
    await source.recover()
    moved: list[str] = []
    failed: list[tuple[str, AuthlensError]] = []
    for grant in source.list():
        if grant.place is not source.store.place:
            continue
        try:
            await source.written(_move_grant(source, target, grant.grant_id))
            moved.append(grant.resource_url)
        except AuthlensError as error:
            failed.append((grant.resource_url, error))
    clients = 0
    for key, client in source.index.clients():
        if client.place is not source.store.place or not client.has_secrets:
            continue
        try:
            await source.written(_move_client(source, target, key, client))
            clients += 1
        except AuthlensError as error:
            failed.append((f"client {client.client_id}", error))
    swept = await source.sweep()
    lost = (sealed.SecretsDamaged,)  # readable nowhere: no reason to stay
    if all(isinstance(error, lost) for _, error in failed):
        target.remember_place()
    return MoveReport(tuple(moved), clients, tuple(failed), swept)


async def _move_grant(source: Credentials, target: Credentials, grant_id: str) -> None:
    """Move one login under the lock of its refresh: none is under way, and none begins."""
    async with source.locks.hold(*refresh_lock(source.get(grant_id)), purpose="moving"):
        grant, secrets = await source.load(grant_id)
        for pending in source.index.pending():
            if pending.grant_id == grant_id and pending.generation == grant.generation:
                grant = source.mark_interrupted(grant, pending.started_at)
        await target.save(grant, secrets)
        source.let_go(grant_id)
        if source.index is not target.index:
            await source.discard(grant_id, "moved", f"to {target.store.name}")
        else:
            source.record("moved", grant_id, f"from {source.store.name} to {target.store.name}")
    await source.sweep()


async def _move_client(source: Credentials, target: Credentials, key: str, client: ClientRecord) -> None:
    text = await sealed.read(source.store, key, client.generation)
    await target.save_client(key, replace(client, place=target.store.place), text)
    if source.index is not target.index:
        await source.forget_client(client.issuer, client.redirect_uri)
