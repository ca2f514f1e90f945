"""Two traces side by side: only what differs, stage by stage."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from typing import Final

from rich.cells import set_cell_size
from textual import getters, work
from textual.app import ComposeResult
from textual.screen import Screen

from authlens_core.export.compare import Comparison, Difference, StageComparison, VerdictKind, compare
from authlens_core.trace.record import Outcome, Severity, Trace
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.lines import BLANK, Line, Piece, Tone, line, prose, rows_of
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.record.signs import OUTCOME_SIGNS, SEVERITY_SIGNS
from authlens_tui.widgets.title_bar import TitleBar

_WIDE: Final = 70  # cells of the document from which on there are three columns
_AROUND: Final = 6  # cells of a row of the screen that are no text: border, padding, scroll bar
_SHOWN: Final = 4_000  # characters of a value
_INDENT: Final = 2  # cells
_GAP: Final = " │ "


class CompareScreen(Screen[None]):
    """Shows the differences between two traces."""

    app = getters.app(TerminalApp)

    CSS_PATH = "compare.tcss"
    BINDINGS = keys("compare")

    document = getters.query_one(DocumentView)

    def __init__(self, left: Trace, right: Trace, names: tuple[str, str] = ("A", "B")) -> None:
        super().__init__()
        self.traces = left, right
        self.names = names
        self._found: Comparison | None = None
        self._unfolded = False

    def compose(self) -> ComposeResult:
        yield TitleBar("Compare")
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
        self._found = await asyncio.to_thread(compare, *self.traces)
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        width = self.size.width - _AROUND
        self.query_one("#compare-names", Static).update(_names(self.names, width))
        if self._found is not None:
            lines = comparison_lines(self._found, width, unfolded=self._unfolded)
            self.document.show(lines, keep_place=True)

    def action_unfold(self) -> None:
        self._unfolded = not self._unfolded
        self._show()

    @work(exclusive=True, group="copy", description="copy")
    async def action_copy(self) -> None:
        """Copy what is shown; there are no secrets in it."""
        names = "".join(f"{sign} {name}\n" for sign, name in zip("AB", self.names, strict=True))
        await self.app.copy(f"{names}\n{self.document.plain}", "The differences")


def comparison_lines(comparison: Comparison, width: int, *, unfolded: bool = False) -> list[Line]:
    """Return the verdict, then what differs; stages that are equal share a line."""
    lines = [line((comparison.verdict.sentence, Tone.TITLE), by_words=True), BLANK]
    if comparison.about:
        lines += [*_differences(comparison.about, width), BLANK]
    parted = comparison.verdict.title if comparison.verdict.kind is VerdictKind.PARTED else ""
    for is_shown, stages in groupby(
        comparison.stages, lambda stage: _is_shown(stage, parted, unfolded=unfolded)
    ):
        if not is_shown:
            lines += [_folded(list(stages)), BLANK]
            continue
        for stage in stages:
            lines += _stage(stage, width, unfolded=unfolded)
            # Stages that one side did not reach have a line each, and no details to set apart.
            lines += [] if None in stage.outcomes else [BLANK]
    return lines if lines[-1] is not BLANK else lines[:-1]


def _is_shown(stage: StageComparison, parted: str, *, unfolded: bool) -> bool:
    """Return whether the stage has its own lines; if two logins part, stages that ended alike have none."""
    if unfolded or not parted:
        return bool(stage.differences or (unfolded and stage.expected))
    return stage.title == parted or stage.outcomes[0] is not stage.outcomes[1]


def _folded(stages: Sequence[StageComparison]) -> Line:
    first, last = stages[0].title, stages[-1].title
    titles = first if first == last else f"{first} – {last}"
    count = sum(len(stage.differences) for stage in stages)
    how = f"ended the same way · {count} difference{'' if count == 1 else 's'} (*)" if count else "equal"
    return line((f"{titles} {how}{_expected(stages)}", Tone.MUTED), by_words=True)


def _expected(stages: Sequence[StageComparison]) -> str:
    count = sum(len(stage.expected) for stage in stages)
    return f" · {count} expected difference{'' if count == 1 else 's'} (*)" if count else ""


def _names(names: tuple[str, str], width: int) -> Content:
    """Return the names of the sides, above their columns."""
    left, right = (Content.line(name).plain for name in names)
    if width >= _WIDE:
        title, side = _columns_of(width)
        cut = Content(f"A  {left}").truncate(side, ellipsis=True, pad=True)
        return Content.assemble(
            " " * (title + 2), Content.of(cut).stylize("bold"), _GAP, (f"B  {right}", "bold")
        )
    return Content.assemble(
        ("  A  ", "$text-muted"), (left, "bold"), ("\n  B  ", "$text-muted"), (right, "bold")
    )


def _stage(stage: StageComparison, width: int, *, unfolded: bool) -> Iterator[Line]:
    left, right = (
        (f"{OUTCOME_SIGNS[outcome][0]} {outcome or 'not reached'}", OUTCOME_SIGNS[outcome][1])
        for outcome in stage.outcomes
    )
    yield from _row((stage.title, Tone.TITLE), left, right, width)
    if None not in stage.outcomes:
        # How it ended is beside the title already.
        yield from _differences(stage.beside_outcome, width, stage.outcomes)
    if unfolded and stage.expected:
        yield prose("Expected differences:", Tone.MUTED, indent=_INDENT)
        yield from _differences(stage.expected, width)
    elif stage.expected:
        yield prose(_expected((stage,)).removeprefix(" · "), Tone.MUTED, indent=_INDENT)


def _differences(
    differences: Sequence[Difference], width: int, outcomes: Sequence[Outcome | None] = (None, None)
) -> Iterator[Line]:
    tones = [Tone.PLAIN, Tone.PLAIN]
    if outcomes[0] is not outcomes[1]:  # else no colour says which side is the better one
        tones = [OUTCOME_SIGNS[outcome][1] for outcome in outcomes]
    for difference in differences:
        values = zip((difference.a, difference.b), difference.severities, tones, strict=True)
        left, right = (_value(value, severity, tone) for value, severity, tone in values)
        yield from _row(
            (" " * _INDENT + (difference.title or difference.name), Tone.NAME), left, right, width
        )


def _row(title: Piece, left: Piece, right: Piece, width: int) -> Iterator[Line]:
    """Yield a title and both values beside each other, each wrapped in its column, or below each other."""
    if width >= _WIDE:
        title_width, side = _columns_of(width)
        columns = [
            [
                row.text
                for paragraph in text.split("\n")
                for row in rows_of(line(paragraph, hang=hang, by_words=True), room)
            ]
            for text, room, hang in (
                (title[0], title_width, 2 * _INDENT),
                (left[0], side, 0),
                (right[0], side, 0),
            )
        ]
        for first, second, third in zip_longest(*columns, fillvalue=""):
            # In cells, not characters: a CJK character takes two.
            name, value = set_cell_size(first, title_width), set_cell_size(second, side)
            yield line((name, title[1]), " ", (value, left[1]), (_GAP, Tone.MUTED), (third, right[1]))
        return
    yield line(title, hang=_INDENT, by_words=True)
    for name, (text, tone) in (("A", left), ("B", right)):
        for number, paragraph in enumerate(text.split("\n")):
            yield line((f"    {' ' if number else name}  ", Tone.MUTED), (paragraph, tone), hang=7)


def _columns_of(width: int) -> tuple[int, int]:
    """Return the widths of the title's column and of each side's."""
    title = width * 3 // 10
    return title, (width - title - 1 - len(_GAP)) // 2


def _value(value: str | None, severity: Severity | None, tone: Tone) -> Piece:
    """Return the value of one side; for a check, its result."""
    if value is None:
        return "–", Tone.MUTED
    if severity is not None:
        sign, _, tone = SEVERITY_SIGNS[severity]
        value = f"{sign} {value.removeprefix(severity).removeprefix(': ')}"
    more = len(value) - _SHOWN
    text = value[:_SHOWN] or "(empty)"
    return (f"{text} … {more} more characters" if more > 0 else text), tone
