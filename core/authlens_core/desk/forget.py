"""Remove one credential from this machine, and restore it. Its server is not asked: its tokens stay valid."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from authlens_core.credentials.records.access_kind import AccessKind
from authlens_core.credentials.records.credential_kind import CredentialKind
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials, refresh_lock
from authlens_core.credentials.vault.leftovers import erase_left
from authlens_core.credentials.vault.save_login import save_login
from authlens_core.values.errors import AuthlensError, UsageError
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.store_kind import StoreKind

if TYPE_CHECKING:
    from authlens_core.desk.session import Session

# Seconds to wait for a refresh that is running: afterwards the refresh token in memory would be spent.
_REFRESH_BOUND: Final = 5.0
_Restore: TypeAlias = Callable[[Credentials], Awaitable[Grant | ServiceToken]]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a removal did.

    Attributes:
        kind: OAuth or service token; tokens of `cloudflared` belong to `cloudflared`.
        left: the places that could not be reached and still hold secrets of removed credentials.
    """

    kind: CredentialKind
    left: tuple[StoreKind, ...]


class ForgottenCredentials:
    """What was forgotten, in memory alone, until the program ends."""

    def __init__(self) -> None:
        self._restores: list[tuple[str, _Restore]] = []

    @property
    def last(self) -> str:
        """The id of the credential that `restore` stores again; empty if there is none."""
        return self._restores[-1][0] if self._restores else ""

    def add(self, record_id: str, restore: _Restore) -> None:
        self._restores.append((record_id, restore))

    async def restore(self, session: Session) -> Grant | ServiceToken:
        """Store what was forgotten last in the store that is open, which reads it back; return its record.

        Raises:
            UsageError: nothing was forgotten, or the same credential was stored again since.
            NoSecretStore: it could not be stored; it stays restorable.
            LockBusy: another process was writing all the time.
        """
        if not self._restores:
            raise UsageError("There is nothing to restore.", "Only what this run forgot can be restored.")
        credentials = session.credentials
        # Taken first: a second undo at the same time takes the one before.
        record_id, restore = self._restores.pop()
        stored = {*credentials.service_tokens.ids(), *(grant.grant_id for grant in credentials.list())}
        if record_id in stored:
            raise UsageError("This credential was stored again since.", "The newer one stays.")
        try:
            restored = await restore(credentials)
        except BaseException:
            self.add(record_id, restore)
            raise
        credentials.record(AccessKind.RESTORED, record_id, "stored again on this machine")
        return restored


async def forget(session: Session, record_id: str, undo: ForgottenCredentials | None = None) -> Forgotten:
    """Remove a grant or a service token with its recorded requests, readable or not.

    Args:
        record_id: the id of its record.
        undo: holds what was removed in memory, to restore it. It cannot be restored if its secrets cannot be
            read, or while another program refreshes it.
    """
    credentials = session.credentials
    if record_id in credentials.service_tokens.ids():
        await _remove_service_token(credentials, record_id, undo)
        credentials.traces.drop(record_id)
        kind = CredentialKind.SERVICE_TOKEN
    else:
        await _remove_grant(credentials, record_id, undo)
        kind = CredentialKind.OAUTH
    # A store that could not be reached at an earlier removal may still hold its secrets.
    return Forgotten(kind, await erase_left(credentials))


async def _remove_grant(credentials: Credentials, grant_id: str, undo: ForgottenCredentials | None) -> None:
    if undo is not None:
        with suppress(AuthlensError):
            lock = refresh_lock(credentials.get(grant_id))
            async with credentials.locks.hold(*lock, purpose="forgetting", bound=_REFRESH_BOUND):
                grant, secrets = await credentials.load(grant_id)
                await credentials.forget(grant_id)
            undo.add(grant_id, lambda target: save_login(target, grant, secrets))
            return
    await credentials.forget(grant_id)


async def _remove_service_token(
    credentials: Credentials, token_id: str, undo: ForgottenCredentials | None
) -> None:
    if undo is not None:
        with suppress(AuthlensError):
            token, secret = await credentials.service_tokens.load(token_id)
            await credentials.service_tokens.remove(token_id)
            undo.add(token_id, lambda target: target.service_tokens.put(token, secret))
            return
    await credentials.service_tokens.remove(token_id)
