"""Find the recorded requests of a credential: to show them or to save them."""

from __future__ import annotations

import asyncio
from typing import Final

from authlens_core.trace.record import Trace
from authlens_tui.screens.dashboard.context import DashboardContext, TraceWanted

_NOTHING_SENT: Final = "No requests recorded for this credential yet. Probe it (p), or refresh a login (r)."


class SentRequests:
    """Holds the last trace of each credential with its secrets, as long as the program runs.

    Traces on disk are redacted.
    """

    def __init__(self, context: DashboardContext) -> None:
        self._context = context
        self._last: dict[str, Trace] = {}
        self._newest: Trace | None = None

    def note(self, entry_id: str, trace: Trace | None, *, newest: bool = True) -> None:
        """Hold the trace of an action; `newest`: the user started it."""
        if trace is not None:
            self._last[entry_id] = trace
            self._newest = trace if newest else self._newest

    async def inspect(self) -> None:
        recorded = await self._find()
        if recorded is not None:
            trace, entry_id = recorded
            # From the disk, secrets are fingerprints; from this run they can be revealed.
            is_stored = trace is not self._newest and trace is not self._last.get(entry_id)
            self._show(trace, entry_id, is_stored=is_stored)

    async def inspect_newest(self) -> None:
        """Show the newest requests of all: a revocation or a failed login leaves no row to select."""
        trace = await self._newest_of_all()
        if trace is None:
            self._context.say(_NOTHING_SENT)
        else:
            self._show(trace, "", is_stored=trace is not self._newest)

    async def _newest_of_all(self) -> Trace | None:
        """Return the newest trace of this run, or a newer one on disk that belongs to no credential."""
        summaries = self._context.session.credentials.traces.without_credential()
        if summaries and (self._newest is None or summaries[0].at > self._newest.started_at):
            return await self._open(summaries[0].trace_id)
        return self._newest

    async def save(self) -> None:
        recorded = await self._find()
        if recorded is not None:
            from authlens_tui.screens.trace.save_record import ExportScreen

            self._context.show(ExportScreen(recorded[0]))

    async def show_kept(self, trace_id: str) -> None:
        if (entry := self._context.selected) is not None:
            self._show(await self._open(trace_id), entry.entry_id, is_stored=True)

    async def _find(self) -> tuple[Trace, str] | None:
        entry = self._context.selected
        entry_id = "" if entry is None else entry.entry_id
        trace = self._last.get(entry_id)
        if entry is None:
            trace = await self._newest_of_all()
        elif trace is None:
            summaries = self._context.session.credentials.traces.of(entry_id, entry.url)
            trace = await self._open(summaries[0].trace_id) if summaries else None
        if trace is None:
            self._context.say(_NOTHING_SENT)
            return None
        return trace, entry_id

    async def _open(self, trace_id: str) -> Trace:
        # In a thread: a trace of a megabyte takes a moment.
        return await asyncio.to_thread(self._context.session.credentials.traces.open, trace_id)

    def _show(self, trace: Trace, entry_id: str, *, is_stored: bool) -> None:
        self._context.screen.post_message(TraceWanted(trace, entry_id, is_stored=is_stored))
