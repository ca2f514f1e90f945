"""A picture of the screen as SVG, without the secrets that are revealed on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from textual.app import App
from textual.widgets import Input

from authlens_core.desk.credentials import AuthlensError
from authlens_core.export.saved_file import write_export
from authlens_tui.screens.cloudflared import CloudflaredScreen
from authlens_tui.screens.dashboard.reveal import RevealScreen
from authlens_tui.screens.wizard.link import QrScreen
from authlens_tui.terminal.focus import is_displayed
from authlens_tui.widgets.authorization.authorization_panel import AuthorizationPanel
from authlens_tui.widgets.authorization.device_panel import DevicePanel
from authlens_tui.widgets.record.record_view import RecordView

_REPAINTED: Final = 2.0  # seconds to wait for a screen to be painted again
_SHOW_LINKS: Final = (AuthorizationPanel, CloudflaredScreen, DevicePanel, QrScreen)


class NoPicture(Exception):
    """There is nothing to save, or it would show a secret; the message says why and what to do."""


async def save_picture(app: App[Any], directory: Path | None = None) -> Path:
    """Mask what is revealed, write the screen to a new file of mode 0600, and return its path.

    Args:
        directory: where the file is written; the current directory by default.

    Raises:
        NoPicture: the screen shows the link or the code of a login.
        FileUnusable: the file cannot be written.
    """
    with _typed_text_masked(app):
        _mask(app)
        # The picture is of what was painted last, so the masks have to be painted first.
        painted = asyncio.Event()
        app.screen.call_after_refresh(painted.set)
        with suppress(TimeoutError):
            async with asyncio.timeout(_REPAINTED):
                await painted.wait()
        _mask(app)  # a key may have revealed them again meanwhile
        svg = app.export_screenshot(title="authlens")
    path = (directory or Path.cwd()) / f"authlens-screen-{datetime.now(UTC):%Y%m%d-%H%M%S}.svg"
    await asyncio.to_thread(write_export, path, svg)
    return path


async def tell_saved(app: App[Any]) -> None:
    """Save a picture, and say where it is or why there is none."""
    try:
        path = await save_picture(app)
    except (NoPicture, AuthlensError) as error:
        app.notify(str(error), title="Not saved", severity="warning", markup=False)
    else:
        app.notify(f"Secrets are masked.\n{path}", title="Picture saved", markup=False)


@contextmanager
def _typed_text_masked(app: App[Any]) -> Iterator[None]:
    """Mask what was typed or pasted into a field: whether it is a secret, only the user knows."""
    fields = [field for screen in app.screen_stack for field in screen.query(Input) if not field.password]
    for field in fields:
        field.password = True
    try:
        yield
    finally:
        for field in fields:
            field.password = False


def _mask(app: App[Any]) -> None:
    for screen in app.screen_stack:
        for node in (screen, *screen.query("*")):
            if isinstance(node, RecordView | RevealScreen):
                node.mask()
            elif isinstance(node, _SHOW_LINKS) and is_displayed(node):
                raise NoPicture(
                    "This screen shows the link or the code of a login, which is secret. "
                    "Save the picture when the login has ended."
                )
