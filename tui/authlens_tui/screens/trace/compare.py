"""Two traces side by side: only what differs, stage by stage."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import getters, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from authlens_core.export.compare import Comparison, Difference, StageComparison, compare
from authlens_core.trace.record import Trace
from authlens_core.trace.stage_info import STAGE_INFO
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.lines import BLANK, Line, Tone, line, prose, rows_of
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

_WIDE: Final = 110  # cells of the document from which the sides are side by side
_AROUND: Final = 6  # cells of a row of the screen that are no text: border, padding, scroll bar
_SHOWN: Final = 4_000  # characters of a value
_INDENT: Final = 2


class CompareScreen(Screen[None]):
    """Shows what differs between two traces.

    Args:
        left: the one.
        right: the other.
        names: what to call them.
    """

    app = getters.app(TerminalApp)

    HELP = "Only what differs is shown. f shows what differs as it must, too: states, codes, tokens, dates."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back", id="compare.back", tooltip="Back to the trace"),
        Binding("f", "unfold", "All", id="compare.unfold", tooltip="Show or fold what differs as it must"),
        Binding("c", "copy", "Copy", id="compare.copy", tooltip="Copy what is shown"),
    ]

    document = getters.query_one(DocumentView)

    def __init__(self, left: Trace, right: Trace, names: tuple[str, str] = ("A", "B")) -> None:
        super().__init__()
        self._traces = left, right
        self._names = names
        self._found: Comparison | None = None
        self._unfolded = False

    def compose(self) -> ComposeResult:
        """Lay out the document."""
        yield TitleBar(f"compare {self._traces[0].resource_url}")
        yield DocumentView()
        yield KeyFooter()

    def on_mount(self) -> None:
        """Compare, and show what was found."""
        self.document.label("what differs")
        self.document.show([prose("Comparing …", Tone.MUTED)])
        self.document.focus()
        self._compare()

    @work(exclusive=True, group="compare", description="compare two traces")
    async def _compare(self) -> None:
        # In a thread: masking a megabyte takes a moment.
        self._found = await asyncio.to_thread(compare, *self._traces)
        self._show()

    def on_resize(self) -> None:
        """Lay out for the width there is now."""
        self._show()

    def _show(self) -> None:
        if self._found is not None:
            width = self.size.width - _AROUND
            self.document.show(
                comparison_lines(self._found, width, self._names, unfolded=self._unfolded), keep_place=True
            )

    def action_unfold(self) -> None:
        """Show what differs as it must, or fold it away."""
        self._unfolded = not self._unfolded
        self._show()

    @work(exclusive=True, group="copy", description="copy")
    async def action_copy(self) -> None:
        """Copy what is shown; there are no secrets in it."""
        await self.app.copy(self.document.plain, "What differs")


def comparison_lines(
    found: Comparison, width: int, names: tuple[str, str] = ("A", "B"), *, unfolded: bool = False
) -> list[Line]:
    """Return a comparison as lines, for a document that has `width` cells."""
    lines = list(_names(names, width))
    if found.same:
        lines += [BLANK, prose("Nothing differs.", Tone.GOOD)]
    if found.about:
        lines += [BLANK, *_differences(found.about, width)]
    for stage in found.stages:
        lines += _stage(stage, width, unfolded=unfolded)
    return lines


def _names(names: tuple[str, str], width: int) -> Iterable[Line]:
    if width >= _WIDE:
        return _columns(names[0], names[1], width, Tone.TITLE)
    return [
        line((f"{sign}  ", Tone.MUTED), (name, Tone.TITLE), hang=3)
        for sign, name in zip("AB", names, strict=True)
    ]


def _stage(stage: StageComparison, width: int, *, unfolded: bool) -> Iterator[Line]:
    if not stage.differences and not unfolded:
        return
    again = f", attempt {stage.turn}" if stage.turn > 1 else ""
    yield BLANK
    yield line((f"{STAGE_INFO[stage.stage].title}{again}", Tone.TITLE))
    yield from _differences(stage.differences, width)
    if not stage.as_it_must:
        return
    count = len(stage.as_it_must)
    if unfolded:
        yield prose("differs as it must:", Tone.MUTED, indent=_INDENT)
        yield from _differences(stage.as_it_must, width)
    else:
        yield prose(f"{count} more as it must (f shows it)", Tone.MUTED, indent=_INDENT)


def _differences(differences: Sequence[Difference], width: int) -> Iterator[Line]:
    for one in differences:
        yield line((" " * _INDENT + one.name, Tone.NAME), hang=_INDENT)
        left, right = _value(one.left), _value(one.right)
        if width >= _WIDE:
            yield from _columns(left, right, width, Tone.PLAIN)
        else:
            for sign, value in (("A", left), ("B", right)):
                yield line((f"    {sign}  ", Tone.MUTED), value, hang=7)


def _value(value: str | None) -> str:
    """Return a value on one line; what is cut says so."""
    if value is None:
        return "(not there)"
    more = len(value) - _SHOWN
    shown = value[:_SHOWN] or "(empty)"
    return f"{shown} … {more} more characters" if more > 0 else shown


def _columns(left: str, right: str, width: int, tone: Tone) -> Iterator[Line]:
    """Yield both texts beside each other, each wrapped in its half."""
    half = (width - 2 * _INDENT - 3) // 2
    sides = [[row.text for row in rows_of(line(text), half)] for text in (left, right)]
    for one, other in zip_longest(*sides, fillvalue=""):
        gap = " " * (half - cell_len(one))
        yield line((f"{' ' * 2 * _INDENT}{one}{gap}", tone), (" │ ", Tone.MUTED), (other, tone))
