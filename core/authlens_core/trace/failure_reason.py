"""Why a stage failed, diagnosed when its record is made.

What a server repeated of a secret is masked when the record is made, too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from msgspec.structs import replace

from authlens_core.diagnosis import evidence
from authlens_core.diagnosis.diagnose import diagnose, find_cause
from authlens_core.diagnosis.server_kind import ServerKind
from authlens_core.trace.record import StageRecord
from authlens_core.values.check import Check, Diagnosis, Severity, failures
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.fix import Fix
from authlens_core.values.formats.error_response import OAuthError, meaning
from authlens_core.values.secret_masking import SecretMasker
from authlens_core.values.stage import Stage

# A login continues after a warning; what it means still deserves a diagnosis.
_GRAVE: Final = frozenset({Severity.FAILURE, Severity.WARNING})


def refusal(
    stage: Stage,
    error: OAuthError | None,
    *,
    remark: str = "",
    checks: Sequence[Check] = (),
    exchange: Exchange | None = None,
    kind: ServerKind = ServerKind.OTHER,
) -> Diagnosis | None:
    """Return the diagnosis of a refusal in `stage`, or None if the error is not a known one.

    Args:
        error: what the server said, if it sent an OAuth error.
        checks: what failed, if the cause depends on more than the refusal.
        remark: our own sentence that belongs to the cause.
        exchange: the request and the answer, if authlens itself sent the request.
        kind: which product the server is, as far as earlier stages saw.
    """
    diagnosis = find_cause(stage, error=error, checks=checks, exchange=exchange, kind=kind)
    return (
        replace(diagnosis, cause=f"{diagnosis.cause} {remark}")
        if diagnosis is not None and remark
        else diagnosis
    )


def refusal_words(
    stage: Stage, error: OAuthError, kind: ServerKind, exchange: Exchange | None = None
) -> tuple[str, str | Fix]:
    """Return what a refusal means and what to do: what the product means by it, or else the error code."""
    diagnosis, means = refusal(stage, error, kind=kind, exchange=exchange), meaning(error.error)
    return (means.means, means.cure) if diagnosis is None else (diagnosis.cause, diagnosis.cure)


def diagnosis_of(
    stage: Stage,
    checks: Sequence[Check],
    exchanges: Sequence[Exchange],
    overridden: Collection[str] = (),
    kind: ServerKind = ServerKind.OTHER,
) -> Diagnosis | None:
    """Return the diagnosis of a stage that ended with `checks`; None if they say everything.

    Failures are explained, the first of them if they have different causes; without one, warnings are.
    """
    # First what no yes helps against: a diagnosis that says "continue" would be of a login that cannot.
    failing = tuple(sorted(failures(checks, overridden), key=lambda check: check.overridable))
    grave = failing or tuple(c for c in checks if c.severity in _GRAVE and c.name not in overridden)
    # What fails because an attack was refused is explained by the verdict on the attack.
    if not grave or any(check.refuses_attack for check in checks):
        return None
    exchange = decisive(stage, exchanges)
    if failing:
        return diagnose(stage, grave, exchange, kind)
    return find_cause(stage, checks=grave, exchange=exchange, kind=kind)


def without_echoes(record: StageRecord) -> StageRecord:
    """Return `record`, the secrets that were sent in it masked in the words of its checks and facts.

    The exchanges stay as they were on the wire; a view of them has a redactor.
    """
    sent = SecretMasker(evidence.sent_in(record.exchanges))
    if not sent:
        return record
    of_check = ("expected", "seen", "why", "cure", "error_code")
    diagnosis = record.diagnosis
    return replace(
        record,
        checks=tuple(evidence.without_echoes(check, sent, *of_check) for check in record.checks),
        facts=tuple(evidence.without_echoes(fact, sent, "value", "note") for fact in record.facts),
        diagnosis=diagnosis and evidence.without_echoes(diagnosis, sent, "cause", "cure", "evidence"),
    )


def decisive(stage: Stage, exchanges: Sequence[Exchange]) -> Exchange | None:
    """Return the exchange that decided a stage: the last, unless a later one only looked for documents."""
    if stage is Stage.DETECTION:
        # A 404 for the metadata says nothing of what protects the resource.
        return next((e for e in reversed(exchanges) if e.purpose is not Purpose.RESOURCE_METADATA), None)
    # The last exchange of a revocation is the call that verifies it, and 401 is what is wanted there.
    if stage is Stage.REVOKE:
        refused = (e for e in exchanges if (e.status or 0) >= 400)
        return next((e for e in refused if e.purpose.revokes), None)
    return exchanges[-1] if exchanges else None
