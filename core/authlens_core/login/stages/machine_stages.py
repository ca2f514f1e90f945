"""What the logins of a program have of their own: a client that its owner registered, and no user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from authlens_core.login.client_attempts import attempt_after
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult
from authlens_core.login.stages.exchange_stage import ExchangeStage
from authlens_core.login.stages.registration_stage import given_client, requested_scope, with_client
from authlens_core.oauth.dpop import make_dpop_key
from authlens_core.oauth.machine_grants import client_credentials_request
from authlens_core.trace.fact import Fact, FactId
from authlens_core.values.check import Check, failed, passed
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.secret import Secret

_SPEC = "RFC 6749 §2.2"


class MachineClientStage:
    """Takes the client that the user named; a program does not register itself."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:  # noqa: ARG002
        """Return None: nothing is sent in this stage."""
        return None

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:  # noqa: ARG002
        """Return the client, and the key that its tokens are bound to, if they have to be."""
        client = given_client(facts)
        if client is None:
            return StageResult(facts, (_NO_CLIENT,))
        key = make_dpop_key() if facts.needs_dpop else None
        check = passed("registration.client", "You gave a client id.", client.client_id, spec=_SPEC)
        result = with_client(replace(facts, dpop_key=key), client, (check,))
        if key is None:
            return result
        drawn = (
            Fact(FactId.DPOP_PRIVATE_KEY, key.private_jwk, "RFC 9449 §4.2", "signs the requests"),
            Fact(FactId.DPOP_JKT, key.thumbprint, "RFC 9449 §5", "its thumbprint, for the tokens"),
        )
        return replace(result, shown=(*result.shown, *drawn))


class ClientCredentialsGrant:
    """Asks once, as the client itself."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        endpoint, attempt = facts.token_endpoint, attempt_after(facts, sent)
        if endpoint is None or attempt is None:
            return None
        request = client_credentials_request(
            endpoint, attempt.client, scope=requested_scope(facts), resource=facts.resource
        )
        return attempt.planned(request, Purpose.TOKEN)

    def given_up(self, facts: Facts, sent: Sequence[Exchange]) -> tuple[Check, ...]:  # noqa: ARG002
        return ()

    def nonce(self, facts: Facts) -> Secret | None:  # noqa: ARG002
        """Return None: no one signs in, so nothing has to come back."""
        return None


class MachineExchangeStage(ExchangeStage):
    """Gets a token for a program."""

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Read the token; its scope is compared with what was asked for."""
        return super().learn(replace(facts, scope=requested_scope(facts)), exchanges)


_NO_CLIENT = failed(
    "registration.client",
    "You give the id of a client that the server knows.",
    "none",
    why="A program does not register itself: the server's owner decides which ones may log in.",
    spec=_SPEC,
    cure="Name the client: authlens login URL --machine client-credentials --client-id ID",
)
