"""The history of access: what happened to which credential and when, newest first, and a file of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from textual import getters
from textual.app import ComposeResult
from textual.screen import Screen

from authlens_core.desk.credentials import Event, access_events
from authlens_core.desk.session import AuthlensError, Session
from authlens_core.export.saved_file import write_export
from authlens_tui.screens.dashboard.words import result_words
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.lines import Line, Tone, line, prose
from authlens_tui.widgets.key_binding import ActionChecks, keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

_WHEN, _KIND = 19, 22  # cells
_WIDE: Final = 100  # cells of the screen from which on a detail has a column of its own


class EventsScreen(ActionChecks, Screen[None]):
    """Lists events; nothing in them is a secret.

    Args:
        names: the resource of each credential, by its id.
        selected: the credential that it can be narrowed to; None where there is none.
    """

    CSS = """
    EventsScreen #events { height: 1fr; }
    EventsScreen #said { height: auto; max-height: 3; padding: 0 1; }
    """
    BINDINGS = keys("events")
    document = getters.query_one("#events", DocumentView)
    result = getters.query_one("#said", Static)

    def __init__(
        self,
        session: Session,
        names: Mapping[str, str],
        *,
        selected: str | None = None,
    ) -> None:
        super().__init__()
        self._session = session
        self._names = names
        self._selected = selected
        self._only = False
        self._events: tuple[Event, ...] = ()

    def compose(self) -> ComposeResult:
        yield TitleBar("Events")
        yield DocumentView(id="events")
        yield Static(id="said")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.document.focus()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        only = self._selected if self._only else None
        try:
            self._events = access_events(self._session, only, names=self._names)
        except AuthlensError as error:
            self.result.update(result_words(str(error), good=False))
            return
        self.document.show(_lines(self._events, self.size.width))
        name = self._names.get(only, only) if only else "all credentials"
        self.document.label(f"Events of {name}", f"{len(self._events)}, newest first")

    def action_only(self) -> None:
        self._only = not self._only
        self._show()

    def can_only(self) -> bool:
        return self._selected is not None

    def action_save(self) -> None:
        """Write what is shown, oldest first, to a new file that only you can read."""
        text = "".join(event.json_line for event in reversed(self._events))
        path = Path(f"authlens-events-{time.strftime('%Y%m%d-%H%M%S')}.jsonl").absolute()
        try:
            write_export(path, text)
        except AuthlensError as error:
            sentence, good = str(error), False
        else:
            sentence, good = f"{len(self._events)} events written to {path}", True
        self.result.update(result_words(sentence, good=good))


def _lines(events: Sequence[Event], width: int) -> Iterable[Line]:
    if not events:
        yield prose(
            "Nothing has happened yet. Logins and refreshes appear here: press Esc, then N to log in.",
            Tone.MUTED,
        )
    hang = _WHEN + _KIND + 4 if width >= _WIDE else _WHEN + 2
    for event in events:
        yield line(
            (f"{event.at:%Y-%m-%d %H:%M:%S}  ", Tone.MUTED),
            (f"{event.kind:<{_KIND}}  ", Tone.WARNING if event.is_trouble else Tone.NAME),
            # The detail of most events starts with the resource.
            "" if event.detail.startswith(event.resource) else f"{event.resource}  ",
            (event.detail, Tone.MUTED),
            hang=hang,
            by_words=True,
        )
