"""What the answer of a resource to a credential means: accepted, refused or neither, and in which words.

An answer to a credential is not an answer to nobody: the same 403 says "service tokens only" to whom sends
none, and "no policy admits you" to whom sends a token. So the words come from the diagnosis, which knows
what was sent, and never from the classification alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authlens_core.access.answer import Answer, Protection, classify
from authlens_core.access.diagnose import explain
from authlens_core.access.diagnosis import UNKNOWN, Diagnosis
from authlens_core.oauth.check import Check, Severity, judged, passed
from authlens_core.oauth.check_id import CheckId
from authlens_core.trace.record import Stage
from authlens_core.wire.exchange import Exchange

__all__ = ["CredentialVerdict", "judge", "status_of", "verdict"]

_REFUSALS: Final = frozenset({Protection.ACCESS_LOGIN, Protection.SERVICE_AUTH_ONLY, Protection.FORBIDDEN})
_WHY: Final = "Only an answer of the resource itself says that a credential is good."


@dataclass(frozen=True, slots=True)
class CredentialVerdict:
    """What one answer to a credential comes to. Every text is safe to show.

    Attributes:
        accepted: True and False are the resource's word; None where its answer is about something else.
        answer: which layer answered, and what it looks like.
        check: the same as a check of the record.
        diagnosis: why it was not accepted, or None where it was or nothing is known of it.
        summary: what was found, one sentence.
        cure: what to do about it, or the empty string.
    """

    accepted: bool | None
    answer: Answer
    check: Check
    diagnosis: Diagnosis | None
    summary: str
    cure: str = ""


def judge(exchange: Exchange, what: str, *, spec: str = "") -> CredentialVerdict:
    """Return what the answer in `exchange` says about the credential that its request carried.

    Args:
        exchange: the request with the credential, and the answer.
        what: the credential in a word, such as `token`.
        spec: the section that the check names.
    """
    answer = classify(exchange)
    accepted = verdict(exchange, answer)
    expected = f"the resource accepts the {what}"
    seen = f"{status_of(exchange)}, answered by: {answer.layer}"
    if accepted:
        check = passed(CheckId.PROBE_ACCEPTED, expected, seen, spec=spec, why=_WHY)
        return CredentialVerdict(True, answer, check, None, f"The resource accepts the {what}.")
    severity = Severity.FAILURE if accepted is False else Severity.WARNING
    bare = judged(
        severity,
        CheckId.PROBE_ACCEPTED,
        expected,
        f"{seen}. {answer.summary}",
        why=_WHY,
        spec=spec,
        cure=answer.cure,
    )
    found = explain(Stage.PROBE, (bare,), exchange)
    if found is None:
        return CredentialVerdict(accepted, answer, bare, None, answer.summary, answer.cure)
    cause = found.cause
    if found.name == UNKNOWN:  # its words announce the whole answer, for which a sentence has no room
        cause = f"authlens does not know this answer: {answer.evidence[0]}."
    check = judged(
        severity, CheckId.PROBE_ACCEPTED, expected, f"{seen}. {cause}", why=_WHY, spec=spec, cure=found.cure
    )
    return CredentialVerdict(accepted, answer, check, found, cause, found.cure)


def verdict(exchange: Exchange, answer: Answer) -> bool | None:
    """Return whether the token was accepted; None where something else than the token decided."""
    response = exchange.response
    if response is None:
        return None
    if 200 <= response.status < 300:
        return True
    if response.status == 401 or answer.protection in _REFUSALS:
        return False
    # A Bearer challenge on another status refuses the token as well (RFC 9110 §11.6.1).
    return False if answer.protection is Protection.OAUTH else None


def status_of(exchange: Exchange) -> str:
    """Return the status of the answer in a word or two."""
    return str(exchange.response.status) if exchange.response else "no answer"
