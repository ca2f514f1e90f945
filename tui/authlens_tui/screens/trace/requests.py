"""Every request of this run of the program, live, found by the words in them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from rich.cells import cell_len
from rich.text import Text
from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import DataTable, Input

from authlens_core.export.exchange_log import ExchangeLog, ExchangeRow, rows_of
from authlens_core.trace.arrows import alone
from authlens_core.trace.record import Exchange, StageRecord
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.key_binding import ActionChecks, keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.record.pieces import cut_middle
from authlens_tui.widgets.record.reading_area import ReadingArea
from authlens_tui.widgets.record.record_view import RecordView
from authlens_tui.widgets.record.signs import asked_tone, status_badge
from authlens_tui.widgets.title_bar import TitleBar
from authlens_tui.words.times import duration

_NONE: Final = (
    "No request yet. Each request that authlens sends appears here, with its response. On the dashboard, "
    "N logs in and p calls the resource of a credential. Esc goes back."
)
_NO_MATCH: Final = "No request has all these words. Press / and change them."
_WORDS: Final = "words in the request or its response"
_LOOK: Final = 0.5  # seconds between two looks for what was sent meanwhile
_NARROW, _SHORT = 100, 30  # cells and rows
_KIBI: Final = 1024
# Cells of each column at most: one gets what its longest text needs, and the path what is left.
_COLUMNS: Final = {
    "#": 6,
    "Time": 8,
    "Method": 7,
    "Status": 6,
    "Host": 30,
    "Path": 0,
    "For": 24,
    "Size": 10,
    "Took": 9,
}
_FEWER_COLUMNS: Final = {name: _COLUMNS[name] for name in ("#", "Method", "Status", "Host", "Path", "Took")}
_NUMBERS: Final = frozenset({"#", "Size", "Took"})
_SHORTEST_PATH: Final = 10  # cells
_AROUND: Final = 4  # cells: the border, a scroll bar


class _Rows(DataTable[Content]):
    """The list, which names its key."""

    BINDINGS = keys("requests")


class RequestsScreen(ActionChecks, Screen[None]):
    """Lists the exchanges of `log`, the newest last, and shows the selected one."""

    app = getters.app(TerminalApp)

    CSS_PATH = "requests.tcss"
    HELP = (
        "Every request of this session, the newest last. / lists only those that have all the words that "
        "you type, in their URL, headers or bodies. Enter reads the selected exchange."
    )
    BINDINGS = keys("requests")

    table = getters.query_one(DataTable)
    filter_field = getters.query_one("#requests-filter", Input)
    note = getters.query_one("#requests-note", Static)
    record_view = getters.query_one(RecordView)

    def __init__(self, log: ExchangeLog) -> None:
        super().__init__()
        self._log = log
        self._seen = -1
        self._rows: tuple[ExchangeRow, ...] = ()
        self._shown: list[int] = []
        self._failed: set[int] = set()
        self._columns: dict[str, int] = {}
        self._in_view: Exchange | None = None
        self._stage_in_view: StageRecord | None = None

    def compose(self) -> ComposeResult:
        yield TitleBar("Requests")
        with Horizontal(id="requests-top"):
            yield Static(Content("Filter"), id="requests-label")
            yield Input(placeholder=_WORDS, id="requests-filter", compact=True)
            yield Static(id="requests-note")
        with ReadingArea(id="requests") as area:
            area.searches = False  # the key filters the list
            yield _Rows(cursor_type="row", cursor_background_priority="css")
            yield Static(id="requests-none")
            yield RecordView(id="requests-record")
        yield KeyFooter()

    def on_mount(self) -> None:
        self._fold()
        self.table.focus()
        # The log knows no screen, so it is looked at and does not tell.
        self.set_interval(_LOOK, self._look)
        self._look()

    def on_resize(self) -> None:
        self._fold()
        if self._rows:  # before they are read, the list would be shown as empty
            self._show()

    def _fold(self) -> None:
        """Show the list or the exchange alone where there is no room for both, and fit the columns."""
        self.set_class(self.app.size.height < _SHORT, "-one")  # the screen has its size after the first frame
        self._make_columns()

    def _make_columns(self) -> None:
        columns = dict(_COLUMNS if self.app.size.width >= _NARROW else _FEWER_COLUMNS)
        texts = [_texts(row) for row in self._rows]
        for name in columns.keys() - {"Path", "Status"}:
            longest = max((cell_len(text[name]) for text in texts), default=0)
            columns[name] = min(columns[name], max(len(name), longest))
        used = sum(width + 2 for width in columns.values())
        columns["Path"] = max(_SHORTEST_PATH, self.app.size.width - used - _AROUND)
        if columns == self._columns:
            return
        self._columns = columns
        self.table.clear(columns=True)
        self._shown = []
        for name, width in columns.items():
            title = f"{name:>{width}}" if name in _NUMBERS else name
            self.table.add_column(Text(title), key=name, width=width)

    # -- the list --------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._log.changes != self._seen:
            self._seen = self._log.changes
            self._read()

    @work(exclusive=True, group="rows", description="mask the requests")
    async def _read(self) -> None:
        # In a thread: masking what large bodies hold takes longer than a frame.
        self._rows = await asyncio.to_thread(rows_of, self._log.exchanges)
        self._make_columns()
        self._show()

    def _show(self) -> None:
        """Bring the list up to date; the cursor stays on its request, or follows the newest."""
        table, here = self.table, self._marked()
        newest = here is None or (bool(self._shown) and here == self._shown[-1])
        matching = [row for row in self._rows if row.matches(self.filter_field.value)]
        numbers = [row.number for row in matching]
        failed = {row.number for row in matching if self._failed_at(row)}
        # New requests are added below; a filter, a cut log or a stage that failed needs the table made again.
        if numbers[: len(self._shown)] != self._shown or failed.intersection(self._shown) - self._failed:
            table.clear()
            self._shown = []
        self._failed = failed
        for row in matching[len(self._shown) :]:
            cells = _cells(row, self._columns, failed=row.number in failed)
            cells["Host"] = Content.of(cells["Host"].stylize(self._accent_of(row)))
            table.add_row(*(cells[name] for name in self._columns), key=str(row.number))
        self._shown = numbers
        if numbers:
            row_number = len(numbers) - 1 if newest or here not in numbers else numbers.index(here)
            table.move_cursor(row=row_number)
        self.note.update(Content(f"{len(numbers)} of {self._log.count}"))
        self._show_marked()

    def _failed_at(self, row: ExchangeRow) -> bool:
        record = self._log.record_of(row.number)
        return record is not None and record.failed_at(row.exchange)

    def _accent_of(self, row: ExchangeRow) -> str:
        """Return the colour of who was asked."""
        record, exchange = self._log.record_of(row.number), row.exchange
        stage = alone(exchange).stage if record is None else record.stage
        return asked_tone(stage, exchange).value

    def _marked(self) -> int | None:
        cursor = self.table.cursor_row
        return self._shown[cursor] if 0 <= cursor < len(self._shown) else None

    @on(DataTable.RowHighlighted)
    def _show_marked(self) -> None:
        number = self._marked()
        row = next((candidate for candidate in self._rows if candidate.number == number), None)
        self.set_class(row is None, "-empty")
        if row is None:
            self.query_one("#requests-none", Static).update(Content(_NO_MATCH if self._rows else _NONE))
            return
        exchange, record = row.exchange, self._log.record_of(row.number)
        if exchange is not self._in_view or record is not self._stage_in_view:
            self._in_view, self._stage_in_view = exchange, record
            self._show_exchange(exchange, record)

    def _show_exchange(self, exchange: Exchange, record: StageRecord | None) -> None:
        """Show an exchange in its stage, or alone while the stage runs."""
        if record is None:
            self.record_view.show((), alone(exchange))
        else:
            self.record_view.show((record,), record)
            self.record_view.pick(self._place)

    @property
    def _place(self) -> int:
        """The place of the exchange in its stage."""
        sent = () if self._stage_in_view is None else self._stage_in_view.exchanges
        return next((number for number, exchange in enumerate(sent) if exchange is self._in_view), 0)

    @on(DataTable.RowSelected)
    def _read_marked(self) -> None:
        self.add_class("-reading")
        self.record_view.show_exchange(self._place)
        self.record_view.read()

    # -- the filter ------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        self.filter_field.focus()

    @on(Input.Changed, "#requests-filter")
    def _filter_changed(self) -> None:
        self._show()

    @on(Input.Submitted, "#requests-filter")
    def _filter_done(self) -> None:
        self.table.focus()

    # -- the keys --------------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Go back to the list, and from there to where you were."""
        if self.focused is self.table:
            self.dismiss(None)
            return
        self.remove_class("-reading")
        self.table.focus()

    def action_reveal(self) -> None:
        self.record_view.toggle_reveal()

    def can_reveal(self) -> bool:
        return self.record_view.has_secrets

    @work(exclusive=True, group="copy", description="copy")
    async def action_copy(self) -> None:
        await self.app.copy(await self.record_view.copied_text(), "The exchange")

    def on_screen_suspend(self) -> None:
        self.record_view.mask()


def _texts(row: ExchangeRow) -> dict[str, str]:
    exchange = row.exchange
    return {
        "#": f"{row.number}",
        "Time": f"{exchange.started_at:%H:%M:%S}",
        "Method": exchange.request.method,
        "Host": row.host,
        "Path": row.safe_url.partition("://")[2].removeprefix(row.host) or "/",
        "For": exchange.purpose.value,
        "Size": _size(row.size),
        "Took": duration(exchange.elapsed),
    }


def _cells(row: ExchangeRow, widths: Mapping[str, int], *, failed: bool) -> dict[str, Content]:
    texts = _texts(row)
    texts["Path"] = cut_middle(texts["Path"], widths["Path"])
    cells = {name: _cell(name, texts[name], width) for name, width in widths.items() if name in texts}
    query = cells["Path"].plain.find("?")
    if query >= 0:
        cells["Path"] = Content.of(cells["Path"].stylize("$text-primary", query))
    return {**cells, "Status": status_badge(row.status, failed=failed)}


def _cell(name: str, text: str, width: int) -> Content:
    """Return a text padded or cut to its column; a cut text ends in an ellipsis."""
    if name in _NUMBERS:
        return Content(f"{text:>{width}}")
    return Content.of(Content.line(text).truncate(width, ellipsis=True))


def _size(size: int | None) -> str:
    if size is None:
        return ""
    return f"{size} B" if size < _KIBI else f"{size / _KIBI:.1f} KiB"
