"""Stage 8: the proof that the token works (RFC 6750)."""

from __future__ import annotations

from collections.abc import Sequence

from authlens_core.access.answer import Answer, classify
from authlens_core.access.diagnose import diagnose
from authlens_core.login.facts import Facts
from authlens_core.login.stage import PlannedRequest, StageResult
from authlens_core.oauth.check import Check, failed, passed, warned
from authlens_core.oauth.check_id import CheckId
from authlens_core.oauth.resource_request import resource_request
from authlens_core.oauth.token import bearer_header
from authlens_core.trace.record import Fact, Stage
from authlens_core.wire.exchange import Exchange
from authlens_core.wire.limits import RESOURCE
from authlens_core.wire.purpose import Purpose

__all__ = ["AccessStage"]

_SPEC = "RFC 6750 §3.1"


class AccessStage:
    """Asks for the resource again, with the access token."""

    stage = Stage.ACCESS

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the request with the bearer token, once."""
        if sent or facts.tokens is None:
            return None
        request = resource_request(
            facts.resource_url, facts.method, authorization=bearer_header(facts.tokens.access_token)
        )
        return PlannedRequest(request, Purpose.ACCESS, server_supplied=False, limits=RESOURCE)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Say whether the token was accepted and which layer answered."""
        if not exchanges:
            return StageResult(
                facts, (_refused("there is no access token", "Run the earlier stages first."),)
            )
        exchange = exchanges[-1]
        answer = classify(exchange)
        status = exchange.response.status if exchange.response else None
        if status is None:
            failure = exchange.failure
            return StageResult(
                facts, (_refused(failure.cause if failure else "no answer", failure.cure if failure else ""),)
            )
        shown = (Fact("status", f"{status}", "RFC 9110 §15"), Fact("answered by", answer.layer))
        return StageResult(facts, _judge(status, answer), shown)


def _judge(status: int, answer: Answer) -> tuple[Check, ...]:
    if status in {401, 403} or 300 <= status < 400:
        found = diagnose("access", status=status, answer=answer)
        cause = found.cause if found else answer.summary
        return (_refused(f"{status}: {cause}", found.cure if found else answer.cure),)
    if status < 300:
        return (
            passed(
                CheckId.ACCESS_ACCEPTED,
                "The resource accepts the token.",
                f"{status}, answered by: {answer.layer}",
                spec=_SPEC,
                why="This is what the whole login was for.",
            ),
        )
    found = diagnose("access", status=status, answer=answer)
    return (
        warned(
            CheckId.ACCESS_ACCEPTED,
            "The resource accepts the token and answers.",
            f"{status}: {found.cause if found else answer.summary}",
            why="The token was not refused. What stands behind the login has a problem of its own.",
            spec=_SPEC,
            cure=found.cure if found else answer.cure,
        ),
    )


def _refused(seen: str, cure: str) -> Check:
    return failed(
        CheckId.ACCESS_ACCEPTED,
        "The resource accepts the token.",
        seen,
        why="A token that its own resource refuses is usually meant for another audience, or was withdrawn.",
        spec=_SPEC,
        cure=cure,
    )
