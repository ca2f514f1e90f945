"""What the answer of a resource to a credential means: accepted, refused or neither, and in which words.

The same 403 means "service tokens only" in answer to no credential, and "no policy admits you" in answer to a
token. So the words come from the diagnosis, which knows what was sent, never from the classification alone.
"""

from __future__ import annotations

from typing import Final

from authlens_core.credentials.lifecycle.action_result import ProbeResult
from authlens_core.credentials.lifecycle.operation import RecordBuilder
from authlens_core.credentials.records.access_kind import AccessKind
from authlens_core.credentials.records.grant import TokenVerdict
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.diagnosis.answer import Answer, classify
from authlens_core.diagnosis.diagnose import explain
from authlens_core.diagnosis.protection import Trait
from authlens_core.trace.fact import Fact, FactId
from authlens_core.trace.record import Stage
from authlens_core.values.check import CheckId, Severity, judged
from authlens_core.values.diagnosis import UNKNOWN
from authlens_core.values.errors import AuthlensError, Refused, ServerMisconfigured
from authlens_core.values.exchange import Exchange

_WHY: Final = "Only a response from the resource itself shows that a credential is valid."
_VERDICTS: Final = {True: TokenVerdict.ACCEPTED, False: TokenVerdict.REFUSED, None: TokenVerdict.UNCLEAR}


def probe_result(exchange: Exchange, record: RecordBuilder, what: str, *, spec: str = "") -> ProbeResult:
    """Return what the answer in `exchange` says about the credential that its request carried.

    Args:
        exchange: the request with the credential, and the answer.
        record: gets the exchange, the check and the layer that answered.
        what: the credential in a word, such as `token`.
        spec: the section that the check names.
    """
    answer = classify(exchange)
    accepted = token_accepted(exchange, answer)
    expected = f"the resource accepts the {what}"
    seen = f"{status_words(exchange)}, answered by: {answer.layer}"
    severity = Severity.FAILURE if accepted is False else Severity.WARNING
    error_type: type[AuthlensError] | None
    if accepted:
        severity, summary, cure, error_type = Severity.PASS, f"The resource accepts the {what}.", "", None
    else:
        bare = judged(
            severity, CheckId.PROBE_ACCEPTED, expected, f"{seen}. {answer.summary}", cure=answer.cure
        )
        diagnosis = explain(Stage.PROBE, (bare,), exchange)
        summary, cure = (
            (answer.summary, answer.cure) if diagnosis is None else (diagnosis.cause, diagnosis.cure)
        )
        if diagnosis is not None and diagnosis.name == UNKNOWN:
            # Its words announce the whole answer, for which a sentence has no room.
            summary = f"authlens does not recognise this response: {answer.evidence[0]}."
        record.diagnosis = diagnosis
        error_type = ServerMisconfigured if exchange.failure is None else exchange.failure.error_type
        error_type = Refused if accepted is False else error_type
        seen = f"{seen}. {summary}"
    record.checks.append(
        judged(severity, CheckId.PROBE_ACCEPTED, expected, seen, why=_WHY, spec=spec, cure=cure)
    )
    record.exchanges.append(exchange)
    record.facts.append(Fact(FactId.ANSWERED_BY, answer.layer))
    return ProbeResult(
        outcome=_VERDICTS[accepted],
        summary=summary,
        cure=cure,
        error_type=error_type,
        trace=record.trace(passed=accepted is True),
        accepted=accepted,
        layer=answer.layer,
        answer=answer,
        diagnosis=record.diagnosis,
    )


def token_accepted(exchange: Exchange, answer: Answer) -> bool | None:
    """Return whether the token was accepted; None if something other than the token decided."""
    response = exchange.response
    if response is None:
        return None
    if 200 <= response.status < 300:
        return True
    # A Bearer challenge on another status refuses the token as well (RFC 9110 §11.6.1).
    is_refused = response.status == 401 or answer.protection.has(Trait.REFUSES_CREDENTIAL)
    return False if is_refused else None


def note_probe(credentials: Credentials, credential_id: str, said: ProbeResult, words: str = "") -> None:
    """Note a probe in the history, with `words` or else the evidence of its answer, and keep its trace."""
    kind = AccessKind.VERIFIED if said.accepted else AccessKind.NOT_VERIFIED
    evidence = said.answer.evidence[0] if said.answer else ""
    credentials.record(kind, credential_id, words or evidence)
    credentials.traces.keep(credential_id, said.trace)


def status_words(exchange: Exchange) -> str:
    return str(exchange.response.status) if exchange.response else "no answer"
