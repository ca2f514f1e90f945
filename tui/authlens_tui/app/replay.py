"""A session file on the screen, without the rest of the app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from authlens_tui.app.base_app import BaseApp
from authlens_tui.screens.trace.trace import TraceScreen

if TYPE_CHECKING:
    from authlens_core.desk.log_in import Trace


class Replay(BaseApp):
    """A session file, read-only; it needs no keyring and sends nothing."""

    def __init__(self, trace: Trace, name: str, environ: Mapping[str, str] | None = None) -> None:
        super().__init__(environ)
        self._first = TraceScreen(trace, replay=name)

    def on_mount(self) -> None:
        self.push_screen(self._first)
