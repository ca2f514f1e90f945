"""From a failure to its cause and its cure: what people who met it before found out.

The knowledge is a table in `access.causes`; here the first row that fits is found.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from authlens_core.access.answer import Answer
from authlens_core.access.causes import CAUSES, Cause
from authlens_core.safe_text import safe_line

__all__ = ["Diagnosis", "diagnose"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why something failed, in words a person can act on. Every text is safe to show.

    Attributes:
        name: a stable identifier of the cause.
        cause: what happened and why.
        cure: what to do; names the exact setting.
        evidence: what it was told from.
        source: where this is known from.
    """

    name: str
    cause: str
    cure: str
    evidence: tuple[str, ...] = ()
    source: str = ""


def diagnose(
    stage: str,
    *,
    error: str = "",
    description: str = "",
    status: int | None = None,
    answer: Answer | None = None,
    check_names: Collection[str] = (),
) -> Diagnosis | None:
    """Return the cause of a failure, or None if no known one fits.

    Args:
        stage: the value of `trace.Stage` it happened in.
        error: the OAuth error code, if there is one.
        description: what the server said about it, or the text of a page that a person saw.
        status: the HTTP status of the answer.
        answer: the answer, classified.
        check_names: the names of the checks that failed.
    """
    texts = (description, *((answer.summary, *answer.evidence) if answer else ()))
    said = "\n".join(texts).lower()
    protection = answer.protection if answer else None
    for cause in CAUSES:
        fits = (
            (not cause.stages or stage in cause.stages)
            and (not cause.errors or error.lower() in cause.errors)
            and (not cause.phrases or any(phrase in said for phrase in cause.phrases))
            and (not cause.statuses or status in cause.statuses)
            and (not cause.protections or protection in cause.protections)
            and (not cause.checks or not cause.checks.isdisjoint(check_names))
        )
        if fits:
            return _diagnosis(cause, error, description, status, answer, check_names)
    return None


def _diagnosis(
    cause: Cause,
    error: str,
    description: str,
    status: int | None,
    answer: Answer | None,
    check_names: Collection[str],
) -> Diagnosis:
    evidence = [safe_line(f"{error}: {description}" if error and description else error or description, 500)]
    if answer is not None:
        evidence.extend(answer.evidence)
    elif status is not None:
        evidence.append(f"status {status}")
    evidence.extend(f"check {name}" for name in sorted(cause.checks.intersection(check_names)))
    return Diagnosis(
        cause.name, cause.cause, cause.cure, tuple(line for line in evidence if line), cause.source
    )
