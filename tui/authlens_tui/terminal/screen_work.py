"""What still works for a screen when it closes."""

from __future__ import annotations

from contextlib import suppress

from textual.screen import Screen
from textual.widgets import Input
from textual.worker import NoActiveWorker, get_current_worker


def end_work_of(screen: Screen[object]) -> None:
    """Cancel the workers of a screen and its widgets, but not the one that closes it.

    Textual does so when the widgets are gone already, and a worker whose thread is done in between looks
    for them: that would end the app.
    """
    closing = None
    with suppress(NoActiveWorker):
        closing = get_current_worker()
    for worker in list(screen.workers):
        # A field looks for suggestions by a coroutine, and Python warns of one that never began.
        if worker is closing or isinstance(worker.node, Input):
            continue
        if screen in worker.node.ancestors_with_self:
            worker.cancel()
