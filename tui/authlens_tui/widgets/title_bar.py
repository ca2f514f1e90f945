"""The one line at the top: the trail to this screen, a mark for tampering, the secret store.

Textual's `Header` has a title and a subtitle, cut at the end on a narrow terminal; here the parts that
say least go first.
"""

from __future__ import annotations

import os

from rich.cells import cell_len
from textual.reactive import reactive

from authlens_core.values.user_screen import UserScreen
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static

_BETWEEN = " › "


def without_https(url: str) -> str:
    """Return a URL for the title bar, without its scheme if that is https."""
    return url.removeprefix("https://").removesuffix("/")


class TitleBar(Static):
    """Shows the way to this screen, such as `demo › A normal login › 7 Exchange`; it never holds a secret.

    Args:
        crumbs: the last steps of the way; those of the screen below come before them.
        store_name: what the secret store is called; nothing where it does not matter.
        is_root: true where the way starts.
    """

    DEFAULT_CSS = """
    TitleBar { height: 1; padding: 0 1; background: $surface; color: $text; dock: top; }
    """

    here: reactive[str] = reactive("")
    """The last step of the way, where it changes while the screen is shown."""
    tampered: reactive[bool] = reactive(False)
    """True when a request of what is shown was changed on purpose."""
    store_name: reactive[str] = reactive("")
    note: reactive[str] = reactive("")
    """A word on the screen as a whole, such as that it is read-only."""

    def __init__(self, *crumbs: str, store_name: str = "", note: str = "", is_root: bool = False) -> None:
        super().__init__()
        self._crumbs = crumbs
        self._is_root = is_root
        # Without a repaint: the widget is not mounted yet.
        self.set_reactive(TitleBar.store_name, store_name)
        self.set_reactive(TitleBar.note, note)

    def on_mount(self) -> None:
        """Start with the crumbs of the screen below, which do not change while it is covered."""
        if not self._is_root:
            stack = self.app.screen_stack
            below = [screen for screen in stack if screen is not self.screen]
            bars = (bar for screen in reversed(below) for bar in screen.query(TitleBar))
            self._crumbs = (*next((bar.trail for bar in bars), ()), *self._crumbs)
        self.app.screen_change_signal.subscribe(self, lambda _: self.refresh())

    @property
    def _above(self) -> tuple[str, ...]:
        """The names of the dialogs over this screen, which leave the title in sight."""
        stack = self.app.screen_stack
        over = stack[stack.index(self.screen) + 1 :] if self.screen in stack else []
        return tuple(screen.title for screen in over if screen.title)

    @property
    def trail(self) -> tuple[str, ...]:
        """The steps of the way, the first one first."""
        return (*self._crumbs, self.here) if self.here else self._crumbs

    def render(self) -> Content:
        width = max(1, self.content_size.width)
        trail = (*self.trail, *self._above)
        left = self._left(trail)
        ssh = "over SSH" if UserScreen(os.environ).over_ssh else ""
        secrets = f"secrets: {self.store_name}" if self.store_name else ""
        note, room = self.note, width - left.cell_length - 2
        while note and cell_len("  ".join(filter(None, (note, secrets, ssh)))) > room:
            note = note.rpartition(", ")[0]  # its first parts say most
        if secrets and cell_len(f"{secrets}  {ssh}") > room:
            ssh = ""
        right = Content.styled("  ".join(filter(None, (note, secrets, ssh))), "$quiet")
        gap = width - left.cell_length - right.cell_length
        if gap >= 2:
            return Content.assemble(left, " " * gap, right)
        while len(trail) > 1 and left.cell_length > width:
            trail = trail[1:]
            left = self._left(("…", *trail))
        return Content.of(left.truncate(width, ellipsis=True))

    def _left(self, trail: tuple[str, ...]) -> Content:
        *before, last = trail or ("",)
        return Content.assemble(
            (" authlens ", "bold $text-primary on $primary-muted"),
            (" ≠ TAMPERED ", "bold reverse $text-warning") if self.tampered else "",
            "  ",
            Content.line("".join(f"{crumb}{_BETWEEN}" for crumb in before), "$quiet"),
            Content.line(last, "bold"),
        )
