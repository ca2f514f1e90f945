"""A scrolled text whose border says that more follows."""

from __future__ import annotations

from typing import Final

from textual.containers import VerticalScroll
from textual.geometry import Size

READS_ON: Final = "PgDn: more"


class ReadingScroll(VerticalScroll):
    """Scrolls what it contains, and says in its border while there is more below."""

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._show_what_follows()

    def watch_virtual_size(self, virtual_size: Size) -> None:  # noqa: ARG002
        self._show_what_follows()

    def on_resize(self) -> None:
        self._show_what_follows()

    def _show_what_follows(self) -> None:
        is_cut = self.scroll_offset.y < self.max_scroll_y
        self.border_subtitle = READS_ON if is_cut else None
