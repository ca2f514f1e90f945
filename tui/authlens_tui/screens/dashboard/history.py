"""What is stored of the selected credential: its events and its recorded requests."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from authlens_core.desk.credentials import InventoryEntry
from authlens_core.values.errors import AuthlensError
from authlens_tui.screens.dashboard.context import DashboardContext
from authlens_tui.screens.dashboard.listing import PATIENCE

if TYPE_CHECKING:
    from authlens_core.desk.credentials import Event, TraceSummary

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
                with credentials.index.waiting_at_most(PATIENCE):
                    events = credentials.events(entry.entry_id, _EVENTS)
                self._found = events, credentials.traces.of(entry.entry_id, entry.url)
        return self._found if self._of == entry.entry_id else ((), ())
