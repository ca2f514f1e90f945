"""`authlens demo`: the app on the embedded emulator."""

from __future__ import annotations

from argparse import Namespace

from authlens_tui.cli.faults import chosen_cases
from authlens_tui.cli.full_screen import require_terminal, run_to_end


def demo(arguments: Namespace) -> int:
    """Run the app on the embedded emulator; none of its tokens are kept after it ends.

    With a scenario, or with `play`, the wizard comes at once; otherwise the menu of scenarios.

    Raises:
        UsageError: there is no such scenario, or this is no terminal for a full screen.
    """
    names, play = arguments.fault, arguments.play
    cases = chosen_cases(names)
    if cases is None:
        return 0
    require_terminal("authlens emulator, and authlens login with the URL that it prints")
    from authlens_tui.app.demo import DemoApp

    app = DemoApp(faults=cases, play=play, menu=not names and not play, port=arguments.port)
    return run_to_end(app)
