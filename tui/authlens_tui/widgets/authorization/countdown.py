"""The time that is left, as digits, a bar and words: shown every second, never by colour alone."""

from __future__ import annotations

from typing import Final

from textual.reactive import reactive
from textual.widget import Widget

from authlens_tui.terminal.content import Content

_SOON: Final = 30.0  # seconds under which it is worth a warning
_OTHER_CELLS: Final = 14  # cells of the digits and the word beside the bar


class Countdown(Widget):
    """Shows how long a wait still lasts. The screen sets `remaining` once a second."""

    DEFAULT_CSS = """
    Countdown { width: 1fr; height: 1; color: $foreground; }
    """

    remaining: reactive[float] = reactive(0.0)
    """Seconds left."""

    total: reactive[float] = reactive(0.0)
    """Seconds the wait lasts in all; the length of the bar."""

    def render(self) -> Content:
        left = max(0.0, self.remaining)
        style = "$text-error" if left <= 0 else "$text-warning" if left < _SOON else "$text-success"
        word = "expired" if left <= 0 else "left"
        cells = max(0, self.content_size.width - _OTHER_CELLS - len(word))
        # More than all of it, for a moment, where a wait was just extended.
        share = min(1.0, left / self.total) if self.total > 0 else 0.0
        filled = round(cells * share)
        return Content.assemble(
            (f"{clock(left):>6} ", f"bold {style}"),
            (f"{word}  ", "$quiet"),
            ("━" * filled, style),
            ("╌" * (cells - filled), "$text-disabled"),
        )


def clock(seconds: float) -> str:
    """Return whole seconds as `m:ss` or `h:mm:ss`."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
