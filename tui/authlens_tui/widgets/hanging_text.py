"""Text whose lines hang: what does not fit goes on under the value, not under the name before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from textual.geometry import Size

from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static

_LEAST: Final = 10  # cells of a value: with fewer, it starts at the left edge


class Item(NamedTuple):
    """A line: what comes first, the cells it takes, and the text that hangs after it."""

    text: Content
    name: Content = Content()
    room: int = 0


class HangingText(Static):
    """Wraps items for the width there is."""

    def __init__(
        self,
        items: Iterable[Item] = (),
        *,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self._items = tuple(items)
        self._wrapped: tuple[int, Content] = (0, Content())

    def show(self, items: Sequence[Item]) -> None:
        """Show other items; paint nothing if they are equal."""
        if tuple(items) == self._items:
            return
        width = self.content_size.width
        height = self._height(width) if width else 0
        self._items = tuple(items)
        self._wrapped = (0, Content())
        if width:
            # To lay out the screen takes longer than everything else that a key changes.
            self.refresh(layout=self._height(width) != height)
        else:
            # Hidden, or not laid out yet: the layout that shows it measures it. One that is asked for now
            # makes Textual forget what is on the screen: a toast that goes then stays painted.
            self.clear_cached_dimensions()

    def _text(self, width: int) -> Content:
        # Textual asks for height and text many times for one layout: what was wrapped for a width is kept.
        if self._wrapped[0] != width:
            lines = [line for item in self._items for line in hanging_lines(item, width)]
            self._wrapped = width, Content("\n").join(lines)
        return self._wrapped[1]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return self._height(width)

    def _height(self, width: int) -> int:
        return self._text(width).plain.count("\n") + 1 if self._items else 0

    def render(self) -> Content:
        return self._text(max(1, self.content_size.width))


def hanging_lines(item: Item, width: int) -> list[Content]:
    """Return the lines of `item`, each as wide as `width` at most."""
    hang = item.room if width - item.room >= _LEAST else 0
    first, *more = item.text.wrap(width - hang) or [Content()]
    gap = max(0, hang - item.name.cell_length)
    if not hang and item.name:
        return [Content.of(line) for line in Content.assemble(item.name, " ", item.text).wrap(width)]
    head = Content.assemble(item.name, " " * gap, first)
    return [head, *(Content.assemble(" " * hang, line) for line in more)]
