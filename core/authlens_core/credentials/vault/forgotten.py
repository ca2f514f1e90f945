"""What was forgotten stays in memory until the program ends, so that it can be restored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

from authlens_core.credentials.records.access_kind import AccessKind
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials, refresh_lock
from authlens_core.credentials.vault.save_login import save_login
from authlens_core.values.errors import AuthlensError, UsageError

# Seconds to wait for a refresh that is running: afterwards the refresh token in memory would be spent.
_REFRESH_BOUND: Final = 5.0
_Restore: TypeAlias = Callable[[Credentials], Awaitable[Grant | ServiceToken]]


class _Forgotten(NamedTuple):
    credential_id: str
    restore: _Restore


class ForgottenCredentials:
    """Forgets credentials, and restores the one that was forgotten last. Its secrets are in memory alone."""

    def __init__(self) -> None:
        self._forgotten: list[_Forgotten] = []

    @property
    def last(self) -> str:
        """The id of the credential that `restore` stores again; empty if there is none."""
        return self._forgotten[-1].credential_id if self._forgotten else ""

    async def forget_grant(self, credentials: Credentials, grant_id: str) -> bool:
        """Remove a grant as `Credentials.forget` does.

        It cannot be restored if its secrets cannot be read, or while another program refreshes it.
        """
        with suppress(AuthlensError):
            lock = refresh_lock(credentials.get(grant_id))
            async with credentials.locks.hold(*lock, purpose="forgetting", bound=_REFRESH_BOUND):
                grant, secrets = await credentials.load(grant_id)
                erased = await credentials.forget(grant_id)
            self._forgotten.append(_Forgotten(grant_id, lambda open_: save_login(open_, grant, secrets)))
            return erased
        return await credentials.forget(grant_id)

    async def forget_service_token(self, credentials: Credentials, token_id: str) -> bool:
        """Remove a service token as `ServiceTokens.remove` does; not restorable if it cannot be read."""
        with suppress(AuthlensError):
            token, secret = await credentials.service_tokens.load(token_id)
            erased = await credentials.service_tokens.remove(token_id)
            self._forgotten.append(
                _Forgotten(token_id, lambda open_: open_.service_tokens.put(token, secret))
            )
            return erased
        return await credentials.service_tokens.remove(token_id)

    async def restore(self, credentials: Credentials) -> Grant | ServiceToken:
        """Store what was forgotten last in the store that is open, which reads it back; return its record.

        Raises:
            UsageError: nothing was forgotten, or the same credential was stored again since.
            NoSecretStore: it could not be stored; it stays restorable.
            LockBusy: another process was writing all the time.
        """
        if not self._forgotten:
            raise UsageError("There is nothing to restore.", "Only what this run forgot can be restored.")
        forgotten = self._forgotten.pop()  # a second undo at the same time takes the one before
        stored = {*credentials.service_tokens.ids(), *(grant.grant_id for grant in credentials.list())}
        if forgotten.credential_id in stored:
            raise UsageError("This credential was stored again since.", "The newer one stays.")
        try:
            restored = await forgotten.restore(credentials)
        except BaseException:
            self._forgotten.append(forgotten)
            raise
        credentials.record(AccessKind.RESTORED, forgotten.credential_id, "stored again on this machine")
        return restored
