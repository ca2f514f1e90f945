"""The credentials in the order that the table shows: read from the index, filtered, sorted, grouped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from authlens_core.cloudflare.cloudflared_token import CloudflaredToken
from authlens_core.credentials.inventory.inventory import (
    InventoryEntry,
    SortOrder,
    TeamHeading,
    arranged,
    inventory_of,
    matching,
)
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.table import CLIENTS, all_service_tokens
from authlens_tui.screens.dashboard.words import damaged_words, title_words

# Seconds that the screen waits for another process that writes to the index.
PATIENCE: Final = 0.01


class Listing:
    """Reads credentials again only when they changed: an idle second costs one look at the index."""

    def __init__(self) -> None:
        self.files: tuple[CloudflaredToken, ...] = ()
        """The tokens of cloudflared, as they were found last."""
        self.left_out = 0
        """How many tokens of cloudflared were too many to be listed."""
        self.entries: tuple[InventoryEntry, ...] = ()
        self.shown: tuple[InventoryEntry, ...] = ()
        """The credentials that the filter lets through."""
        self.order = SortOrder.NEEDS
        self.grouped = False
        self.text = ""
        """What the filter looks for."""
        self.has_managed_clients = False
        """Whether a server lets authlens delete a client that it registered."""
        self.has_history = False
        """Whether anything has happened to a credential on this machine."""
        self._damaged = 0
        self._seen: tuple[object, object] = (None, None)

    def forget_seen(self) -> None:
        """Read everything again next time."""
        self._seen = (None, None)

    def read(self, index: Index, *, reread: bool) -> bool:
        """Read what changed; return whether anything did, or `reread`.

        Raises:
            IndexBusy: another process holds the index; what was read before is still there.
            AuthlensError: the index cannot be read.
        """
        with index.waiting_at_most(PATIENCE):
            # The index returns the same objects again while no one writes.
            grants, damaged = index.grants()
            if not reread and self._seen[0] is grants and self._seen[1] is self.files:
                return False
            tokens, damaged_tokens = all_service_tokens(index)
            clients = CLIENTS.all(index)[0].values()
            self.has_history = bool(index.events(limit=1))
        self.entries = inventory_of(grants, self.files, tokens)
        self.has_managed_clients = any(client.registration_client_uri for client in clients)
        self._damaged = len(damaged) + len(damaged_tokens)
        self._seen = grants, self.files
        return True

    def rows(self, now: datetime) -> Sequence[InventoryEntry | TeamHeading]:
        self.shown = matching(self.entries, self.text, now)
        return arranged(self.shown, self.order, now, grouped=self.grouped)

    @property
    def title(self) -> str:
        return title_words(len(self.shown), len(self.entries), self.text)

    @property
    def subtitle(self) -> str:
        order = f"sorted by {self.order.value}" + (", grouped by team" if self.grouped else "")
        more = f"{self.left_out} more tokens of cloudflared are not listed" if self.left_out else ""
        return " · ".join(filter(None, (self.damaged, more, order)))

    @property
    def damaged(self) -> str:
        """How many records cannot be read and what to do about them; empty if all can."""
        return damaged_words(self._damaged)
