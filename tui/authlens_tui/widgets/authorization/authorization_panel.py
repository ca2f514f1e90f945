"""Stage 6 while it waits: the link, the ways to open it, the answer, and the time left."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.events import DescendantBlur, DescendantFocus, Paste
from textual.message import Message
from textual.style import Style
from textual.widgets import Input

from authlens_core.desk.callback_offer import CallbackOffer
from authlens_core.values.secret import Secret
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.ordinary_screen import NoOrdinaryScreen, show_alone
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.authorization.qr_code import QrCodeWanted
from authlens_tui.widgets.key_binding import ActionChecks, default_css, keys
from authlens_tui.words.times import clock

_KEY: Final = "bold $text-primary"
NO_FORWARD: Final = (
    "If that page does not load, the port is not forwarded: run the ssh line on the browser's "
    "machine, or paste."
)
_UNLOADABLE: Final = "Browser can't load the last page? Copy its address, then press"
_NO_PORT: Final = "No port is open here, so the last page may not load. Copy its address, then press"


def way_words(offer: CallbackOffer) -> Content:
    """Return how to paste the answer if no port is open; empty if the browser returns."""
    return Content() if offer.listens else _pasting(_NO_PORT)


def problem_words(offer: CallbackOffer, *, folded: bool) -> Content:
    """Return the fix if the browser cannot return, and why none opens; if `folded`, only the key for it."""
    if folded:
        return Content.assemble("Link does not open? Browser cannot return? Press ", ("h", _KEY))
    lines = [_pasting(_UNLOADABLE)] if offer.listens else []
    why = offer.why_no_browser
    reasons = [] if why is None else [f"authlens opens no browser here: {why}."]
    if offer.container_hint:
        reasons.append(offer.container_hint)
    if reasons:
        lines.append(Content.styled(" ".join(reasons), "$quiet"))
    return Content("\n").join(lines)


def _pasting(instruction: str) -> Content:
    return Content.assemble(instruction, " ", ("^v", _KEY))


def forward_words(offer: CallbackOffer) -> Content:
    """Return the command for the user's own machine over SSH; empty elsewhere."""
    if offer.forward_line is None:
        return Content("")
    gap = f"\n  Replace {offer.to_replace} with the name you use for it."
    callback = "the callback, and " if offer.listens else ""
    both = f"\n  It forwards {callback}port {offer.page_port} of the page to sign in on."
    return Content.assemble(
        "The browser is on another machine? Run this there first (",
        ("Y", _KEY),
        " copies it):\n",
        (f"  {offer.forward_line}", "bold"),
        both if offer.page_port is not None else "",
        gap if offer.to_replace else "",
    )


def further_words(offer: CallbackOffer) -> Content:
    """Return rarely needed hints, and a warning about shared addresses."""
    lines = ("Paste only the address from this login; never share it.", *offer.forward_hints)
    return Content.styled("\n".join(lines), "$quiet")


_ROOMY: Final = 66  # cells in which the words beside the countdown fit
# Rows of the terminal; with fewer, the field alone is shown while it is typed in.
_ROWS_FOR_ALL: Final = 10
# Rows of the terminal; with fewer, problems are behind a key.
_ROWS_FOR_PROBLEMS: Final = 32
_TEST: Final = "Test that your browser can reach authlens: "
_LONGEST: Final = 64 * 1024  # characters; an answer that is longer is not read either
_SILENCE: Final = 30.0  # seconds without a visit after which SSH users are shown what to do


class PasteField(Input):
    """The field for the address: every printable key types, and Esc gives the keys back."""

    BINDINGS = keys("paste")

    class Left(Message):
        """The user wants the keys back."""

    @dataclass(repr=False, eq=False)
    class TooLong(Message):
        """Something was pasted that is too long for an address, and was not taken."""

        characters: int

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Claim every key that types, so that none is offered as a command meanwhile."""
        # `+` is a key of the wizard, and is in many codes.
        return key == "plus" or super().check_consume_key(key, character)

    def action_leave(self) -> None:
        """Empty the field and give the focus back, so that single keys are commands again."""
        self.clear()
        self.post_message(self.Left())

    def take(self, text: str) -> None:
        """Put `text` where the cursor is, as one line: a terminal or a mail may have wrapped the address.

        What is too long is not cut: a part of an address would be another answer.
        """
        if len(self.value) + len(text) > _LONGEST:
            self.post_message(self.TooLong(len(text)))
            return
        # No address has a blank in it: what is there was put in by wrapping.
        joined = "".join(text.split())
        if joined:
            self.insert_text_at_cursor(joined)

    def _on_paste(self, event: Paste) -> None:
        self.take(event.text)
        event.stop()
        event.prevent_default()


class AuthorizationPanel(ActionChecks, VerticalScroll):
    """Shows the link in one piece, counts down, and takes what the user pastes.

    The pasted text leaves as a `Secret` and the field is emptied: it may hold a code.
    """

    app = getters.app(TerminalApp)

    DEFAULT_CSS = default_css(__file__)
    BINDINGS = keys("link")

    link = getters.query_one("#link", Static)
    field = getters.query_one(PasteField)

    @dataclass(repr=False, eq=False)
    class Pasted(Message):
        """The user pasted something that may be the redirect URL."""

        text: Secret

    class LinkWithdrawn(Message):
        """The link can no longer be used: close what shows it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._remaining = 0.0
        self.url = ""
        """The link while it can be used; empty otherwise."""
        self._offer = CallbackOffer(over_ssh=False, why_no_browser=None)
        self.shown_at = 0.0
        self._families: list[str] = []
        self._over = asyncio.Event()
        self._explains = False

    def compose(self) -> ComposeResult:
        parts = ("countdown", "link", "ignored", "refused", "ways", "forward", "problems", "test", "further")
        yield from (Static(id=name) for name in parts)
        yield PasteField(
            placeholder="Paste the address the browser ended on, then Enter",
            id="paste",
            # The address holds a code, which no one who looks at the screen needs to read.
            password=True,
            compact=True,
        )

    def show_link(self, url: str, offer: CallbackOffer) -> None:
        """Show the link, and how the answer can come back."""
        self.empty()
        self.url, self._offer = url, offer
        self._over = asyncio.Event()
        self.shown_at, self._families = time.monotonic(), []
        self.link.border_title = "1 Open this link · 2 Sign in there · 3 Come back here"
        # As a hyperlink of the terminal (OSC 8), too, which stays whole where the lines wrap.
        self.link.update(Content.styled(url, Style(link=url)))
        self._tell("ways", way_words(offer))
        self._tell("forward", forward_words(offer))
        self._fold()
        self._tell("further", further_words(offer))
        self._show_test()
        self.scroll_home(animate=False)

    def empty(self) -> None:
        """Remove everything of this wait: what was typed, the QR code."""
        self.url = ""
        self._over.set()
        self.post_message(self.LinkWithdrawn())
        self.field.clear()
        self._tell("ignored", Content())
        self._tell("refused", Content())

    def _tell(self, name: str, text: Content, *, news: bool = False) -> None:
        """Show text in a part of the panel; some parts take room only while they have text."""
        widget = self.query_one(f"#{name}", Static)
        widget.update(text)
        widget.set_class(bool(text), "-shown")
        widget.set_class(bool(text) and news, "-news")

    def on_unmount(self) -> None:
        self._over.set()

    def take_paste(self, text: str = "") -> None:
        """Go to the field and put `text` into it; Enter submits it."""
        self.field.focus()
        if text:
            self.field.clear()
            self.field.take(text)

    def show_remaining(self, seconds: float) -> None:
        """Show the time left, and whether the tunnel was tested."""
        self._remaining = seconds
        roomy = self.content_size.width >= _ROOMY
        self._tell(
            "countdown",
            Content.assemble(
                ("Waiting for the browser  " if roomy else "Waiting  ", "bold"),
                (clock(seconds), "bold $text-accent"),
            ),
        )
        self._show_test()

    def on_resize(self) -> None:
        self.show_remaining(self._remaining)
        self._fold()
        self._make_room()

    def _fold(self) -> None:
        folded = self.app.size.height < _ROWS_FOR_PROBLEMS and not self._explains
        self.set_class(folded, "-folded")
        self._tell("problems", problem_words(self._offer, folded=folded))

    def action_problems(self) -> None:
        """Show the help for problems, or fold it again."""
        self._explains = not self._explains
        self._fold()
        self.refresh_bindings()

    def can_problems(self) -> bool:
        return bool(self.url) and self.app.size.height < _ROWS_FOR_PROBLEMS

    action_close_problems = action_problems

    def can_close_problems(self) -> bool:
        return self._explains and self.can_problems()

    @on(DescendantFocus)
    @on(DescendantBlur)
    def _make_room(self) -> None:
        """With a few rows only, show just the field and the time while the field has the focus."""
        alone = self.app.size.height < _ROWS_FOR_ALL and self.screen.focused is self.field
        self.set_class(alone, "-pasting")
        self.screen.set_class(alone, "-pasting")

    def show_ignored(self, reason: str, count: int, *, is_error: bool = False) -> None:
        """Show the last ignored answer; `is_error`: it may be the server's refusal, visible to the user."""
        times = "once" if count == 1 else f"{count} times"
        stop = ". Did the browser end there after your link? Then press Esc" if is_error else ""
        sentence = f"! Ignored {times}, still waiting. Last: {reason}{stop}"
        self._tell("ignored", Content.line(sentence))

    def show_tunnel(self, family: str) -> None:
        """Show over which address family the test page was reached."""
        # IPv4 and IPv6: there are no others, whatever a visitor claims.
        if family not in self._families and len(self._families) < 2:
            self._families.append(family)
        self._show_test()

    def show_refused_paste(self, sentence: str) -> None:
        self._tell("refused", Content(f"✖ {sentence}"))

    def _show_test(self) -> None:
        silent = time.monotonic() - self.shown_at
        forwards, test_url = self._offer.forward_line is not None, self._offer.test_url
        is_late = forwards and silent >= _SILENCE
        if self._families:
            families = " and ".join(self._families)
            result = (f"\n✔ It was reached over {families}: the browser can get back here.", "$text-success")
        elif is_late:
            result = (f"\n! Not reached in {clock(silent)}. {NO_FORWARD}", "$text-warning")
        else:
            result = (f"  not reached yet ({clock(silent)})", "$quiet")
        leads = "Test the tunnel: " if forwards else _TEST
        link = Content.styled(test_url, Style(link=test_url, bold=True))
        text = Content.assemble(leads, link, result) if test_url or self._families else Content()
        self._tell("test", text, news=bool(self._families) or is_late)

    def action_qr_code(self) -> None:
        self.post_message(QrCodeWanted(self.url))

    def can_qr_code(self) -> bool:
        return bool(self.url)

    can_alone = can_qr_code

    @work(exclusive=True, group="alone", description="show the link on one line")
    async def action_alone(self) -> None:
        """Leave the full screen and show the link on one line, until Enter or an answer."""
        if not self.url:
            return
        try:
            await show_alone(self.app, self.url, self._over)
        except NoOrdinaryScreen:
            self.notify(
                "This terminal cannot leave the full screen. Press c to copy the link, or k for a QR code.",
                severity="warning",
                markup=False,
            )

    @work(exclusive=True, group="copy", description="copy the ssh line")
    async def action_copy_forward(self) -> None:
        if self._offer.forward_line is not None:
            await self.app.copy(self._offer.forward_line, "The ssh line")

    def can_copy_forward(self) -> bool:
        return bool(self.url and self._offer.forward_line)

    @on(PasteField.Left)
    def _left(self) -> None:
        self.focus()

    @on(PasteField.TooLong)
    def _too_long(self, message: PasteField.TooLong) -> None:
        self.show_refused_paste(
            f"The pasted text has {message.characters:,} characters; an answer has 65,536 at most. "
            "Copy only the address."
        )

    @on(Input.Submitted, "#paste")
    def _submit(self, event: Input.Submitted) -> None:
        # Taken out before anything else can happen: it may hold a code.
        text = event.value
        event.input.clear()
        self._tell("refused", Content())
        if text.strip():
            self.post_message(self.Pasted(Secret(text)))
