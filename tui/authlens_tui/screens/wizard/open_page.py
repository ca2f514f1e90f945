"""Opening a page in a browser of this machine, with a note of how that went."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from textual.widget import Widget

from authlens_tui.terminal.browser import open_browser


def open_page(
    widget: Widget,
    url: str,
    environ: Mapping[str, str],
    *,
    wanted: Callable[[], bool],
    opening: str,
    failed: str,
) -> None:
    """Open `url`, and notify on `widget`.

    Args:
        wanted: whether a failure still matters; it may be known long after the key was pressed.
    """
    loop = asyncio.get_running_loop()

    def report() -> None:
        if widget.is_running and wanted():
            widget.notify(failed, severity="warning", markup=False)

    def from_thread() -> None:  # in the thread that waits for the opener
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(report)

    if open_browser(url, dict(environ), failed=from_thread):
        widget.notify(opening, markup=False)
    else:
        report()
