"""The device grant while it waits: the code to enter, the page for it, and the time left (RFC 8628)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.geometry import Size
from textual.style import Style

from authlens_core.desk.callback_offer import UserScreen, callback_offer
from authlens_core.desk.log_in import Facts
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.authorization.qr_code import QrCode, QrCodeWanted, draw, modules_of, shortened
from authlens_tui.widgets.key_binding import default_css, keys
from authlens_tui.words.times import clock

_BESIDE_QR: Final = 46  # cells that the words need beside the QR code
_ROOMY: Final = 66  # cells in which the words beside the countdown fit


def _forward_words(page: str) -> Iterator[str | tuple[str, str]]:
    """Yield the ssh line, if the page is on this machine and the browser is not."""
    if line := callback_offer(None, UserScreen(os.environ), page).forward_line:
        yield "\n\nThe page is on this machine. Run this on your own first:\n"
        yield f"  {line}", "bold $text"


class DevicePanel(VerticalScroll):
    """Shows the code until it is entered, refused, or expired."""

    DEFAULT_CSS = default_css(__file__)
    BINDINGS = keys("device")

    code = getters.query_one("#device-code", Static)
    time_left = getters.query_one("#device-time", Static)
    page = getters.query_one("#device-page", Static)
    host = getters.query_one("#device-host", Static)
    qr = getters.query_one(QrCode)

    url = ""
    """The page to open, with the code filled in if the server offers that; empty without a code."""

    user_code = ""
    """The code that the user enters, safe to show."""

    _facts: Facts | None = None
    _asked = 0
    _now: datetime | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="device-time")
        with Horizontal(id="device-side"):
            with Vertical(id="device-words"):
                yield Static(id="device-code")
                yield Static(id="device-page")
                yield Static(id="device-host")
            yield QrCode()

    def show(self, facts: Facts) -> None:
        device = facts.device
        if device is None or (self._facts is not None and device is self._facts.device):
            return
        self._facts, self._asked = facts, 0
        self.url = (device.verification_uri_complete or device.verification_uri).text
        self.user_code = device.user_code
        self.code.border_title = "Enter this code"
        # With blanks between the letters it is read off and typed without a mistake.
        self.code.update(Content(" ".join(self.user_code)))
        page = device.verification_uri.text
        link = Content.styled(page, Style(link=page, bold=True))
        self.page.update(Content.assemble("on this page, on any device: ", link))
        self.host.update(
            Content.assemble(
                "The page is on ",
                (device.verification_uri.host, "bold"),
                ". Enter the code only if you started this login yourself: "
                "if someone else sent you a code, they get your access.",
                *_forward_words(page),
            )
        )
        self._draw_qr()
        self.scroll_home(animate=False)

    def show_asked(self, times: int) -> None:
        self._asked = times

    def tick(self, now: datetime) -> None:
        self._now = now
        ends_at = None if self._facts is None else self._facts.device_ends_at
        if ends_at is None:
            return
        seconds = max(0, int((ends_at - now).total_seconds()))
        roomy = self.content_size.width >= _ROOMY
        polls = f"   asked {self._asked} times" if self._asked > 1 else ""
        self.time_left.update(
            Content.assemble(
                ("Waiting for you to enter the code  " if roomy else "Code  ", "bold"),
                ("expires in " if seconds else "expired", "bold"),
                (clock(seconds) if seconds else "", "bold $text-accent"),
                (polls if roomy else "", "$quiet"),
            )
        )

    def on_resize(self) -> None:
        self._draw_qr()
        if self._now is not None:  # the words go by the width
            self.tick(self._now)

    def _draw_qr(self) -> None:
        modules = modules_of(shortened(self.url)) if self.url else None
        size = Size(max(0, self.content_size.width - _BESIDE_QR), max(0, self.content_size.height - 2))
        drawing = None if modules is None else draw(modules, size)
        self.qr.drawing = drawing
        self.qr.set_class(drawing is not None and drawing.plain, "-shown")

    def action_qr_code(self) -> None:
        if self.url:
            self.post_message(QrCodeWanted(self.url))
