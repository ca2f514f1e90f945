"""Asks for the URL of a resource to log in to."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from authlens_core.oauth.url import UrlRefused, parse_url
from authlens_tui.screens.dialog import Dialog, DialogBox
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.key_footer import KeyFooter

_HINT: Final = "Enter starts. https:// is added if you leave it out."


class NewLoginScreen(Dialog[str | None]):
    """Asks for one URL and lets only a usable one through; `suggestion` is in the field at first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="new_login.cancel", tooltip="Back to the dashboard"),
    ]

    def __init__(self, suggestion: str = "") -> None:
        super().__init__()
        self._suggestion = suggestion

    def compose(self) -> ComposeResult:
        """Lay out the question and the field."""
        with DialogBox("New login"):
            yield Static(
                Content("The address of the protected page or MCP server, as you would open it."),
                classes="dialog-words",
            )
            yield Input(self._suggestion, placeholder="https://wiki.example.com/", id="url")
            yield Static(
                Content("Enter starts. https:// is added if you leave it out."),
                id="problem",
                classes="dialog-hint",
            )
        yield KeyFooter()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Start with the URL, or say what is wrong with it."""
        text = event.value.strip()
        if text and "://" not in text:
            text = f"https://{text}"
        try:
            url = parse_url(text, loopback_http=True)
        except UrlRefused as refused:
            problem = self.query_one("#problem", Static)
            problem.update(Content(f"That cannot be used: {'; '.join(refused.reasons)}"))
            problem.add_class("-bad")
            return
        self.dismiss(url.text)

    def action_cancel(self) -> None:
        """Leave without a login."""
        self.dismiss(None)
