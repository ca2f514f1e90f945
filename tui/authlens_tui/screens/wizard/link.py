"""The link of the authorization stage: what to do with it, what came meanwhile, the answer that is pasted.

As a QR code it has a screen of its own: every row of the terminal belongs to the symbol.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace
from textual import getters, on
from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import ModalScreen

from authlens_core.desk.callback_offer import UserScreen, callback_offer
from authlens_core.desk.log_in import Login
from authlens_core.trace.events import AnswerIgnored, AuthorizationReady
from authlens_core.values.secret import Secret
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.wizard.status_words import silent_words, turned_away_words, waiting_words
from authlens_tui.screens.wizard.wizard_messages import LinkChanged
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.terminal_app import TakesNotes
from authlens_tui.widgets.authorization.authorization_panel import AuthorizationPanel
from authlens_tui.widgets.authorization.qr_code import Modules, QrCode, draw, modules_of, room_for, shortened
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

_TALL: Final = 32  # rows, as in the wizard
_SILENCE: Final = 60.0  # seconds without an answer until the wizard explains what the browser may be showing

_USE_BARE_CODE: Final = (
    "Use a code without its state?",
    (
        "Nothing shows that this code belongs to the login started here. A code that someone gave you would "
        "log you in to their account, and what you do there would be theirs.\n\n"
        "Use it only if you copied it from the page that this link led to."
    ),
    "Use it",
)

_WORDS_NEED: Final = 24  # columns beside the symbol
_HOW: Final = "Scan this link with a phone and sign in there."
_BACK: Final = (
    "The phone cannot reach this machine: the last page does not load there. Send yourself its address "
    "and paste it here with ^v."
)
_CLOSE: Final = "Esc closes."
_LINES: Final = 2  # rows: the title and the keys


class AuthorizationLink(AuthorizationPanel):
    """The panel of a login that waits for the browser; posts `LinkChanged`."""

    def __init__(self, login: Login) -> None:
        super().__init__(id="panel")
        self._login = login
        self.page = ""
        """The text of the page on which the browser of the demo ended."""
        self._is_silent = False
        self._last_ignored: AnswerIgnored | None = None
        self._error: AnswerIgnored | None = None
        self._bare_code = False

    def words(self, *, player: bool) -> Content:
        """Return the next step, or the pages that a browser that does not return may show.

        Args:
            player: the demo can sign in.
        """
        facts = self._login.facts
        if self.page:
            return turned_away_words(self.page, "" if facts.issuer is None else facts.issuer.host)
        if self._is_silent:
            return silent_words(facts, in_full=self.app.size.height >= _TALL)
        return waiting_words(player=player)

    def begin(self, ready: AuthorizationReady) -> None:
        self.page, self._is_silent, self._last_ignored = "", False, None
        self._error, self._bare_code = None, False
        offer = callback_offer(self._login.wait.redirect_uri, UserScreen(self.app.environ), ready.url)
        self.show_link(ready.url, offer)
        self.show_remaining(ready.seconds)

    def end(self) -> None:
        if self.url:
            # What the toasts say is about the link, and they would lie over the result.
            self.app.clear_notifications()
        self.empty()

    def ignore(self, event: AnswerIgnored) -> None:
        """Store an ignored answer for the next tick: any program can cause thousands."""
        # An error may be all that the server says: what comes after it does not hide it.
        if event.unproven:
            self._error = event
        self._last_ignored = event if self._error is None else replace(self._error, count=event.count)

    def tick(self) -> None:
        """Show the time left and what came meanwhile; explain a long silence."""
        if not self.url:
            return
        self.show_remaining(self._login.wait.remaining)
        if (last := self._last_ignored) is not None:
            self.show_ignored(last.reason, last.count, is_error=bool(last.unproven))
            self._last_ignored = None
        if not self._is_silent and self._login.wait.waited >= _SILENCE:
            self._is_silent = True
            self.post_message(LinkChanged())

    @on(AuthorizationPanel.Pasted)
    def _pasted(self, message: AuthorizationPanel.Pasted) -> None:
        message.stop()
        if not self._login.wait.waiting:
            return
        response = self._login.paste(message.text)
        if not self._login.wait.waiting:
            return
        again, self._bare_code = self._bare_code, response.is_bare_code
        if again and response.is_bare_code:
            self._ask_about_code(message.text)
        else:
            way_on = " To use the code alone, paste it again." if response.is_bare_code else ""
            self.show_refused_paste(f"{response.why_refused}{way_on}")

    def _ask_about_code(self, code: Secret) -> None:
        """Accept a code without a state, after a question that names the risk."""
        url = self.url

        def answered(sure: bool | None) -> None:  # noqa: FBT001 - Textual's callback
            # Meanwhile the browser may have come, or the user cancelled and got another link.
            if sure and self.url == url and self._login.wait.waiting:
                self._login.paste(code, any_state=True)

        self.app.push_screen(ConfirmScreen(*_USE_BARE_CODE), answered)


class QrScreen(ModalScreen[bool]):
    """Shows one link as a QR code; ends with True when the user wants the unwrapped line instead."""

    CSS_PATH = "link.tcss"
    TITLE = "QR code"
    BINDINGS = keys("qr")

    code = getters.query_one(QrCode)
    caption = getters.query_one("#qr-words", Static)

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
            self.caption.update(Content(_no_room(modules, size)))
            self.caption.display = True
            return
        self.caption.display = size.width - len(drawing.lines[0]) >= _WORDS_NEED
        rows = room_for(modules)[0].height
        signs = "" if drawing.plain else f"Boxes instead of the code? Make the window {rows} rows high."
        # Without a frame the words say what it would: where this is, and which keys there are.
        title, close = (
            ("", "")
            if is_framed
            else (f"{self.TITLE} of the link", f"{_CLOSE} U shows the link on one line.")
        )
        text = "\n\n".join(filter(None, (_HOW, self._back, signs, close)))
        self.caption.update(Content.assemble((f"{title}\n\n" if title else "", "bold"), text))

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
