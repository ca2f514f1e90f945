"""Remove one credential from this machine. Its server is not asked: its tokens stay valid there."""

from __future__ import annotations

from authlens_core.credentials.records.credential_kind import CredentialKind
from authlens_core.credentials.store.store_kind import StoreKind
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.forgotten import ForgottenCredentials
from authlens_core.credentials.vault.leftovers import erase_left
from authlens_core.values.quick_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a removal did.

    Attributes:
        kind: OAuth or service token; tokens of `cloudflared` belong to `cloudflared`.
        left: the places that could not be reached and still hold secrets of removed credentials.
    """

    kind: CredentialKind
    left: tuple[StoreKind, ...]


async def forget(
    credentials: Credentials, record_id: str, undo: ForgottenCredentials | None = None
) -> Forgotten:
    """Remove a grant or a service token with its recorded requests, readable or not.

    Args:
        record_id: the id of its record.
        undo: holds what was removed in memory, to restore it.
    """
    if record_id in credentials.service_tokens.ids():
        await _remove_service_token(credentials, record_id, undo)
        kind = CredentialKind.SERVICE_TOKEN
    else:
        await _remove_grant(credentials, record_id, undo)
        kind = CredentialKind.OAUTH
    # A store that could not be reached at an earlier removal may still hold its secrets.
    return Forgotten(kind, await erase_left(credentials))


async def _remove_grant(credentials: Credentials, grant_id: str, undo: ForgottenCredentials | None) -> None:
    if undo is None:
        await credentials.forget(grant_id)
    else:
        await undo.forget_grant(credentials, grant_id)


async def _remove_service_token(
    credentials: Credentials, token_id: str, undo: ForgottenCredentials | None
) -> None:
    if undo is None:
        await credentials.service_tokens.remove(token_id)
    else:
        await undo.forget_service_token(credentials, token_id)
    credentials.traces.drop(token_id)
