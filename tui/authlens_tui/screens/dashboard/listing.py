"""The credentials on the dashboard, and the stored events and requests of the selected one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Final

from authlens_core.desk.credentials import (
    AuthlensError,
    CloudflaredToken,
    Expiries,
    Index,
    Inventory,
    InventoryEntry,
    SortOrder,
    expiries_of,
    read_inventory,
)
from authlens_tui.screens.dashboard.context import DashboardContext
from authlens_tui.screens.dashboard.words import damaged_words, title_words

if TYPE_CHECKING:
    from authlens_core.desk.credentials import Event, TraceSummary

_FEW: Final = 100  # credentials

_SORTED_BY: Final[Mapping[SortOrder, str]] = {
    SortOrder.ENDS: "life",
    SortOrder.NEEDS: "state",
    SortOrder.NEWEST: "login",
    SortOrder.RESOURCE: "resource",
    SortOrder.PROVEN: "proven",
    SortOrder.KIND: "kind",
    SortOrder.TEAM: "team",
    SortOrder.PERSON: "person",
}
_BY_COLUMN: Final = {column: order for order, column in _SORTED_BY.items()} | {"next": SortOrder.ENDS}


class Listing:
    """Reads credentials again only when they changed: an idle second costs one look at the index."""

    def __init__(self) -> None:
        self.files: tuple[CloudflaredToken, ...] = ()
        """The tokens of cloudflared, as they were found last."""
        self.left_out = 0
        """The number of cloudflared tokens beyond the limit of the list."""
        self.matching: tuple[InventoryEntry, ...] = ()
        """The credentials that the filter lets through."""
        self.order = SortOrder.NEEDS
        self.text = ""
        """The words in the filter."""
        self.inventory = Inventory()
        self.expiries = Expiries()
        """When those credentials expire, as of the last look."""
        self._is_current = False
        self._sorted: tuple[InventoryEntry, ...] = ()
        self._as_of = datetime.now(UTC)

    def invalidate(self) -> None:
        """Read everything again next time."""
        self._is_current = False

    def read(self, index: Index, *, reread: bool) -> bool:
        """Read what changed; return whether anything did, or `reread`.

        Raises:
            IndexBusy: another process holds the index; what was read before is still there.
            AuthlensError: the index cannot be read.
        """
        before = self.inventory if self._is_current and not reread else None
        with index.waiting_briefly():
            self.inventory = read_inventory(index, self.files, before=before)
        self._is_current = True
        return self.inventory is not before

    def rows(self, now: datetime, *, sorts: bool = True) -> Sequence[InventoryEntry]:
        """Return the credentials that match the filter; `sorts` is false if only the filter has changed."""
        if sorts:
            self._sorted = self.order.arrange(self.entries, now)
        self._as_of = now
        self.matching = tuple(entry for entry in self._sorted if entry.matches(self.text, now))
        self.expiries = expiries_of(self.matching, now)
        return self.matching

    def next_words(self, before: str) -> Iterator[str]:
        """Yield the words that may follow in the filter: of the credentials that it still shows."""
        typed = before.casefold().split()
        texts = (entry.words for entry in self.matching)
        first = self.matching[:_FEW]  # to ask all for their states takes as long as to draw the list
        more = (f"{entry.kind.label} {entry.status(self._as_of).word}".casefold() for entry in first)
        for text in chain(texts, more):
            yield from (word for word in text.split() if word not in typed)

    @property
    def sorted_by(self) -> str:
        """The key of the column that shows the order."""
        return _SORTED_BY[self.order]

    def sort_by(self, column: str) -> None:
        self.order = _BY_COLUMN[column]

    @property
    def entries(self) -> tuple[InventoryEntry, ...]:
        return self.inventory.entries

    @property
    def title(self) -> str:
        return title_words(len(self.matching), len(self.entries), self.text, self.expiries)

    @property
    def subtitle(self) -> str:
        more = f"{self.left_out} more tokens of cloudflared are not listed" if self.left_out else ""
        return " · ".join(filter(None, (self.damaged, more, self.order.value)))

    @property
    def damaged(self) -> str:
        """The number of damaged records and the fix for them; empty if there are none."""
        return damaged_words(len(self.inventory.damaged))


_EVENTS: Final = 8  # that the detail shows


class SelectedHistory:
    """Looks things up once for each selection: the pane is brought up to date every second."""

    def __init__(self, context: DashboardContext) -> None:
        self._context = context
        self.forget()

    def forget(self) -> None:
        """Look again next time: more may be stored by now."""
        self._of = ""
        self._found: tuple[tuple[Event, ...], tuple[TraceSummary, ...]] = ((), ())

    def of(self, entry: InventoryEntry) -> tuple[tuple[Event, ...], tuple[TraceSummary, ...]]:
        """Return the stored events and traces of a credential; none if they cannot be read."""
        if self._of != entry.entry_id and self._context.is_store_open:
            self._of, self._found = entry.entry_id, ((), ())
            with suppress(AuthlensError):  # the table shows the error, now or in a second
                credentials = self._context.session.credentials
                with credentials.index.waiting_briefly():
                    events = credentials.index.events(entry.entry_id, _EVENTS)
                self._found = events, credentials.traces.of(entry.entry_id, entry.url)
        return self._found if self._of == entry.entry_id else ((), ())
