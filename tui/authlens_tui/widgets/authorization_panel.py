"""Stage 6 while it waits: the link, the ways back, and the time that is left."""

from __future__ import annotations

import getpass
import os
import socket
from typing import ClassVar, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Input, Static

from authlens_core.callback.ssh_forward import escape_hint, ssh_forward_line
from authlens_core.login.events import AuthorizationReady
from authlens_core.safe_text import safe_line
from authlens_core.secret import Secret
from authlens_tui.browser import may_open_browser

__all__ = ["AuthorizationPanel"]

_ROOMY: Final = 66  # cells in which the words beside the countdown fit


class PasteField(Input):
    """The field for the address: every printable key types, and Esc gives the keys back."""

    HELP = "Paste the whole address that the browser ended on, then Enter. Esc leads back to the keys."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back to the keys", id="paste.leave", tooltip="Leave the field"),
    ]

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Claim every key that types, so that none is offered as a command meanwhile."""
        return key == "plus" or super().check_consume_key(key, character)

    def action_leave(self) -> None:
        """Empty the field and give the focus back, so that single keys are commands again."""
        self.clear()
        if self.parent is not None:
            self.screen.query_one(AuthorizationPanel).focus()


class AuthorizationPanel(VerticalScroll):
    """Shows the link in one piece, counts down, and takes what the person pastes.

    The pasted text is handed on as a `Secret` and the field is emptied: it may hold a code.
    """

    DEFAULT_CSS = """
    AuthorizationPanel {
        height: 1fr;
        padding: 0 1;
        & > Static { height: auto; margin-bottom: 1; }
        & #link { border: round $primary; padding: 0 1; color: $text-primary; }
        & #paste { margin-bottom: 0; }
        & #ignored { color: $text-warning; display: none; }
        & #ignored.-shown { display: block; }
        & #refused { color: $text-error; display: none; }
        & #refused.-shown { display: block; }
    }
    """

    countdown = getters.query_one("#countdown", Static)
    link = getters.query_one("#link", Static)
    ways = getters.query_one("#ways", Static)
    ignored = getters.query_one("#ignored", Static)
    refused = getters.query_one("#refused", Static)
    field = getters.query_one(PasteField)

    _remaining = 0.0

    class Pasted(Message):
        """The person pasted something that may be the redirect URL."""

        def __init__(self, text: Secret) -> None:
            super().__init__()
            self.text = text

    def compose(self) -> ComposeResult:
        """Lay out, from what to do first to what to do if that fails."""
        yield Static(id="countdown")
        yield Static(id="link")
        yield Static(id="ways")
        yield Static(id="ignored")
        yield Static(id="refused")
        yield PasteField(
            placeholder="p: paste the address the browser ended on, then Enter", id="paste", password=True
        )

    def show_link(self, ready: AuthorizationReady, port: int | None, *, player: bool) -> None:
        """Show the link and how the answer can come back.

        Args:
            ready: the event with the link.
            port: where the listener is bound, None without one.
            player: true when `s` signs in at the emulator in the person's stead.
        """
        self.link.border_title = "The link: open it in a browser and sign in"
        self.link.update(Content.styled(ready.url, Style(link=ready.url)))
        self.ways.update(Content("\n").join(_ways(port, player=player)))
        self.empty()
        self.scroll_home(animate=False)

    def empty(self) -> None:
        """Leave nothing of this wait behind: neither what was typed, nor what was said about it."""
        self.field.clear()
        self.ignored.remove_class("-shown")
        self.refused.remove_class("-shown")

    def take_paste(self, text: str) -> None:
        """Go to the field and put `text` into it; Enter hands it on."""
        self.field.focus()
        self.field.scroll_visible(animate=False)
        first = next(iter(text.splitlines()), "")
        if first:
            self.field.value = first
            self.field.cursor_position = len(first)

    def show_remaining(self, seconds: float) -> None:
        """Show how long the wait still lasts."""
        self._remaining = seconds
        minutes, rest = divmod(int(seconds), 60)
        roomy = self.content_size.width >= _ROOMY
        self.countdown.update(
            Content.assemble(
                ("Waiting for the browser  " if roomy else "Waiting  ", "bold"),
                (f"{minutes}:{rest:02d}", "bold $text-accent"),
                ("   + five minutes more   Esc cancel" if roomy else "  + more  Esc cancel", "$quiet"),
            )
        )

    def on_resize(self) -> None:
        """Say the time in as many words as there is room for, from the first moment on."""
        self.show_remaining(self._remaining)

    def show_ignored(self, reason: str, count: int) -> None:
        """Say that something else came to the listener and changed nothing."""
        times = "once" if count == 1 else f"{count} times"
        self.ignored.update(Content(f"! Ignored {times}, still waiting. Last: {safe_line(reason, 200)}"))
        self.ignored.add_class("-shown")

    def show_tunnel(self, family: str) -> None:
        """Say that the test page was reached."""
        self.ignored.update(
            Content(f"✔ The test page was reached over {family}: the browser can come back here.")
        )
        self.ignored.add_class("-shown")

    def show_refused_paste(self, words: str) -> None:
        """Say why what was pasted is not the answer."""
        self.refused.update(Content(f"✖ {safe_line(words, 400)}"))
        self.refused.add_class("-shown")

    @on(Input.Submitted, "#paste")
    def _submit(self, event: Input.Submitted) -> None:
        text = event.value
        event.input.clear()
        self.refused.remove_class("-shown")
        if text.strip():
            self.post_message(self.Pasted(Secret(text)))


def _ways(port: int | None, *, player: bool) -> list[Content]:
    keys: list[tuple[str, str]] = []
    if player:
        keys.append(("s", "sign in for me: the demo plays the person, over real HTTP"))
    if may_open_browser(os.environ):
        keys.append(("o", "open it in the browser of this machine"))
    keys += [("c", "copy the link"), ("p", "paste the address that the browser ended on")]
    lines = [Content.assemble((f" {key} ", "bold reverse"), f"  {words}") for key, words in keys]
    forward = None if port is None else ssh_forward_line(os.environ, port, _user(), socket.gethostname())
    if forward is not None and port is not None:
        lines += [
            Content(""),
            Content(
                "The browser is on another machine? Run this there, in a second terminal, before you sign in:"
            ),
            Content.styled(f"  {safe_line(forward)}", "bold"),
            Content.styled(f"  {escape_hint(port)}", "$quiet"),
            Content("Or sign in without it, and paste the address of the page that then cannot be shown."),
        ]
    lines += [
        Content(""),
        Content.styled(
            "Paste only an address that this login led to; never give such an address to anybody.",
            "$quiet",
        ),
    ]
    return lines


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
