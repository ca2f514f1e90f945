"""The one line at the top: where we are, where secrets are kept, and whether this is SSH."""

from __future__ import annotations

import os

from textual.content import Content
from textual.widgets import Static

from authlens_core.callback.ssh_forward import is_ssh
from authlens_core.safe_text import safe_line

__all__ = ["TitleBar"]


class TitleBar(Static):
    """Shows the program, the subject, and the place for secrets; it never holds a secret."""

    DEFAULT_CSS = """
    TitleBar { height: 1; padding: 0 1; background: $surface; color: $text; dock: top; }
    """

    def __init__(self, subject: str, store_name: str = "") -> None:
        super().__init__()
        self._subject = subject
        self._store_name = store_name

    def render(self) -> Content:
        """Lay the line out for the width there is."""
        left = Content.assemble(
            (" authlens ", "bold $text-primary on $primary-muted"),
            "  ",
            Content(safe_line(self._subject, 200)),
        )
        ssh = "  over SSH" if is_ssh(os.environ) else ""
        secrets = f"secrets: {safe_line(self._store_name, 60)}" if self._store_name else ""
        right = Content.styled(f"{secrets}{ssh}", "$quiet")
        gap = self.content_size.width - left.cell_length - right.cell_length
        if gap < 2:
            return left.truncate(max(1, self.content_size.width), ellipsis=True)
        return Content.assemble(left, " " * gap, right)
