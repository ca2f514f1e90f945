"""Toasts: the answer to ctrl+c, which stays while a second press quits, and how they are painted."""

from __future__ import annotations

import time
from typing import Any, Final

from textual.app import App

_TWICE_WITHIN: Final = 2.5  # seconds between two presses of ctrl+c that mean: quit; time to read the answer


class InterruptAnswer:
    """What ctrl+c was answered, for as long as a second press quits."""

    def __init__(self) -> None:
        self.words = ""
        self._began = float("-inf")

    def begin(self, words: str) -> None:
        self.words, self._began = words, time.monotonic()

    @property
    def seconds_left(self) -> float:
        return max(0.0, _TWICE_WITHIN - (time.monotonic() - self._began))


class ToastPainter:
    """Paints the whole screen once a toast has come or gone.

    Textual paints what changed in its map of widgets. If a widget was looked up meanwhile, the map has the
    change already: a toast was never painted, or stayed.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._had_toasts = False

    def paint(self, *, has_toasts: bool) -> None:
        if self._app.screen_stack and (has_toasts or self._had_toasts):
            top = self._app.screen_stack[-1]
            self._app.call_later(top.call_after_refresh, top.refresh)
        self._had_toasts = has_toasts
