"""A check: one thing that was looked at in an answer, and what came of it.

Checks are how the protocol speaks to a person. Whether a failed one may be overridden is decided here, where
the specification is known, and never in the interface.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from authlens_core.safe_text import safe_fields, safe_text

__all__ = ["Check", "Severity", "failures", "passed"]


class Severity(StrEnum):
    """How a check came out, from good to bad."""

    PASS = "pass"  # noqa: S105 - a severity, not a password
    NOTICE = "notice"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement held against one answer; text from outside in it is made safe to show when it is made.

    Attributes:
        name: a stable identifier, `stage.subject`, for tests, overrides and diagnosis.
        severity: how it came out.
        expected: what the specification or we expect, a short sentence.
        seen: what was there.
        why: why it matters, one plain sentence.
        spec: where it is written, such as `RFC 9728 §3.3`.
        cure: what to do when it failed; names the exact setting where there is one.
        overridable: true when the person may go on in spite of a failure.
        evidence: the lines of the raw answer that show it, quoted as they stood, one a line;
            filled by a diagnosis, empty where `seen` says it all.
    """

    name: str
    severity: Severity
    expected: str
    seen: str = ""
    why: str = ""
    spec: str = ""
    cure: str = ""
    overridable: bool = False
    evidence: str = ""

    def __post_init__(self) -> None:
        safe_fields(self, "expected", "seen", "why", "cure")
        object.__setattr__(self, "evidence", safe_text(self.evidence))


def passed(name: str, expected: str, seen: str = "", *, spec: str = "", why: str = "") -> Check:
    """Make a check that passed."""
    return Check(name, Severity.PASS, expected, seen, why, spec)


def failures(checks: Iterable[Check], overridden: Iterable[str] = ()) -> tuple[Check, ...]:
    """Return the failed checks that still stand: those not overridden, and those that cannot be."""
    allowed = frozenset(overridden)
    return tuple(
        c for c in checks if c.severity is Severity.FAILURE and not (c.overridable and c.name in allowed)
    )
