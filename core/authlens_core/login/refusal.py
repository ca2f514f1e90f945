"""Why a server refused: the diagnosis of its error, as a check that stands beside the failed one."""

from __future__ import annotations

from authlens_core.access.diagnosis import diagnose
from authlens_core.oauth.check import Check, Severity
from authlens_core.oauth.error_response import OAuthError
from authlens_core.trace.record import Stage

__all__ = ["refusal_checks"]


def refusal_checks(
    stage: Stage, error: OAuthError | None, *, status: int | None = None, remark: str = ""
) -> tuple[Check, ...]:
    """Return the diagnosis of a refusal in `stage`, or nothing where the error is not a known one.

    Args:
        stage: where it happened.
        error: what the server said, if it said it in the way of OAuth.
        status: the status of its answer, None for an answer that came through the browser.
        remark: a sentence of ours that belongs to the cause.
    """
    found = diagnose(
        stage.value,
        error=error.error if error else "",
        description=error.description if error else "",
        status=status,
    )
    if found is None:
        return ()
    seen = f"{found.cause} {remark}".rstrip()
    name = f"{stage.value}.diagnosis"
    return (Check(name, Severity.NOTICE, "Why it was refused", seen, cure=found.cure, spec=found.source),)
