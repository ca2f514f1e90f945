"""The choice of a trace: a stored one of a credential, or a session file."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from textual import getters, on, work
from textual.app import ComposeResult
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from authlens_core.desk.credentials import StateUnusable, Traces, TraceSummary
from authlens_core.export.saved_file import open_session_file, typed_path
from authlens_core.trace.record import Trace
from authlens_tui.screens.dialog import Dialog, DialogBox
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys

_SUFFIX: Final = ".json"
_LOOKED_AT: Final = 5_000  # entries of a directory
_OFFERED: Final = 50  # names
_HINT: Final = "Enter opens it."


def completions(typed: str) -> tuple[str, ...]:
    """Return the completions of `typed`: session files, the newest first, then directories and the parent.

    Each name begins with the directory that was typed, and that of a directory ends with a slash. Nothing is
    returned for a directory that cannot be read. Hidden names have to be typed with their dot.
    """
    head, slash, start = typed.rpartition("/")
    directory = f"{head}{slash}"
    files: list[tuple[float, str]] = []
    directories: list[str] = []
    with (
        suppress(OSError, ValueError, RuntimeError),
        os.scandir(Path(directory or ".").expanduser()) as entries,
    ):
        # A directory may have any number of entries, and each costs a call of the system.
        for entry in islice(entries, _LOOKED_AT):
            is_hidden = entry.name.startswith(".") and not start
            # A name with control characters could not be shown as it is, and so not be typed either.
            if is_hidden or not entry.name.startswith(start) or Content.line(entry.name).plain != entry.name:
                continue
            with suppress(OSError):
                if entry.is_dir():
                    directories.append(f"{directory}{entry.name}/")
                elif entry.name.endswith(_SUFFIX):
                    files.append((entry.stat().st_mtime, f"{directory}{entry.name}"))
        if not start:
            directories = [*sorted(directories), f"{directory}../"]
    newest = (name for _, name in sorted(files, reverse=True))
    return (*newest, *directories)[:_OFFERED]


class StoredTraces(NamedTuple):
    """The traces that are kept of one credential, and of the logins to its URL that left none.

    Attributes:
        others: id and URL of the credentials whose traces are offered after those.
    """

    traces: Traces
    grant_id: str = ""
    urls: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()

    def entries(self) -> tuple[tuple[TraceSummary, str], ...]:
        """Return the stored traces with their names, newest first; none if they cannot be read."""
        try:
            of_credential = [
                (summary, _words(summary)) for summary in self.traces.of(self.grant_id, *self.urls)
            ]
            others = [
                (summary, f"{_words(summary)}  {url.removeprefix('https://')}")
                for other, url in self.others
                if other != self.grant_id
                for summary in self.traces.of(other, url)
            ]
        except StateUnusable:
            return ()
        return (*of_credential, *sorted(others, key=lambda other: other[0].at, reverse=True)[:_OFFERED])


class NamedTrace(NamedTuple):
    """A trace and what to call it."""

    trace: Trace
    name: str


class OpenSessionScreen(Dialog[NamedTrace | None]):
    """Lists stored traces and takes the name of a file.

    Args:
        stored: the traces of a credential; None where there are none.
        without: the id of a trace that is not offered.
        without_file: the name of a file that is not offered.
    """

    BINDINGS = keys("open_session")

    field = getters.query_one("#file", Input)
    files = getters.query_one("#files", OptionList)

    def __init__(
        self,
        title: str = "Open",
        stored: StoredTraces | None = None,
        *,
        without: str = "",
        without_file: str = "",
    ) -> None:
        super().__init__()
        self._without_file = without_file
        self._title = title
        self._stored = stored
        traces = stored.entries() if stored is not None else ()
        self._traces = tuple(one for one in traces if one[0].trace_id != without)
        self._found: tuple[str, ...] = ()

    def body(self) -> ComposeResult:
        with DialogBox(self._title):
            if self._traces:
                yield OptionList(*(Option(Content(name)) for _, name in self._traces), id="kept")
            yield Input(
                placeholder="or a file: login.authlens.json" if self._traces else "a session file",
                id="file",
            )
            yield OptionList(id="files")
            yield Static(Content(_HINT), id="hint", classes="dialog-hint")

    def on_mount(self) -> None:
        self.files.display = False
        self._look("")
        if self._traces:
            stored = self.query_one("#kept", OptionList)
            stored.highlighted = 0
            stored.focus()
        else:
            self.field.focus()

    # -- files -----------------------------------------------------------------------------------------

    @on(Input.Changed, "#file")
    def _typed(self) -> None:
        self._look(self.field.value)

    @work(exclusive=True, group="look", description="look for session files")
    async def _look(self, typed: str) -> None:
        """List what the name may mean; in a thread, because a directory may be large or far away."""
        files = await asyncio.to_thread(completions, typed)
        self._found = tuple(file for file in files if file != self._without_file)
        self.files.set_options(Option(Content.line(file)) for file in self._found)
        self.files.display = bool(self._found)
        if self.files.has_focus:
            self.files.action_first()

    def action_choose(self) -> None:
        if self._found:
            self.files.focus()
            self.files.action_first()

    @on(OptionList.OptionSelected, "#files")
    def _file_chosen(self, event: OptionList.OptionSelected) -> None:
        self._take(self._found[event.option_index])

    def _take(self, name: str) -> None:
        """Open a file, or go into a directory."""
        self.field.value = name
        self.field.cursor_position = len(name)
        if not name.endswith("/"):
            self._open(name)

    @on(OptionList.OptionSelected, "#kept")
    def _kept_chosen(self, event: OptionList.OptionSelected) -> None:
        if self._stored is None:
            return
        summary, name = self._traces[event.option_index]
        with self.telling("#hint"):
            self.dismiss(NamedTrace(self._stored.traces.open(summary.trace_id), name))

    @on(Input.Submitted)
    def _file_named(self, event: Input.Submitted) -> None:
        self._open(event.value)

    # Exclusive: two presses of Enter would open it twice and dismiss a screen that is gone.
    @work(exclusive=True, group="open", description="open a file")
    async def _open(self, name: str) -> None:
        with self.telling("#hint"):
            path = typed_path(name)
            # The beginning of a name is enough where it is that of one file or directory only.
            if name and not await asyncio.to_thread(path.is_file):
                files = await asyncio.to_thread(completions, name)
                if len(files) == 1 and files[0].endswith("/"):
                    self._take(files[0])
                    return
                path = typed_path(files[0]) if len(files) == 1 else path
            # In a thread: a file of many megabytes takes a moment.
            trace = await asyncio.to_thread(open_session_file, path)
            self.dismiss(NamedTrace(trace, path.name))


def _words(summary: TraceSummary) -> str:
    return f"{summary.kind:<7} {summary.outcome:<9} {summary.at:%Y-%m-%d %H:%M:%S %Z}"
