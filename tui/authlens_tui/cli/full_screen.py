"""Starting the full-screen app: on a terminal that can show it, or a plain word that it cannot."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from authlens_core.errors import UsageError
from authlens_tui.cli.faults import chosen_faults
from authlens_tui.cli.session import checked_url

__all__ = ["run_app", "run_demo"]


def run_app(url: str | None) -> int:
    """Run the app: on the wizard for `url`, or on the dashboard."""
    checked = None if url is None else checked_url(url)
    _require_terminal("authlens login URL" if url is None else f"authlens login {checked}")
    from authlens_tui.program import Program

    app = Program(start_url=checked)
    app.run()
    return app.return_code or 0


def run_demo(fault_names: Sequence[str], *, play: bool, port: int) -> int:
    """Run the app on the embedded emulator; nothing it earns is kept after it ends."""
    faults = chosen_faults(fault_names)
    if faults is None:
        return 0
    _require_terminal("authlens emulator")
    from authlens_tui.demo import DemoApp

    app = DemoApp(faults=faults, play=play, port=port)
    app.run()
    return app.return_code or 0


def _require_terminal(instead: str) -> None:
    """Refuse where a full screen cannot work, before Textual would paint over it.

    Raises:
        UsageError: with what to run instead.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        msg = "The full-screen app needs a terminal for its keys and its screen."
        raise UsageError(msg, f"On a plain terminal or from a script: {instead}")
    if os.environ.get("TERM", "") in {"", "dumb"}:
        msg = "This terminal (TERM=dumb) cannot show a full screen."
        raise UsageError(msg, f"Use the plain conversation: {instead}")
