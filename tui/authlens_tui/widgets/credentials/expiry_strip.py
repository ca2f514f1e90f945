"""The next 24 hours as a strip: when which credential expires."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from rich.cells import cell_len

from authlens_core.desk.credentials import AHEAD, SOON, Expiries
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static

_BEFORE, _AFTER = "now ", " 24 h"
_LONGEST: Final = 16  # cells of a name


class ExpiryStrip(Static):
    """Draws a mark for each credential that expires within a day, and under it its name if there is room."""

    DEFAULT_CSS = """
    ExpiryStrip { height: 2; padding: 0 1; display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._drawn: tuple[Expiries, datetime] | None = None

    def show(self, expiries: Expiries, now: datetime) -> None:
        self._drawn = expiries, now
        self.set_class(not expiries.coming, "-nothing")
        self.refresh()

    def render(self) -> Content:
        if self._drawn is None:
            return Content()
        return strip_words(*self._drawn, self.content_size.width)


def strip_words(expiries: Expiries, now: datetime, width: int) -> Content:
    """Return the axis and, below it, the names that do not run into each other."""
    cells = width - len(_BEFORE) - len(_AFTER)
    if cells < 1:
        return Content()
    marks: dict[int, bool] = {}
    names = ""
    for title, ends in expiries.coming:
        column = min(cells - 1, int(cells * ((ends - now) / AHEAD)))
        marks[column] = marks.get(column, False) or ends <= now + SOON
        start, name = len(_BEFORE) + max(0, column), _short(title)
        if cell_len(names) < start and start + cell_len(name) <= width:
            names = f"{names}{' ' * (start - cell_len(names))}{name}"
    axis: list[tuple[str, str]] = [
        (("●", "$text-warning" if marks[cell] else "$text-success") if cell in marks else ("─", "$quiet"))
        for cell in range(cells)
    ]
    return Content.assemble((_BEFORE, "$quiet"), *axis, (_AFTER, "$quiet"), "\n", (names, "$quiet"))


def _short(title: str) -> str:
    """Return the first label of a host, which tells hosts of one domain apart; a whole address."""
    host = title.rpartition("://")[2].partition("/")[0]
    label = host.partition(".")[0]
    name = host if label.isdecimal() else label
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
