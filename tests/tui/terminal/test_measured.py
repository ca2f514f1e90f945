"""How much room a text gets."""

import asyncio

from textual.app import App, ComposeResult
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message

from authlens_tui.terminal.measured import Static

SIZE = Size(100, 24)


class Busy(Message):
    """Keeps a widget from telling that it wants a layout, as a busy machine does."""


class Text(Static):
    """Is busy for as long as the test wants."""

    DEFAULT_CSS = "Text { height: auto; }"

    def __init__(self, free: asyncio.Event) -> None:
        super().__init__("one line")
        self._free = free

    async def on_busy(self) -> None:
        await self._free.wait()


class Reader(App[None]):
    """Shows one text."""

    def __init__(self) -> None:
        super().__init__()
        self.free = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield Text(self.free)


async def test_a_text_that_is_replaced_while_a_layout_is_pending_gets_its_height() -> None:
    """As at a new size: styles change, all is laid out, and then the words are chosen anew."""
    app = Reader()
    async with app.run_test(size=(80, 24)) as pilot:
        text = app.query_one(Text)
        text.post_message(Busy())
        await asyncio.sleep(0)
        text.refresh(layout=True)
        app.post_message(Resize(SIZE, SIZE))
        while app.screen.size != SIZE or text.size.width != SIZE.width:
            await asyncio.sleep(0)
        text.update("two\nlines")
        app.free.set()
        await pilot.pause()
        await pilot.pause()
        assert text.size.height == 2
