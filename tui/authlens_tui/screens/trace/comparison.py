"""Two traces side by side: only what differs, stage by stage."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import getters, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from authlens_core.export.compare import Comparison, Difference, StageComparison, compare
from authlens_core.trace.flow import stage_info
from authlens_core.trace.record import Trace
from authlens_core.values.safe_text import safe_line
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.lines import BLANK, Line, Tone, line, prose, rows_of
from authlens_tui.widgets.key_binding import bound
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

_WIDE: Final = 110  # cells of the document from which the sides are side by side
_AROUND: Final = 6  # cells of a row of the screen that are no text: border, padding, scroll bar
_SHOWN: Final = 4_000  # characters of a value
_INDENT: Final = 2  # cells
_LEFT: Final = "bold $text-warning"
_RIGHT: Final = "bold $text-success"


class CompareScreen(Screen[None]):
    """Shows what differs between two traces."""

    app = getters.app(TerminalApp)

    CSS_PATH = "compare.tcss"
    HELP = (
        "Only the differences. − is in A alone, + in B alone. f also shows what is new in every run: states, "
        "codes, tokens, dates."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        bound("compare.back", "escape", "app.pop_screen", "Back", "Back to the trace"),
        bound("compare.unfold", "f", "unfold", "All", "Show or fold the expected differences"),
        bound("compare.copy", "c", "copy", "Copy", "Copy what is shown"),
    ]

    document = getters.query_one(DocumentView)

    def __init__(self, left: Trace, right: Trace, names: tuple[str, str] = ("A", "B")) -> None:
        super().__init__()
        self._traces = left, right
        self._names = names
        self._found: Comparison | None = None
        self._unfolded = False

    def compose(self) -> ComposeResult:
        yield TitleBar(f"compare {self._traces[0].resource_url}")
        yield Static(id="compare-names")
        yield DocumentView()
        yield KeyFooter()

    def on_mount(self) -> None:
        self.document.label("Differences")
        self.document.show([prose("Comparing …", Tone.MUTED)])
        self.document.focus()
        self._compare()

    @work(exclusive=True, group="compare", description="compare two traces")
    async def _compare(self) -> None:
        # In a thread: masking a megabyte takes a moment.
        self._found = await asyncio.to_thread(compare, *self._traces)
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        width = self.size.width - _AROUND
        self.query_one("#compare-names", Static).update(_names(self._names, width))
        if self._found is not None:
            lines = comparison_lines(self._found, width, unfolded=self._unfolded)
            self.document.show(lines, keep_place=True)

    def action_unfold(self) -> None:
        self._unfolded = not self._unfolded
        self._show()

    @work(exclusive=True, group="copy", description="copy")
    async def action_copy(self) -> None:
        """Copy what is shown; there are no secrets in it."""
        names = "".join(f"{sign} {name}\n" for sign, name in zip("AB", self._names, strict=True))
        await self.app.copy(f"{names}\n{self.document.plain}", "The differences")


def comparison_lines(comparison: Comparison, width: int, *, unfolded: bool = False) -> list[Line]:
    lines: list[Line] = []
    if comparison.same:
        lines.append(prose("No differences.", Tone.GOOD))
    if comparison.about:
        lines += _differences(comparison.about, width)
    for stage in comparison.stages:
        lines += [*([BLANK] if lines else []), *_stage(stage, width, unfolded=unfolded)]
    return lines


def _names(names: tuple[str, str], width: int) -> Content:
    """Return what the sides are called, above the columns that they are shown in."""
    left, right = (safe_line(name) for name in names)
    if width >= _WIDE:
        half = _half(width)
        cut = Content(left).truncate(half, ellipsis=True, pad=True)
        pieces = (" " * (2 * _INDENT + 2), Content.of(cut).stylize(_LEFT), " │ ", (right, _RIGHT))
        return Content.assemble(*pieces)
    return Content.assemble(
        ("  A  ", "$text-muted"), (left, _LEFT), ("\n  B  ", "$text-muted"), (right, _RIGHT)
    )


def _stage(stage: StageComparison, width: int, *, unfolded: bool) -> Iterator[Line]:
    if not stage.differences and not unfolded:
        return
    again = f", attempt {stage.turn}" if stage.turn > 1 else ""
    yield line((f"{stage_info(stage.stage).title}{again}", Tone.TITLE))
    yield from _differences(stage.differences, width)
    if not stage.as_it_must:
        return
    count = len(stage.as_it_must)
    if unfolded:
        yield prose("Expected differences:", Tone.MUTED, indent=_INDENT)
        yield from _differences(stage.as_it_must, width)
    else:
        yield prose(
            f"{count} expected difference{'s' if count > 1 else ''} (f shows more)",
            Tone.MUTED,
            indent=_INDENT,
        )


def _differences(differences: Sequence[Difference], width: int) -> Iterator[Line]:
    """Yield what is on one side only in one line each, then what differs, with both values."""
    for difference in differences:
        if difference.left is None or difference.right is None:
            yield _one_sided(difference)
    for difference in differences:
        if difference.left is None or difference.right is None:
            continue
        yield line((" " * _INDENT + difference.name, Tone.NAME), hang=_INDENT)
        left, right = _value(difference.left), _value(difference.right)
        if width >= _WIDE:
            yield from _columns(left, right, width)
        else:
            yield line(("    A  ", Tone.MUTED), (left, Tone.WARNING), hang=7)
            yield line(("    B  ", Tone.MUTED), (right, Tone.GOOD), hang=7)


def _one_sided(difference: Difference) -> Line:
    """Return what only A has, with a minus, or only B, with a plus."""
    sign, tone, value = (
        ("−", Tone.WARNING, difference.left)
        if difference.right is None
        else ("+", Tone.GOOD, difference.right)
    )
    return line(
        (f"{sign} ", tone), (difference.name, Tone.NAME), "  ", (_value(value or ""), tone), hang=2 * _INDENT
    )


def _value(value: str) -> str:
    more = len(value) - _SHOWN
    shown = value[:_SHOWN] or "(empty)"
    return f"{shown} … {more} more characters" if more > 0 else shown


def _half(width: int) -> int:
    return (width - 2 * _INDENT - 3) // 2


def _columns(left: str, right: str, width: int) -> Iterator[Line]:
    """Yield both texts beside each other, each wrapped in its half."""
    half = _half(width)
    sides = [[row.text for row in rows_of(line(text), half)] for text in (left, right)]
    for left_line, right_line in zip_longest(*sides, fillvalue=""):
        # In cells, not characters: a CJK character takes two.
        gap = " " * (half - cell_len(left_line))
        yield line(
            (f"{' ' * 2 * _INDENT}{left_line}{gap}", Tone.WARNING),
            (" │ ", Tone.MUTED),
            (right_line, Tone.GOOD),
        )
