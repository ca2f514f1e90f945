"""List what is stored on this machine and what happened to it, without a secret."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.cloudflare.cloudflared_files import CloudflaredDirectory, read_cloudflared_token
from authlens_core.cloudflare.cloudflared_token import CloudflaredToken, names_of
from authlens_core.credentials.lifecycle.inventory import (
    AHEAD,
    SOON,
    Expiries,
    InventoryEntry,
    SortOrder,
    expiries_of,
    inventory_of,
)
from authlens_core.credentials.records.grant import (
    CredentialStatus,
    Grant,
    GrantState,
    StatusKind,
    utc_now,
    working_logins,
)
from authlens_core.credentials.records.index import AccessKind, Event, Index, IndexBusy
from authlens_core.credentials.records.lifetime import refresh_due, seconds_until_retry
from authlens_core.credentials.records.service_token import (
    DEFAULT_HEADER,
    ServiceToken,
    TokenForm,
    expiry_from_text,
)
from authlens_core.credentials.records.table import (
    CLIENTS,
    DamagedRecord,
    all_service_tokens,
    damaged_records,
)
from authlens_core.credentials.records.traces import Traces, TraceSummary
from authlens_core.values.errors import AuthlensError, StateUnusable
from authlens_core.values.formats.jwt import Jwt, parse_jwt
from authlens_core.values.safe_text import safe_line
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import CredentialKind
from authlens_core.values.url import covers, parse_url

if TYPE_CHECKING:
    from authlens_core.desk.session import Session

__all__ = [
    "AHEAD",
    "DEFAULT_HEADER",
    "SOON",
    "AccessKind",
    "AuthlensError",
    "CloudflaredDirectory",
    "CloudflaredToken",
    "CredentialKind",
    "CredentialStatus",
    "DamagedRecord",
    "Event",
    "Expiries",
    "Grant",
    "GrantState",
    "Index",
    "IndexBusy",
    "Inventory",
    "InventoryEntry",
    "Jwt",
    "Secret",
    "ServiceToken",
    "SortOrder",
    "StateUnusable",
    "StatusKind",
    "TokenForm",
    "TraceSummary",
    "Traces",
    "access_events",
    "damaged_records",
    "expiries_of",
    "expiry_from_text",
    "read_inventory",
    "refresh_due",
    "seconds_until_retry",
    "token_claims",
    "utc_now",
    "working_logins",
]


class Inventory(Struct, frozen=True):
    """Everything that is stored, at one moment.

    Attributes:
        entries: a row for each credential: logins, tokens of `cloudflared`, service tokens.
        damaged: the records that cannot be read.
        has_managed_clients: whether a server lets authlens delete a client that it registered.
        has_history: whether anything has happened to a credential on this machine.
        grants: what the entries were made of; so is `files`.
    """

    entries: tuple[InventoryEntry, ...] = ()
    damaged: tuple[DamagedRecord, ...] = ()
    has_managed_clients: bool = False
    has_history: bool = False
    grants: tuple[Grant, ...] = ()
    files: tuple[CloudflaredToken, ...] = ()

    def to_probe(self, url: str | None = None) -> tuple[InventoryEntry, ...]:
        """Return what a resource can be asked about: everything, or all that covers `url`."""
        usable = (entry for entry in self.entries if entry.can_be_asked_about)
        if url is None:
            return tuple(usable)
        host_names = names_of(parse_url(url, loopback_http=True))
        return (
            *(entry for entry in usable if entry.url and covers(entry.url, url)),
            # A file of cloudflared is named by host and audience, not by a URL: it may fit this one.
            *(replace(entry, url=url) for entry in self.entries if _may_mean(entry, host_names)),
        )


def _may_mean(entry: InventoryEntry, host_names: tuple[str, ...]) -> bool:
    """Return whether the name of a cloudflared file, which can mean several addresses, is one of these."""
    token = entry.cloudflared
    if token is None or entry.url:
        return False
    return token.opens_application and not token.problem and token.host in host_names


def read_inventory(
    index: Index,
    files: tuple[CloudflaredToken, ...] | None = None,
    *,
    before: Inventory | None = None,
) -> Inventory:
    """Return what is stored now; `before` itself if nothing has changed since.

    Args:
        files: the tokens of `cloudflared`; None looks for them where `cloudflared` has them.

    Raises:
        IndexBusy: another process holds the index.
        StateUnusable: the index cannot be read.
    """
    if files is None:
        files = CloudflaredDirectory().find()
    # The index returns the same objects again while no one writes.
    grants = index.grants()[0]
    if before is not None and before.grants is grants and before.files is files:
        return before
    tokens = all_service_tokens(index)[0]
    # A list is wanted most where something is damaged, and it can do without these.
    has_managed_clients = has_history = False
    with suppress(StateUnusable):
        clients = CLIENTS.all(index)[0].values()
        has_managed_clients = any(client.registration_client_uri for client in clients)
        has_history = bool(index.events(limit=1))
    return Inventory(
        inventory_of(grants, files, tokens),
        damaged_records(index),
        has_managed_clients=has_managed_clients,
        has_history=has_history,
        grants=grants,
        files=files,
    )


def token_claims(token: CloudflaredToken | Secret) -> Jwt | None:
    """Return what is in a token, not verified; None if it is no JWT, or its file is gone."""
    text = read_cloudflared_token(token) if isinstance(token, CloudflaredToken) else token
    return None if text is None else parse_jwt(text)


# -- history -----------------------------------------------------------------------------------------------


# As many as the index keeps.
_MOST_EVENTS: Final = 10_000


def access_events(
    session: Session,
    entry_id: str | None = None,
    *,
    kind: AccessKind | None = None,
    url: str | None = None,
    limit: int = _MOST_EVENTS,
    names: Mapping[str, str] | None = None,
) -> tuple[Event, ...]:
    """Return the newest events, newest first, each with its resource without `https://`, where it is known.

    Args:
        entry_id: of one credential alone; None for all.
        kind: of this kind alone.
        url: of credentials that cover this URL alone, also those that are gone.
        limit: how many are looked at.
        names: the resource of each credential, by its id; those of the index by default.

    Raises:
        StateUnusable: the index cannot be used.
    """
    events = session.credentials.index.events(entry_id, limit)
    # The event that began a credential names its resource, also when the credential is gone.
    known = {event.grant_id: _bare(event.resource) for event in events if event.resource}
    known |= _stored_resources(session) if names is None else names
    named = (replace(event, resource=safe_line(known.get(event.grant_id, ""))) for event in events)
    return tuple(event for event in named if kind in (None, event.kind) and _is_about(event, url))


def _is_about(event: Event, url: str | None) -> bool:
    if url is None:
        return True
    return covers(event.resource if "://" in event.resource else f"https://{event.resource}", url)


def _stored_resources(session: Session) -> dict[str, str]:
    credentials = session.credentials
    names = {grant.grant_id: _bare(grant.resource_url) for grant in credentials.list()}
    return names | {token.token_id: _bare(token.url) for token in credentials.service_tokens.list()}


def _bare(url: str) -> str:
    return url.removeprefix("https://")
