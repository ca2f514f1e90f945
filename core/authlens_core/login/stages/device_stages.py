"""The device authorization grant in the stages (RFC 8628): a code to enter elsewhere, and no callback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from authlens_core.login.client_attempts import attempt_after, last_attempt
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult, unanswered
from authlens_core.login.stages.authorization_stage import drawn_key, scope_checks
from authlens_core.login.stages.exchange_stage import TokenStage
from authlens_core.login.stages.registration_stage import requested_scope
from authlens_core.oauth.device_authorization import (
    DevicePolling,
    PollResult,
    device_authorization_request,
    device_token_request,
    page_site_check,
    poll_result,
    read_device_authorization,
)
from authlens_core.trace.fact import Fact, FactId
from authlens_core.values.check import Check, CheckId, failures, requirement
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.formats.error_response import read_error
from authlens_core.values.url import Url
from authlens_core.wire.limits import TOKEN

_SPEC: Final = "RFC 8628 §3.2"
_ENDPOINT: Final = requirement("device.endpoint")


class DeviceAuthorizationStage:
    """Asks for the two codes, and says where the user enters theirs."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the request for the codes; None after its answer, and if there is no endpoint for it."""
        endpoint, attempt = _endpoint(facts), attempt_after(facts, sent)
        if endpoint is None or attempt is None:
            return None
        request = device_authorization_request(
            endpoint,
            attempt.client,
            scope=requested_scope(facts),
            resource=facts.resource,
            audience=facts.options.audience,
        )
        return attempt.planned(request, Purpose.DEVICE_AUTHORIZATION)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Read the codes and the page where the user enters theirs."""
        if not exchanges or facts.client is None:
            return StageResult(facts, (_without_endpoint(facts),))
        exchange = exchanges[-1]
        if exchange.complete_response is None:
            return unanswered(facts, exchange, "device.answer")
        reading = read_device_authorization(exchange.complete_response, loopback_http=facts.loopback_http)
        codes, attempt = reading.value, last_attempt(facts, facts.client, exchanges)
        checks = (*_endpoint_checks(facts), *attempt.checks, *reading.checks)
        if codes is None:
            refused = scope_checks(facts, requested_scope(facts), read_error(exchange.complete_response))
            return StageResult(facts, (*checks, *refused))
        # Its own site may be another than the issuer's, and was asked about then.
        server = facts.token_endpoint
        if server is not None:
            checks = (*checks, page_site_check(codes.verification_uri, server))
        key, of_key = drawn_key(facts)
        # On the way for an unknown time: they expire in good time, and are not asked about too soon.
        expires = exchange.started_at + timedelta(seconds=codes.expires_in)
        new = replace(
            facts,
            client=attempt.client,
            device=codes,
            device_answered_at=exchange.ended_at,
            device_expires_at=expires,
            scope=requested_scope(facts),
            code=None,
            dpop_key=key,
        )
        if failures(checks, facts.approved):
            # Neither the code nor its page is shown before the user said yes.
            return StageResult(new, checks)
        display_facts = (
            Fact(FactId.USER_CODE, codes.user_code, _SPEC, "enter it only if you started this login"),
            Fact(FactId.VERIFICATION_URI, codes.verification_uri.text, _SPEC, "open it on any device"),
            Fact(FactId.EXPIRES_AT, expires, "", "UTC"),
            Fact(FactId.DEVICE_CODE, codes.device_code, _SPEC, "authlens asks for the tokens with it"),
            Fact(FactId.INTERVAL, timedelta(seconds=codes.interval), _SPEC),
            *of_key,
        )
        return StageResult(new, checks, display_facts)


def _endpoint(facts: Facts) -> Url | None:
    """Return where the codes come from: where the user says, or the server's metadata."""
    stated = facts.server.device_authorization_endpoint
    return facts.url(_newer_endpoint(facts) or facts.options.device_endpoint or stated)


def _newer_endpoint(facts: Facts) -> str | None:
    """Return what the metadata names now, if the user's choice is of a login in which it named none."""
    remembered = dict(facts.remembered_here).get("device_endpoint")
    chosen = facts.options.device_endpoint
    return facts.server.device_authorization_endpoint if chosen is not None and chosen == remembered else None


def _endpoint_checks(facts: Facts) -> Iterator[Check]:
    """Yield that the endpoint is the user's choice, which no metadata confirms, or not any more."""
    endpoint, chosen = _endpoint(facts), facts.options.device_endpoint
    since = _newer_endpoint(facts)
    if since is not None:
        if since != chosen:
            yield _ENDPOINT.noticed(f"{since}, which its metadata names now; before, you gave {chosen}")
    elif chosen is not None and endpoint is not None:
        yield _ENDPOINT.warned(
            f"{endpoint.text}, because you gave it with --device-endpoint",
            why=f"What is on {endpoint.origin} gets your client's id, and its secret if it has one.",
        )


def _without_endpoint(facts: Facts) -> Check:
    if facts.options.device_endpoint is not None:
        return _ENDPOINT.failed(f"{facts.options.device_endpoint}, which cannot be used", "unusable")
    return _ENDPOINT.failed("none in its metadata", "none")


class DeviceExchangeStage(TokenStage):
    """Asks for the tokens again and again, until the user has entered the code."""

    def token_request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the next request for the tokens and when to send it, or None if nothing is left to ask."""
        endpoint, attempt, device = facts.token_endpoint, attempt_after(facts, ()), facts.device
        answered_at, ends_at = facts.device_answered_at, facts.device_ends_at
        if endpoint is None or attempt is None or device is None or answered_at is None or ends_at is None:
            return None
        # In wall clock time throughout: the stage is asked again from records, which have no monotonic clock.
        now = answered_at.timestamp()
        polling = DevicePolling.start(device.interval, now, ends_at.timestamp())
        # The pace follows from all that was sent, so that a stage without state keeps it.
        for exchange in sent:
            result, now = poll_result(exchange.response), exchange.ended_at.timestamp()
            # A final answer may only be about the client, such as a registration that is not known everywhere
            # yet.
            if result.is_final:
                attempt = attempt.after(exchange, facts)
                if attempt is None:
                    return None
                continue
            polling = polling.after(result, now, exchange.response)
        if polling.wait(now) is None:
            return None
        request = device_token_request(
            endpoint, attempt.client, device_code=device.device_code, resource=facts.resource
        )
        not_before = max(datetime.fromtimestamp(polling.next_at, UTC), attempt.not_before or answered_at)
        return PlannedRequest(request, Purpose.DEVICE_TOKEN, limits=TOKEN, not_before=not_before)

    def given_up(self, facts: Facts, sent: Sequence[Exchange]) -> tuple[Check, ...]:
        """Return why polling ended without tokens; nothing if the last answer says so itself."""
        if facts.device is None:
            return ()
        last = poll_result(sent[-1].response) if sent else PollResult.PENDING
        if last.is_final and last is not PollResult.EXPIRED:
            return ()
        attempts = f"attempts {len(sent)} times"
        if sent and sent[-1].complete_response is None:
            attempts += f", the last time without an answer: {sent[-1].no_answer.cause}"
        # Because the user bounded the wait, and not because the code expires.
        waited_out = facts.device_until is not None and facts.device_ends_at == facts.device_until
        if last is not PollResult.EXPIRED and waited_out:
            return (
                requirement(CheckId.DEVICE_TIMEOUT).failed(
                    f"not entered within {facts.options.wait:.0f} seconds, {attempts}"
                ),
            )
        return (requirement(CheckId.DEVICE_EXPIRED).failed(f"not entered, {attempts}"),)
