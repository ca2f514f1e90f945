"""Choosing a trace: one that is kept of a credential, or a session file."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from authlens_core.credentials.records.traces import Traces, TraceSummary
from authlens_core.errors import AuthlensError
from authlens_core.export.saved_file import named_path, open_session
from authlens_core.state.paths import StateUnusable
from authlens_core.trace.record import Trace
from authlens_tui.screens.dialog import Dialog, DialogBox
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.key_footer import KeyFooter

_HINT = "Enter opens it. Tab leads to the next field."


@dataclass(frozen=True, slots=True)
class StoredTraces:
    """The traces that are kept of one credential."""

    traces: Traces
    grant_id: str

    def summaries(self) -> tuple[TraceSummary, ...]:
        """Return what there is, newest first; nothing where it cannot be read."""
        try:
            return self.traces.of(self.grant_id)
        except StateUnusable:
            return ()


@dataclass(frozen=True, slots=True)
class NamedTrace:
    """A trace and what to call it."""

    trace: Trace
    name: str


class OpenSessionScreen(Dialog[NamedTrace | None]):
    """Lists what is kept and takes the name of a file.

    Args:
        title: what it is for, a few words.
        kept: the traces of a credential; None where there are none.
        without: the id of a trace that is not offered.
    """

    HELP = "Choose a trace with the arrow keys, or give the name of a session file; ~ is your home."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Back", id="open_session.cancel", tooltip="Back without opening one"),
    ]

    hint = getters.query_one("#hint", Static)

    def __init__(self, title: str = "Open", kept: StoredTraces | None = None, *, without: str = "") -> None:
        super().__init__()
        self._title = title
        self._kept = kept
        found = kept.summaries() if kept is not None else ()
        self._summaries = tuple(one for one in found if one.trace_id != without)
        self._opening = False

    def compose(self) -> ComposeResult:
        with DialogBox(self._title):
            if self._summaries:
                yield OptionList(*(Option(Content(_words(one))) for one in self._summaries), id="kept")
            yield Input(
                placeholder="or a file: login.authlens.json" if self._summaries else "a session file",
                id="file",
            )
            yield Static(Content(_HINT), id="hint", classes="dialog-hint")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Begin with the newest trace, or the field."""
        if self._summaries:
            kept = self.query_one("#kept", OptionList)
            kept.highlighted = 0
            kept.focus()
        else:
            self.query_one("#file", Input).focus()

    @on(OptionList.OptionSelected)
    def _kept_chosen(self, event: OptionList.OptionSelected) -> None:
        if self._kept is None:
            return
        summary = self._summaries[event.option_index]
        try:
            trace = self._kept.traces.open(summary.trace_id)
        except AuthlensError as error:
            self._say(error)
        else:
            self.dismiss(NamedTrace(trace, _words(summary)))

    @on(Input.Submitted)
    def _file_named(self, event: Input.Submitted) -> None:
        if not self._opening:
            self._opening = True
            self._open(event.value)

    @work(group="open", description="open a file")
    async def _open(self, name: str) -> None:
        try:
            path = named_path(name)
            # In a thread: a file of many megabytes takes a moment.
            trace = await asyncio.to_thread(open_session, path)
        except AuthlensError as error:
            self._say(error)
        else:
            self.dismiss(NamedTrace(trace, path.name))
        finally:
            self._opening = False

    def _say(self, error: AuthlensError) -> None:
        self.hint.update(Content(f"{error.cause} {error.cure}"))
        self.hint.add_class("-bad")

    def action_cancel(self) -> None:
        self.dismiss(None)


def _words(one: TraceSummary) -> str:
    return f"{one.kind:<7} {one.outcome:<9} {one.at:%Y-%m-%d %H:%M:%S %Z}"
