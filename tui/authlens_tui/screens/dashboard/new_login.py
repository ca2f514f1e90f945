"""Asks for the URL of a resource to log in to, and offers what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Paste
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Static

from authlens_core.login.pasted_request import url_in
from authlens_core.oauth.url import UrlRefused, parse_url, with_https
from authlens_tui.screens.dialog import Dialog, DialogBox, DialogButtons
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.key_footer import KeyFooter

_HINT: Final = "Enter starts. A host name is enough, and a pasted curl command or HAR entry."


class Known(NamedTuple):
    """A stored credential for a URL that works.

    Attributes:
        words: that the user is logged in, and how long.
    """

    holding_id: str
    words: str


class LoginChoice(NamedTuple):
    """What the user chose: a URL to log in to, or the stored credential for it."""

    url: str
    holding_id: str = ""


class UrlField(Input):
    """Takes the URL out of a pasted request."""

    def on_paste(self, event: Paste) -> None:
        """Put in the URL alone: headers and bodies may hold secrets."""
        url = url_in(event.text)
        if url is not None:
            event.prevent_default()
            event.stop()
            self.value = url
            self.cursor_position = len(url)


class NewLoginScreen(Dialog[LoginChoice | None]):
    """Asks for one URL and lets only a usable one through.

    Args:
        known: the credentials that work, by URL.
        urls: completed while you type: of credentials and of earlier logins.
    """

    HELP = "→ takes the completion. A login that still works is offered before another one starts."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="new_login.cancel", tooltip="Back to the dashboard"),
        Binding("l", "again", "Log in again", id="new_login.again", tooltip="Replace the login that works"),
    ]
    field = getters.query_one("#url", UrlField)

    def __init__(
        self, suggestion: str = "", known: Mapping[str, Known] | None = None, urls: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        self._suggestion = suggestion
        self._known = known or {}
        # Typed with and without the scheme.
        self._urls = [*urls, *(url.partition("://")[2] for url in urls)]
        self._offered = ""

    def compose(self) -> ComposeResult:
        with DialogBox("New login"):
            yield Static(
                Content("The address of the protected page or MCP server, as you would open it."),
                classes="dialog-words",
            )
            yield UrlField(
                self._suggestion,
                placeholder="wiki.example.com",
                suggester=SuggestFromList(self._urls, case_sensitive=False),
                id="url",
            )
            yield Static(Content(_HINT), id="problem", classes="dialog-hint")
            with DialogButtons():
                yield Button(Content("Use it"), id="use", variant="primary")
                yield Button(Content("Log in again"), id="again")
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one(DialogButtons).display = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return action != "again" or bool(self._offered)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        """Start with the URL, offer the login that there is, or say what is wrong with the URL."""
        text = self.field.value.strip()
        try:
            url = parse_url(with_https(url_in(text) or text), loopback_http=True).text
        except UrlRefused as refused:
            self._say(f"This URL cannot be used: {'; '.join(refused.reasons)}", bad=True)
            return
        if (known := self._known.get(url)) is None:
            self.dismiss(LoginChoice(url))
            return
        self._offered = url
        self._say(known.words)
        self.query_one(DialogButtons).display = True
        self.query_one("#use", Button).focus()
        self.refresh_bindings()

    @on(Input.Changed)
    def _changed(self) -> None:
        if self._offered:
            self._offered = ""
            self.query_one(DialogButtons).display = False
            self._say(_HINT)
            self.refresh_bindings()

    def _say(self, words: str, *, bad: bool = False) -> None:
        problem = self.query_one("#problem", Static)
        problem.set_class(bad, "-bad")
        problem.update(Content(words))

    @on(Button.Pressed, "#use")
    def _use(self) -> None:
        self.dismiss(LoginChoice(self._offered, self._known[self._offered].holding_id))

    @on(Button.Pressed, "#again")
    def action_again(self) -> None:
        self.dismiss(LoginChoice(self._offered))

    def action_cancel(self) -> None:
        self.dismiss(None)
