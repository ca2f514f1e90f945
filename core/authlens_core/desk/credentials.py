"""List what is stored on this machine: credentials of all three kinds, without a secret."""

from __future__ import annotations

from dataclasses import replace

from authlens_core.cloudflare.cloudflared_files import CloudflaredDirectory
from authlens_core.cloudflare.cloudflared_names import names_of
from authlens_core.cloudflare.cloudflared_token import CloudflaredToken
from authlens_core.credentials.inventory.inventory import (
    InventoryEntry,
    SortOrder,
    TeamHeading,
    inventory_of,
)
from authlens_core.credentials.records.coverage import covers
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.table import (
    CLIENTS,
    DamagedRecord,
    all_service_tokens,
    damaged_records,
)
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.url import parse_url

__all__ = [
    "CloudflaredDirectory",
    "CloudflaredToken",
    "Inventory",
    "InventoryEntry",
    "SortOrder",
    "TeamHeading",
    "read_inventory",
]


@dataclass(frozen=True, slots=True)
class Inventory:
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
    clients = CLIENTS.all(index)[0].values()
    return Inventory(
        inventory_of(grants, files, tokens),
        damaged_records(index),
        has_managed_clients=any(client.registration_client_uri for client in clients),
        has_history=bool(index.events(limit=1)),
        grants=grants,
        files=files,
    )
