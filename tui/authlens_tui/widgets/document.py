"""A document to read: lines that wrap, scroll, can be selected, and stay quick at any size.

It draws only the rows in view (Textual's line API), so a megabyte costs what a page costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from authlens_core.safe_text import safe_line
from authlens_tui.widgets.lines import Line, Row, Tone, laid_out

__all__ = ["DocumentView"]

_PREFIX: Final = "document--"


class DocumentView(ScrollView, can_focus=True):
    """Shows lines. `show` replaces them all."""

    HELP = "Scroll with the arrow keys, page up and page down. Select with the mouse; ctrl+c copies."
    ALLOW_SELECT: ClassVar[bool] = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {_PREFIX + tone for tone in Tone} | {_PREFIX + "selection"}
    DEFAULT_CSS = """
    DocumentView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        background: $surface;
        color: $foreground;
        border: round $border-blurred;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        padding: 0 1;

        &:focus { border: round $primary; border-title-color: $text-primary; }
        & > .document--title { color: $text-primary; text-style: bold; }
        & > .document--name { color: $text-primary; }
        & > .document--muted { color: $quiet; }
        & > .document--good { color: $text-success; }
        & > .document--note { color: $text-accent; }
        & > .document--warning { color: $text-warning; }
        & > .document--bad { color: $text-error; text-style: bold; }
        & > .document--secret { color: $text-accent; text-style: italic; }
        & > .document--key { color: $text-primary; }
        & > .document--string { color: $text-success; }
        & > .document--number { color: $text-accent; }
        & > .document--selection { background: $primary 40%; }
    }
    """

    def __init__(
        self,
        lines: Iterable[Line] = (),
        *,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = tuple(lines)
        self._rows: list[Row] = []
        self._laid_out_for = -1

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines

    @property
    def plain(self) -> str:
        """What is shown, as text without wrapping."""
        return "\n".join(one.text for one in self._lines)

    def show(self, lines: Iterable[Line], *, keep_place: bool = False) -> None:
        """Replace what is shown; scrolls to the top unless `keep_place`."""
        new = tuple(lines)
        if new == self._lines:
            return
        self._lines = new
        self._laid_out_for = -1
        self._lay_out()
        if not keep_place:
            self.scroll_home(animate=False)
        self.refresh()

    def label(self, title: str, subtitle: str = "") -> None:
        """Put words of ours, or cleaned ones, into the border."""
        self.border_title = Content(safe_line(title, 200))
        self.border_subtitle = Content(safe_line(subtitle, 200)) if subtitle else None

    def on_mount(self) -> None:
        """Lay out once the width is known."""
        self._lay_out()

    def on_resize(self, _event: Resize) -> None:
        """Wrap anew when the width has changed."""
        self._lay_out()

    def notify_style_update(self) -> None:
        """Repaint when the theme has changed."""
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw row `y` of the view."""
        number = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        base = self.rich_style
        if number >= len(self._rows):
            return Strip.blank(width, base)
        segments = [
            Segment(text, base + self.get_component_rich_style(_PREFIX + tone, partial=True))
            for text, tone in self._rows[number].pieces()
        ]
        strip = self._selected(Strip(segments), number, base)
        return strip.crop_extend(0, width, base).apply_offsets(0, number)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text as it was before wrapping."""
        parts: list[str] = []
        for number, row in enumerate(self._rows):
            span = selection.get_span(number)
            if span is None:
                continue
            start, end = span
            if parts and not row.continues:
                parts.append("\n")
            begin = max(start, row.indent if row.continues else 0)
            parts.append(row.text[begin : None if end == -1 else end])
        return "".join(parts), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002
        """Repaint with the new selection."""
        self.refresh()

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0 or width == self._laid_out_for:
            return
        self._laid_out_for = width
        self._rows = laid_out(self._lines, width)
        self.virtual_size = Size(width, len(self._rows))

    def _selected(self, strip: Strip, number: int, base: Style) -> Strip:
        selection = self.text_selection
        span = selection.get_span(number) if selection is not None else None
        if span is None:
            return strip
        length = strip.cell_length
        start, end = span[0], length if span[1] == -1 else span[1]
        marked = base + self.get_component_rich_style(_PREFIX + "selection", partial=True)
        before, middle, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end, length)
        return Strip.join([before, middle.apply_style(Style(bgcolor=marked.bgcolor)), after])
