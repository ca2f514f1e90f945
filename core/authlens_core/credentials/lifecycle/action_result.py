"""The result of an action on one credential, as the app and the command line show it."""

from __future__ import annotations

from enum import StrEnum

from authlens_core.trace.record import Trace
from authlens_core.values.errors import AuthlensError
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.safe_text import safe_fields


class ActionOutcome(StrEnum):
    """The outcome of an action that has no outcomes of its own."""

    DONE = "done"
    FAILED = "failed"
    """The store, a lock or the record was in the way."""
    UNFINISHED = "unfinished"
    """A signal stopped it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """What an action on one credential came to.

    Attributes:
        outcome: how it ended; its value is the word in JSON.
        summary: what happened, one or two sentences; made safe to show, as `cure` is.
        cure: what to do, or the empty string.
        error_type: the error that a verb ends with; None if the action did what was asked for.
        trace: what was sent and received; None if nothing could be.
        details: further results, such as that of each token, a sentence each.
    """

    outcome: StrEnum
    summary: str
    cure: str = ""
    error_type: type[AuthlensError] | None = None
    trace: Trace | None = None
    details: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        safe_fields(self, "summary", "cure")

    @property
    def good(self) -> bool:
        return self.error_type is None

    @property
    def has_failed(self) -> bool:
        """Whether it could not be done at all."""
        return self.outcome is ActionOutcome.FAILED

    @property
    def sign(self) -> str:
        """The sign that both faces show before the summary."""
        return "✔" if self.good else "✖"

    @property
    def exit_code(self) -> int:
        """The exit code of a verb that did only this."""
        return 0 if self.error_type is None else self.error_type.exit_code


def failed_action(error: AuthlensError) -> ActionResult:
    return ActionResult(
        outcome=ActionOutcome.FAILED, summary=error.cause, cure=error.cure, error_type=type(error)
    )
