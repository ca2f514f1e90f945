"""The pane beside the table: the selected credential in full, its recorded requests and its events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import OptionList

from authlens_tui.widgets.credentials.credential_detail import trace_option
from authlens_tui.widgets.hanging_text import HangingText, Item

if TYPE_CHECKING:
    from authlens_core.credentials.records.traces import TraceSummary


class CredentialPane(VerticalScroll):
    """Shows texts that change every second and repaints only what did."""

    detail = getters.query_one("#detail", HangingText)
    history = getters.query_one("#history", OptionList)
    happened = getters.query_one("#happened", HangingText)

    class TraceChosen(Message):
        """The user chose a trace of the history."""

        def __init__(self, trace_id: str) -> None:
            super().__init__()
            self.trace_id = trace_id

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._traces: tuple[TraceSummary, ...] = ()
        self._is_complete = False

    def compose(self) -> ComposeResult:
        yield HangingText(id="detail")
        yield Vertical(id="side")

    async def complete(self) -> None:
        """Add what the first paint does not need: it shows the credential alone."""
        history = OptionList(id="history")
        history.border_title = "Recorded requests (redacted)"
        await self.query_one("#side").mount(history, HangingText(id="happened"))
        self._is_complete = True

    def show(
        self,
        detail: Sequence[Item],
        events: Sequence[Item] = (),
        traces: Sequence[TraceSummary] = (),
        *,
        now: datetime | None = None,
    ) -> None:
        """Show a credential, or a text alone; `now` dates the traces."""
        self.detail.show(detail)
        if not self._is_complete:
            return
        self.happened.show(events)
        if tuple(traces) != self._traces:
            self._traces = tuple(traces)
            self.history.clear_options()
            if now is not None:
                self.history.add_options([trace_option(trace, now) for trace in traces])
            self.history.display = bool(traces)

    @on(OptionList.OptionSelected, "#history")
    def _trace_chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option.id is not None:
            self.post_message(self.TraceChosen(event.option.id))
