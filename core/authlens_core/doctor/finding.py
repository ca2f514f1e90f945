"""A finding: one thing that a login depends on, what is there, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from authlens_core.values.check import Severity
from authlens_core.values.errors import AuthlensError, NoSecretStore, UsageError
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.safe_text import safe_fields


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one thing.

    Attributes:
        topic: what was looked at, one or two words.
        severity: a warning is inconvenient, a failure prevents a login.
        cure: what to do, or the empty string.
        code: the exit code of a verb that needs it; 0 where all can be done.
    """

    topic: str
    severity: Severity
    found: str
    cure: str = ""
    code: int = 0

    def __post_init__(self) -> None:
        safe_fields(self, "found", "cure")


_NO_PLACE: Final = NoSecretStore.exit_code


def from_error(topic: str, error: AuthlensError) -> Finding:
    """Return the finding for what stops a login: 9 where there is no secret store, else 2."""
    code = _NO_PLACE if isinstance(error, NoSecretStore) else UsageError.exit_code
    return Finding(topic, Severity.FAILURE, error.cause, error.cure, code)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return the code for all of them together: 9 before 2, and 0 where a login can be done and kept."""
    return max((finding.code for finding in findings), default=0)
