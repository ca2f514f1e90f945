"""A picture of the screen as SVG, without the secrets that are revealed on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from textual.app import App
from textual.screen import Screen
from textual.widgets import Input

from authlens_core.desk.credentials import AuthlensError
from authlens_core.export.picture import comparison_svg, diagram_svg, waterfall_svg
from authlens_core.export.saved_file import write_export
from authlens_tui.screens.cloudflared import CloudflaredScreen
from authlens_tui.screens.dashboard.reveal import RevealScreen
from authlens_tui.screens.trace.comparison import CompareScreen
from authlens_tui.screens.wizard.link import QrScreen
from authlens_tui.terminal.focus import is_displayed
from authlens_tui.widgets.authorization.authorization_panel import AuthorizationPanel
from authlens_tui.widgets.authorization.device_panel import DevicePanel
from authlens_tui.widgets.record.record_lines import Tab
from authlens_tui.widgets.record.record_view import RecordView

if TYPE_CHECKING:
    from authlens_core.desk.log_in import Trace


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
    return await _written(svg, "screen", directory)


@runtime_checkable
class ShowsTrace(Protocol):
    """A screen that shows a trace, of which there can be a postcard."""

    again: str
    """The command that does the same again; empty for the login to its resource."""
    record_view: RecordView

    @property
    def trace(self) -> Trace:
        """What is shown."""


async def save_postcard(app: App[Any], directory: Path | None = None) -> Path:
    """Write what is shown of a trace to a file like the above: its diagram, waterfall or comparison.

    Raises:
        NoPicture: no screen shows a trace that has begun.
        FileUnusable: the file cannot be written.
    """
    draw = next(filter(None, map(_drawing_of, reversed(app.screen_stack))), None)
    if draw is None:
        raise NoPicture("There is no login here to make a picture of. Run a stage, or open a recorded login.")
    return await _written(await asyncio.to_thread(draw), "postcard", directory)


async def _written(svg: str, kind: str, directory: Path | None) -> Path:
    path = (directory or Path.cwd()) / f"authlens-{kind}-{datetime.now(UTC):%Y%m%d-%H%M%S}.svg"
    await asyncio.to_thread(write_export, path, svg)
    return path


def _drawing_of(screen: Screen[Any]) -> Callable[[], str] | None:
    """Return what draws the postcard of a screen; None if it shows no trace that has begun."""
    match screen:
        case CompareScreen():
            return partial(comparison_svg, *screen.traces, screen.names)
        case ShowsTrace() if screen.trace.records:
            draw = waterfall_svg if screen.record_view.tab is Tab.TIMING else diagram_svg
            return partial(draw, screen.trace, screen.again)
    return None


async def tell_saved(app: App[Any], save: Callable[[App[Any]], Awaitable[Path]]) -> None:
    """Save a picture, and say where it is or why there is none."""
    try:
        path = await save(app)
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
