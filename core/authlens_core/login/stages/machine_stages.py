"""What the logins of a program have of their own: a client that its owner registered, and no user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from authlens_core.login.client_attempts import attempt_after
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import LoginStage, PlannedRequest, StageResult, parted, unanswered
from authlens_core.login.stages.authorization_stage import drawn_key
from authlens_core.login.stages.exchange_stage import TokenStage
from authlens_core.login.stages.registration_stage import given_client, requested_scope, with_client
from authlens_core.oauth.client_assertion import BadClientKey, require_client_key, signed
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.machine_grants import (
    FIRST,
    FIRST_ANSWERED,
    MachineLogin,
    read_first_answer,
    sent_apart,
)
from authlens_core.state.assertion_source import AssertionSource
from authlens_core.trace.fact import Fact, FactId
from authlens_core.trace.failure_reason import refusal
from authlens_core.values.check import Check, CheckId, requirement
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.formats.error_response import read_error
from authlens_core.values.login_options import Options
from authlens_core.values.stage import PROGRAMS, Stage
from authlens_core.values.url import UrlRefused
from authlens_core.wire.limits import TOKEN

ASSERTION_SPEC: Final = "RFC 7523 §2.1"
_CLIENT: Final = requirement("registration.client", "registration.client_of_program")
_ASSERTION: Final = requirement("registration.assertion")
_ASSERTION_SENT: Final = requirement(CheckId.EXCHANGE_ASSERTION)


class MachineClientStage(LoginStage):
    """Takes what the user named for the program; a program does not register itself."""

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:  # noqa: ARG002
        """Return the client, and the key that its tokens are bound to, if they have to be."""
        key, of_key = drawn_key(facts)
        display_facts = (
            Fact(FactId.ASSERTION_SOURCE, AssertionSource.of(facts.options).words, ASSERTION_SPEC),
            *_option_facts(facts.options),
            *of_key,
        )
        # An assertion may be all that a server asks of a program (RFC 7523 §2.1).
        client = given_client(facts) or Client("", "")
        checks = (_client_check(facts), *_source_checks(facts.options))
        result = with_client(replace(facts, dpop_key=key), client, checks)
        return replace(
            result, display_facts=(*result.display_facts, *(fact for fact in display_facts if fact.value))
        )


def _client_check(facts: Facts) -> Check:
    options = facts.options
    if options.client_id is None:
        if not any("client_id" in need.options for need in PROGRAMS[options.grant_type].needs):
            return _CLIENT.noticed("none: the assertion says who the program is")
        return _CLIENT.failed("none", "no_id")
    if options.client_key is not None:
        try:
            require_client_key(options.client_key)
        except BadClientKey as bad:
            return _CLIENT.failed(f"its key cannot be used: {bad}", "bad_key")
    return _CLIENT.passed(options.client_id)


def _source_checks(options: Options) -> Iterator[Check]:
    """Yield whether there is what the grant exchanges, and what of the rest is missing."""
    program = PROGRAMS[options.grant_type]
    if "assertion_file" in program.asks:
        source = AssertionSource.of(options)
        actual = source.words or "none"
        yield _ASSERTION.passed(actual) if source.is_one else _ASSERTION.failed(actual)
    for need in program.missing(options):
        if need.expected:
            name = f"registration.{need.options[0]}"
            values = {"expected": need.expected, "spec": need.spec, "example": need.example}
            yield requirement(name, "registration.need", **values).failed("none")


def _option_facts(options: Options) -> Iterator[Fact]:
    for need in PROGRAMS[options.grant_type].needs:
        yield from (Fact(need.fact, str(value), need.spec) for value in need.values(options) if need.fact)


class MachineExchangeStage(TokenStage):
    """Gets a token as the grant says, with what the program has."""

    def token_request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the next request, to the identity provider first if there is one."""
        login = _machine_login(facts)
        if login is None:
            return None
        before, token_exchanges = sent_apart(parted(sent, Purpose.SIGNING_KEYS)[0])
        first = login.first_request()
        answer = before[-1].response if before else None
        if first is not None and not before:
            # The user named the identity provider; it may be anywhere.
            return PlannedRequest(first, FIRST, server_supplied=False, limits=TOKEN)
        attempt = attempt_after(facts, token_exchanges)
        if attempt is None or (first is not None and read_first_answer(answer).value is None):
            return None
        client = signed(attempt.client, login.issuer, login.token_endpoint, now=datetime.now(UTC))
        return attempt.planned(login.token_request(client, answer), Purpose.TOKEN)

    def given_up(self, facts: Facts, sent: Sequence[Exchange]) -> tuple[Check, ...]:  # noqa: ARG002
        return () if sent else (_ASSERTION_SENT.failed("none"),)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Read the token, and the identity provider's answer before it, if there is one."""
        before, token_exchanges = sent_apart(exchanges)
        facts = replace(facts, scope=requested_scope(facts))
        if before and not token_exchanges:
            return _refused_by_provider(facts, before[-1])
        result = super().learn(facts, token_exchanges)
        exchanged = read_first_answer(before[-1].response if before else None, facts.grant_secrets)
        # It is read again for the next token, and in no later facts.
        storable_facts = replace(result.facts, assertion=None)
        return replace(result, facts=storable_facts, checks=(*exchanged.checks, *result.checks))


def _machine_login(facts: Facts) -> MachineLogin | None:
    """Return what the program logs in with, or None as long as something is missing."""
    options, endpoint = facts.options, facts.token_endpoint
    has_all = facts.assertion is not None or "assertion_file" not in PROGRAMS[options.grant_type].asks
    if endpoint is None or not has_all:
        return None
    try:
        return MachineLogin.of(
            options,
            token_endpoint=endpoint,
            issuer=facts.server.issuer,
            scope=requested_scope(facts),
            resource=facts.resource,
            assertion=facts.assertion,
        )
    except UrlRefused:
        return None


def _refused_by_provider(facts: Facts, exchange: Exchange) -> StageResult:
    if exchange.complete_response is None:
        return unanswered(facts, exchange, FIRST_ANSWERED)
    error = read_error(exchange.complete_response, facts.grant_secrets)
    checks = read_first_answer(exchange.complete_response, facts.grant_secrets).checks
    return StageResult(facts, checks, diagnosis=refusal(Stage.EXCHANGE, error, exchange=exchange))
