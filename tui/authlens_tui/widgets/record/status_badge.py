"""The status of a response as a coloured badge; the number itself says it where there is no colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from authlens_core.values.exchange import Exchange
from authlens_tui.terminal.content import Content

_NO_ANSWER: Final = ("✖", "bold $text-error")
_STYLES: Final = {
    2: "bold $text-success on $success-muted",
    3: "bold $text-primary on $primary-muted",
    4: "bold $text-warning on $warning-muted",
    5: "bold $text-error on $error-muted",
}


def last_badge(exchanges: Sequence[Exchange]) -> Content:
    if not exchanges:
        return Content()
    response = exchanges[-1].response
    return status_badge(None if response is None else response.status)


def with_badge(words: str, badge: Content) -> Content:
    return Content.assemble(words, " ", badge) if badge else Content(words)


def status_badge(status: int | None) -> Content:
    """Return a badge such as ` 401 `; a cross if no response came."""
    if status is None:
        return Content.assemble(_NO_ANSWER)
    return Content.assemble((f" {status} ", _STYLES.get(status // 100, "bold")))
