"""The results of one action on many credentials: one line or two for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType

from authlens_core.values.fix import Fix
from authlens_tui.screens.dialog import DIALOG_STYLES, Dialog, DialogBox
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.lines import Line, Tone, line
from authlens_tui.widgets.key_binding import keys


class Result(NamedTuple):
    """One credential's result: its resource, whether it went well (None: no one can say), and the words."""

    resource: str
    good: bool | None
    words: str
    cure: str | Fix = ""


_SIGNS = {True: ("✔ ", Tone.GOOD), False: ("✖ ", Tone.BAD), None: ("? ", Tone.WARNING)}


class ResultsScreen(Dialog[None]):
    """Lists results, those that need someone first."""

    CSS_PATH = [DIALOG_STYLES, Path(__file__).with_name("results.tcss")]  # noqa: RUF012 - Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = keys("results")

    def __init__(self, title: str, summary: str, results: Sequence[Result]) -> None:
        super().__init__()
        self._title = title
        self._summary = summary
        # False and None before True: what needs someone comes first.
        self._results = sorted(results, key=lambda result: (result.good is True, result.resource))

    def body(self) -> ComposeResult:
        with DialogBox(self._title, wide=True):
            yield Static(Content(self._summary), id="results-summary")
            yield DocumentView(_lines(self._results), id="results")

    def on_mount(self) -> None:
        self.query_one("#results", DocumentView).focus()


def _lines(results: Iterable[Result]) -> Iterable[Line]:
    for result in results:
        yield line(_SIGNS[result.good], (result.resource, Tone.NAME))
        yield line(f"  {result.words}", hang=2, words=True)
        if result.cure and result.good is not True:
            yield line((f"  → {result.cure}", Tone.NOTE), hang=4, words=True)
