"""`authlens open`: a session file, read-only, in the views that showed it when it happened."""

from __future__ import annotations

import shlex
from argparse import Namespace

from authlens_core.export.saved_file import named_path, open_session
from authlens_tui.cli.full_screen import require_terminal, run_to_end


def open_file(arguments: Namespace) -> int:
    """Show the file until the user leaves.

    Raises:
        UsageError: it is no session file, or this is no terminal for a full screen.
    """
    path = named_path(arguments.file)
    trace = open_session(path)
    require_terminal(f"authlens export {shlex.quote(str(path))} --format markdown")
    from authlens_tui.app.replay import Replay

    app = Replay(trace, path.name)
    return run_to_end(app)
