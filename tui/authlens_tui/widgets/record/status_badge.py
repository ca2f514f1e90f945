"""The status of a response as a coloured badge; the number itself says it where there is no colour.

Red is what a stage failed at. Any other status has the colour of its class, and 401 may be what was expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from authlens_core.trace.record import Exchange, StageRecord
from authlens_tui.terminal.content import Content

_NO_ANSWER: Final = ("✖", "bold $text-error")
_FAILED: Final = 5
_STYLES: Final = {
    2: "bold $text-success on $success-muted",
    3: "bold $text-primary on $primary-muted",
    4: "bold $text-warning on $warning-muted",
    _FAILED: "bold $text-error on $error-muted",
}


def last_badge(exchanges: Sequence[Exchange], record: StageRecord | None = None) -> Content:
    """Return the badge of the last of `exchanges`, which were sent in the stage of `record`."""
    if not exchanges:
        return Content()
    last = exchanges[-1]
    failed = record is not None and record.failed_at(last)
    return status_badge(None if last.response is None else last.response.status, failed=failed)


def with_badge(words: str, badge: Content) -> Content:
    return Content.assemble(words, " ", badge) if badge else Content(words)


def status_badge(status: int | None, *, failed: bool = False) -> Content:
    """Return a badge such as ` 401 `; a cross if no response came.

    Args:
        failed: true for the response at which a stage failed.
    """
    if status is None:
        return Content.assemble(_NO_ANSWER)
    return Content.assemble((f" {status} ", _STYLES.get(_FAILED if failed else status // 100, "bold")))
