"""Why a stage failed: its diagnosis, as a check that stands beside the failed one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from authlens_core.access.diagnosis import UNKNOWN, Diagnosis, diagnose, explain
from authlens_core.oauth.check import Check, Severity, failures
from authlens_core.oauth.error_response import OAuthError
from authlens_core.trace.record import Stage
from authlens_core.wire.exchange import Exchange

__all__ = ["diagnosis_checks", "is_diagnosis", "is_unknown", "refusal_checks"]

_SUFFIX: Final = ".diagnosis"
_UNKNOWN_SUFFIX: Final = f".{UNKNOWN}{_SUFFIX}"
# A login goes on after these; what they mean is still worth a diagnosis.
_WORTH_A_WORD: Final = frozenset({Severity.FAILURE, Severity.WARNING})


def is_diagnosis(check: Check) -> bool:
    """Say whether `check` is the diagnosis of a stage."""
    return check.name.endswith(_SUFFIX)


def is_unknown(check: Check) -> bool:
    """Say whether `check` is the diagnosis of an answer that authlens does not know, so that it shows it."""
    return check.name.endswith(_UNKNOWN_SUFFIX)


def refusal_checks(
    stage: Stage,
    error: OAuthError | None,
    *,
    status: int | None = None,
    remark: str = "",
    exchange: Exchange | None = None,
) -> tuple[Check, ...]:
    """Return the diagnosis of a refusal in `stage`, or nothing where the error is not a known one.

    Args:
        stage: where it happened.
        error: what the server said, if it said it in the way of OAuth.
        status: the status of its answer, None for an answer that came through the browser.
        remark: a sentence of ours that belongs to the cause.
        exchange: the request and the answer, where authlens itself asked.
    """
    found = diagnose(
        stage.value,
        error=error.error if error else "",
        description=error.description if error else "",
        status=status,
        exchange=exchange,
    )
    return () if found is None else (_as_check(stage, found, remark),)


def diagnosis_checks(
    stage: Stage,
    checks: Sequence[Check],
    exchanges: Sequence[Exchange],
    overridden: Collection[str] = (),
) -> tuple[Check, ...]:
    """Return the diagnosis of a stage that ended with `checks`, unless one is among them already.

    Failures that stand are explained, the first of them where they have different causes; where none does,
    warnings are. Nothing is returned where a check of ours says all there is to say.
    """
    if any(is_diagnosis(check) for check in checks):
        return ()
    standing = failures(checks, overridden)
    grave = standing or tuple(
        c for c in checks if c.severity in _WORTH_A_WORD and c.name not in frozenset(overridden)
    )
    if not grave:
        return ()
    exchange = _decisive(stage, exchanges)
    if standing:
        found = explain(stage.value, grave, exchange)
    else:
        found = diagnose(stage.value, checks=grave, exchange=exchange)
    return () if found is None else (_as_check(stage, found),)


def _decisive(stage: Stage, exchanges: Sequence[Exchange]) -> Exchange | None:
    """Return the exchange that decided: the last; of a revocation, which a proof follows, the refused one."""
    if stage is Stage.REVOKE:
        refused = (e for e in exchanges if e.response is not None and e.response.status >= 400)
        return next((e for e in refused if e.purpose.startswith("revoke")), None)
    return exchanges[-1] if exchanges else None


def _as_check(stage: Stage, found: Diagnosis, remark: str = "") -> Check:
    by = f"Layer: {found.layer}." if found.layer else ""
    seen = " ".join(part for part in (found.cause, remark, by) if part)
    unknown = found.name == UNKNOWN
    return Check(
        f"{stage.value}{_UNKNOWN_SUFFIX if unknown else _SUFFIX}",
        Severity.NOTICE,
        "What came back" if unknown else "Why it was refused",
        seen,
        cure=found.cure,
        spec=found.source,
        evidence="\n".join(found.evidence),
    )
