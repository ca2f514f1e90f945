"""The link as a QR code on a screen of its own: every row of the terminal belongs to the symbol."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size
from textual.screen import ModalScreen

from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.terminal_app import TakesNotes
from authlens_tui.widgets.authorization.qr_code import Modules, QrCode, draw, modules_of, room_for, shortened
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

_WORDS_NEED: Final = 24  # columns beside the symbol
_HOW: Final = "Scan this link with a phone and sign in there."
_BACK: Final = (
    "The phone cannot reach this machine: the last page does not load there. Send yourself its address "
    "and paste it here with ^v."
)
_CLOSE: Final = "Esc closes."
_LINES: Final = 2  # rows: the title and the keys


class QrScreen(ModalScreen[bool]):
    """Shows one link as a QR code; ends with True when the user wants the unwrapped line instead."""

    CSS_PATH = "link.tcss"
    TITLE = "QR code"
    BINDINGS: ClassVar[list[BindingType]] = keys("qr")

    code = getters.query_one(QrCode)
    words = getters.query_one("#qr-words", Static)

    def __init__(self, url: str, back: str = _BACK) -> None:
        super().__init__()
        self._back = back
        self._modules = modules_of(shortened(url))
        self._over = False

    def compose(self) -> ComposeResult:
        """Lay out the symbol and, where there is room around it, what to do with it, and the usual lines."""
        yield TitleBar("QR code")
        yield QrCode()
        yield Static(id="qr-words")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Let no toast lie over the symbol."""
        self.app.clear_notifications()

    def take_note(self, note: Content) -> None:
        """Hand a note to the screen beneath: here it would lie over the symbol."""
        beneath = self.app.screen_stack[-2]
        if isinstance(beneath, TakesNotes):
            beneath.take_note(note)

    def on_resize(self) -> None:
        size, modules = self.app.size, self._modules
        drawing = None if modules is None else draw(modules, size)
        framed = None if modules is None else draw(modules, Size(size.width, size.height - _LINES))
        # The two lines take rows only where the symbol is as plain without them.
        is_framed = framed is not None and framed.plain
        self.set_class(is_framed, "-framed")
        drawing = framed if is_framed else drawing
        self.code.drawing = drawing
        self.code.display = drawing is not None
        if modules is None or drawing is None:
            self.words.update(Content(_no_room(modules, size)))
            self.words.display = True
            return
        self.words.display = size.width - len(drawing.lines[0]) >= _WORDS_NEED
        rows = room_for(modules)[0].height
        signs = "" if drawing.plain else f"Boxes instead of the code? Make the window {rows} rows high."
        # Without a frame the words say what it would: where this is, and which keys there are.
        title, close = (
            ("", "")
            if is_framed
            else (f"{self.TITLE} of the link", f"{_CLOSE} U shows the link on one line.")
        )
        words = "\n\n".join(filter(None, (_HOW, self._back, signs, close)))
        self.words.update(Content.assemble((f"{title}\n\n" if title else "", "bold"), words))

    def finish(self) -> None:
        """Close, because the login no longer waits; under another screen, as soon as that is gone."""
        self._over = True
        if self.is_current:
            self.dismiss(False)

    def on_screen_resume(self) -> None:
        """Close if the wait ended while another screen lay above."""
        if self._over:
            self.dismiss(False)


def _no_room(modules: Modules | None, size: Size) -> str:
    if modules is None:
        return f"The link is too long for a QR code. Press U for the link on one line. {_CLOSE}"
    needed = room_for(modules)[1]
    return (
        f"The QR code of this link needs {needed.height} rows and {needed.width} columns; this terminal "
        f"has {size.height} and {size.width}. Make the window larger or the font smaller, or press U for "
        f"the link on one line. {_CLOSE}"
    )
