"""A registered client: a `ClientRecord` without secrets for the index, `ClientSecrets` for the store."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from authlens_core.credentials.records.grant import require_time_zones
from authlens_core.values.secret import Secret
from authlens_core.values.stage import Need
from authlens_core.values.store_kind import StoreKind


class ClientRecord(Struct, frozen=True):
    """A registered client without its secrets, known for (issuer, redirect URI), so that it is reused.

    The fields are those of `oauth.client_authentication.Client`, and `registered_at` in UTC.
    """

    issuer: str
    redirect_uri: str
    token_endpoint_auth_method: str
    client_id: str
    registered_at: datetime
    client_secret_expires_at: int | None = None
    registration_client_uri: str | None = None
    grant_types: tuple[str, ...] = ()
    scope: str | None = None
    issued_at: int | None = None
    needs: tuple[Need, ...] = ()
    unanswered: int = 0
    has_secrets: bool = False
    generation: int = 0
    place: StoreKind = StoreKind.KEYRING

    def __post_init__(self) -> None:
        require_time_zones(self, "registered_at")


class ClientSecrets(Struct, frozen=True):
    """The secrets of a client or a service token: both may be missing."""

    client_secret: Secret | None = None
    registration_access_token: Secret | None = None
