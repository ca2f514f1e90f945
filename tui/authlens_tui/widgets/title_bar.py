"""The one line at the top: where we are, whether anything was changed on purpose, where secrets are kept."""

from __future__ import annotations

import os

from textual.reactive import reactive

from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.user_screen import UserScreen
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static


class TitleBar(Static):
    """Shows the program, the subject, and the secret store; it never holds a secret."""

    DEFAULT_CSS = """
    TitleBar { height: 1; padding: 0 1; background: $surface; color: $text; dock: top; }
    """

    tampered: reactive[bool] = reactive(False)
    """True when a request of what is shown was changed on purpose."""
    store_name: reactive[str] = reactive("")
    """What the secret store is called; nothing where it does not matter."""

    def __init__(self, subject: str, store_name: str = "") -> None:
        super().__init__()
        self._subject = safe_line(subject)
        # Without a repaint: the widget is not mounted yet.
        self.set_reactive(TitleBar.store_name, safe_line(store_name, NAME))

    def render(self) -> Content:
        left = Content.assemble(
            (" authlens ", "bold $text-primary on $primary-muted"),
            (" ≠ TAMPERED ", "bold reverse $text-warning") if self.tampered else "",
            "  ",
            self._subject,
        )
        ssh = "  over SSH" if UserScreen(os.environ).over_ssh else ""
        secrets = f"secrets: {self.store_name}" if self.store_name else ""
        right = Content.styled(f"{secrets}{ssh}", "$quiet")
        gap = self.content_size.width - left.cell_length - right.cell_length
        if gap < 2:
            return Content.of(left.truncate(max(1, self.content_size.width), ellipsis=True))
        return Content.assemble(left, " " * gap, right)
