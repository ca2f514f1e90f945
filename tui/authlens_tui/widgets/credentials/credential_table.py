"""The table of credentials: any number of rows, of which only those in view are made, painted and kept fresh.

Textual's `DataTable` misses the budget of 2 % of idle CPU: it takes 40 ms each second to write the countdowns
of 2,000 credentials. Here a row is made of its credential when it is drawn, and once a second the rows in
view are made again to see whether their text has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from authlens_core.desk.credentials import InventoryEntry
from authlens_core.desk.settings import COLUMN_KEYS, DashboardColumn
from authlens_tui.widgets.credentials.credential_row import (
    BAR,
    EXPIRY,
    GAP,
    RowText,
    columns_for,
    life_bar,
)
from authlens_tui.widgets.key_binding import default_css
from authlens_tui.widgets.scrolled_views import LineView

_HEADER: Final = 1  # rows
_PREFIX: Final = "credential-table--"
_NARROWEST_STATE: Final = 7  # cells: more than its title
_TONES: Final = ("good", "warning", "bad", "busy")


class CredentialTable(LineView, can_focus=True):
    """Draws rows and moves a cursor over them; the cursor stays on its credential as others come and go.

    Args:
        make: makes the text of a row from its credential, as it is now.
        column_keys: keys of the columns beside resource and state, in their order.
    """

    DEFAULT_CSS = default_css(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        _PREFIX + name for name in ("header", "cursor", "quiet", *_TONES)
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "end(-1)", "First", show=False),
        Binding("end", "end(1)", "Last", show=False),
    ]

    class Highlighted(Message):
        """The cursor is on another credential, or on none."""

    @dataclass(repr=False, eq=False)
    class HeaderClicked(Message):
        """The title of a column was clicked.

        Attributes:
            key: of the column.
        """

        key: str

    class Chosen(Message):
        """The user wants to see more of the credential under the cursor."""

    def __init__(
        self, make: Callable[[InventoryEntry], RowText], column_keys: Sequence[str] = COLUMN_KEYS
    ) -> None:
        super().__init__(id="credentials")
        self._make = make
        self._wanted_columns = column_keys
        self._state_width = 0
        self.rows: Sequence[InventoryEntry] = ()
        self._cursor = 0
        self._wanted = ""
        self._made: dict[int, RowText] = {}
        self.sorted_by = ""
        """The key of the column that the rows are sorted by; empty if there is none."""

    # -- what is shown ---------------------------------------------------------------------------------

    @property
    def columns(self) -> tuple[DashboardColumn, ...]:
        """The columns that fit now: the state as wide as the widest one seen, the others in what is left.

        Asked for at each drawing: a scrollbar that comes or goes changes the width without a resize.
        """
        state = max(self._state_width, _NARROWEST_STATE)
        return columns_for(self.scrollable_content_region.width, state, self._wanted_columns)

    @property
    def selected(self) -> InventoryEntry | None:
        return self.rows[self._cursor] if self._cursor < len(self.rows) else None

    def show(self, rows: Sequence[InventoryEntry]) -> None:
        """Show other rows.

        The cursor goes with its credential, or stays at its place where that is gone.
        """
        before = self.selected
        self.rows = rows
        self._cursor = self._place_of_wanted()
        self._made.clear()
        self._state_width = 0
        self.virtual_size = Size(self.size.width, self._height)
        self.tick()
        self.refresh()
        # The height is known only after the layout, and scrolling before it would be cut to the old one.
        self.call_after_refresh(self._bring_into_view)
        if self.selected is not before:
            self.post_message(self.Highlighted())

    def _place_of_wanted(self) -> int:
        index = self._place_of(self._wanted)
        if index is None and self.rows:
            # The credential is gone: its neighbour is closer to what you were doing than the first row.
            index = min(self._cursor, len(self.rows) - 1)
            self._wanted = self.rows[index].entry_id
        return index or 0

    def _place_of(self, entry_id: str) -> int | None:
        return next((number for number, row in enumerate(self.rows) if row.entry_id == entry_id), None)

    def select(self, entry_id: str) -> None:
        index = self._place_of(entry_id)
        if index is not None:
            self._go_to(index)

    def tick(self) -> None:
        """Make the rows in view again and draw those that have changed."""
        texts = {number: self._make(self.rows[number]) for number in self._in_view()}
        widest = max((cell_len(row.cells["state"]) for row in texts.values()), default=0)
        # It only grows: a column that shrinks while you read makes every other one jump.
        if widest > self._state_width:
            self._state_width = widest
            self._made = texts
            self.refresh()
            return
        drawn, self._made = self._made, texts
        for number, row in texts.items():
            # Only what differs is drawn: most rows are the same from one second to the next.
            if number in drawn and self._plain(row) != self._plain(drawn[number]):
                self._redraw(number)

    def _plain(self, row: RowText) -> tuple[str, ...]:
        bar = "".join(life_bar(row.life))
        return (bar, *(row.cells[column.key] for column in self.columns))

    def _in_view(self) -> range:
        top = self.scroll_offset.y
        return range(top, min(top + self._page_height, len(self.rows)))

    @property
    def _page_height(self) -> int:
        return max(1, self.scrollable_content_region.height - _HEADER)

    @property
    def _height(self) -> int:
        return len(self.rows) + _HEADER

    def _redraw(self, number: int) -> None:
        y = number - self.scroll_offset.y + _HEADER
        self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self) -> None:
        self.tick()
        self.virtual_size = Size(self.size.width, self._height)
        self._bring_into_view()

    # -- how it is drawn -------------------------------------------------------------------------------

    def _text(self, number: int, row: InventoryEntry) -> RowText:
        """Return a row as it was made last; `tick` makes those in view again."""
        text = self._made.get(number)
        if text is None:
            text = self._made[number] = self._make(row)
        return text

    def render_line(self, y: int) -> Strip:
        """Draw row `y` of the view; the first is the header."""
        width = self.scrollable_content_region.width
        if y < _HEADER:
            header = self._style("header")
            titles = [f"{c.title} ▾" if c.key == self.sorted_by else c.title for c in self.columns]
            widths = [column.width for column in self.columns]
            texts = (f"{_fitting(*each)}{' ' * GAP}" for each in zip(titles, widths, strict=True))
            return Strip([Segment("".join(texts), header)]).crop_extend(0, width, header)
        number = self.scroll_offset.y + y - _HEADER
        if number >= len(self.rows):
            return Strip.blank(width, self.base_style)
        text = self._text(number, self.rows[number])
        # On the cursor line only the cursor's own colours: others may not be readable on it.
        alone = self._style("cursor") if number == self._cursor else None
        segments = [piece for column in self.columns for piece in self._cell(column, text, alone)]
        return Strip(segments).crop_extend(0, width, alone or self.base_style)

    def _cell(self, column: DashboardColumn, text: RowText, alone: Style | None) -> Iterable[Segment]:
        """Return one cell and the gap after it; `alone` replaces every style."""

        def style(name: str) -> Style:
            return alone or self.base_style + self._style(name, partial=True)

        room, tone = column.width, _quiet_or(column.key, text)
        if column.key == "life" and room > EXPIRY + BAR:
            remaining, spent = life_bar(text.life)
            yield Segment(remaining, style(text.life_tone))
            yield Segment(f"{spent} ", style("quiet"))
            room -= BAR + 1
        elif column.key == "life" and text.life_tone != "good":
            tone = text.life_tone
        yield Segment(_fitting(text.cells[column.key], room), style(tone))
        yield Segment(" " * GAP, style(""))

    def _style(self, name: str, *, partial: bool = False) -> Style:
        if not name:
            return Style.null()
        return self.get_component_rich_style(_PREFIX + name, partial=partial)

    # -- the cursor ------------------------------------------------------------------------------------

    def _go_to(self, number: int) -> None:
        if number == self._cursor or not self.rows:
            return
        before, self._cursor = self._cursor, number
        self._wanted = self.rows[number].entry_id
        self._redraw(before)
        self._redraw(number)
        self._bring_into_view()
        self.post_message(self.Highlighted())

    def _bring_into_view(self) -> None:
        top, height = self.scroll_offset.y, self._page_height
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False)

    def action_move(self, by: int) -> None:
        number = self._cursor + by
        if 0 <= number < len(self.rows):
            self._go_to(number)

    def action_page(self, by: int) -> None:
        number = min(self._cursor + by * self._page_height, len(self.rows) - 1)
        self._go_to(max(0, number))

    def action_end(self, by: int) -> None:
        self._go_to(0 if by < 0 else len(self.rows) - 1)

    def action_choose(self) -> None:
        if self.selected is not None:
            self.post_message(self.Chosen())

    def on_click(self, event: Click) -> None:
        """Put the cursor where it was clicked; a second click there chooses."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < _HEADER:
            self._click_header(offset.x)
            return
        number = self.scroll_offset.y + offset.y - _HEADER
        if number < len(self.rows):
            if number == self._cursor:
                self.action_choose()
            self._go_to(number)

    def _click_header(self, x: int) -> None:
        start = 0
        for column in self.columns:
            if start <= x < start + column.width:
                self.post_message(self.HeaderClicked(column.key))
            start += column.width + GAP

    def on_focus(self) -> None:
        self.refresh()

    on_blur = on_focus


def _quiet_or(key: str, text: RowText) -> str:
    """Return the tone of a cell: resource and expiry are prominent, the state has its own."""
    if key == "state":
        return text.tone
    return "" if key in ("resource", "life") else "quiet"


def _fitting(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return f"{set_cell_size(text, max(0, width - 1))}…"
