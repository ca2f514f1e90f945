"""The stage of an experiment that comes after the login: a refresh token that is used twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult, unanswered
from authlens_core.oauth.token import read_token_response, refresh_request, rotation_check
from authlens_core.trace.record import Fact, FactId
from authlens_core.values.check import failed
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.wire.limits import TOKEN

_NO_REFRESH_TOKEN: Final = failed(
    "experiment.refresh_token",
    "There is a refresh token to try.",
    "the server returned none",
    why="Without one there is nothing to steal.",
    spec="RFC 6749 §1.5",
    cure="Ask for the scope offline_access, if the server knows it.",
)


class StaleRefreshStage:
    """One honest refresh; the second request, the same again, is the experiment's own."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the refresh, once; None without a refresh token."""
        endpoint, client, tokens = facts.token_endpoint, facts.client, facts.tokens
        if sent or endpoint is None or client is None or tokens is None or tokens.refresh_token is None:
            return None
        request = refresh_request(
            endpoint, client, refresh_token=tokens.refresh_token, resource=facts.resource
        )
        return PlannedRequest(request, Purpose.REFRESH, limits=TOKEN)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Read the honest refresh, and say whether the server replaced the refresh token."""
        old = facts.tokens.refresh_token if facts.tokens else None
        if not exchanges or old is None:
            return StageResult(facts, (_NO_REFRESH_TOKEN,))
        # The repetition is not among these: it is the experiment's, and judged by its verdict.
        exchange = exchanges[-1]
        if exchange.answer is None:
            expected = "The token endpoint answers."
            return unanswered(facts, exchange, "refresh.answer", expected, spec="RFC 6749 §6")
        reading = read_token_response(
            exchange.answer,
            resource=facts.resource,
            scope=facts.scope,
            grant="refresh_token",
            sent=(old,),
            proved=facts.dpop_key is not None,
        )
        if reading.value is None:
            return StageResult(facts, reading.checks)
        new = reading.value.refresh_token
        shown = (
            Fact(FactId.REFRESH_TOKEN, old, "RFC 6749 §6", "the old one"),
            *(() if new is None else (Fact(FactId.REFRESH_TOKEN, new, "RFC 6749 §6", "the new one"),)),
        )
        replaced = new is not None and new != old
        return StageResult(facts, (*reading.checks, rotation_check(replaced=replaced)), shown)


STALE_REFRESH: Final = StaleRefreshStage()
