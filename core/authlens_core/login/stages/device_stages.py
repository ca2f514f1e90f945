"""The device authorization grant in the stages (RFC 8628): a code to enter elsewhere, and no callback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult, unanswered
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
from authlens_core.values.check import Check, CheckId, failed, failures
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.secret import Secret
from authlens_core.wire.limits import TOKEN

_SPEC: Final = "RFC 8628 §3.2"
_NO_ENDPOINT: Final = failed(
    "device.endpoint",
    "The server has a device_authorization_endpoint.",
    "none in its metadata",
    why="Without it there is no code to enter on another device.",
    spec="RFC 8628 §4",
    cure="Log in with a link: omit --device.",
)


class DeviceAuthorizationStage:
    """Asks for the two codes, and says where the user enters theirs."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the request for the codes, once; None if the server has no endpoint for it."""
        metadata, client = facts.server_metadata, facts.client
        endpoint = None if metadata is None else facts.url(metadata.device_authorization_endpoint)
        if sent or endpoint is None or client is None:
            return None
        scope = requested_scope(facts)
        request = device_authorization_request(endpoint, client, scope=scope, resource=facts.resource)
        return PlannedRequest(request, Purpose.DEVICE_AUTHORIZATION, limits=TOKEN)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Read the codes and the page where the user enters theirs."""
        if not exchanges:
            return StageResult(facts, (_NO_ENDPOINT,))
        exchange = exchanges[-1]
        if exchange.answer is None:
            return unanswered(
                facts, exchange, "device.answer", "The server answers with the codes.", spec=_SPEC
            )
        reading = read_device_authorization(exchange.answer, loopback_http=facts.loopback_http)
        codes = reading.value
        if codes is None:
            return StageResult(facts, reading.checks)
        checks = reading.checks
        # Its own site may be another than the issuer's, and was asked about then.
        server = facts.token_endpoint
        if server is not None:
            checks = (*checks, page_site_check(codes.verification_uri, server))
        scope = requested_scope(facts)
        new = replace(facts, device=codes, device_asked_at=exchange.started_at, scope=scope, code=None)
        if failures(checks, facts.approved):
            # Neither the code nor its page is shown before the user said yes.
            return StageResult(new, checks)
        expires = exchange.started_at + timedelta(seconds=codes.expires_in)
        shown = [
            Fact(FactId.USER_CODE, codes.user_code, _SPEC, "enter it only if you started this login"),
            Fact(FactId.VERIFICATION_URI, codes.verification_uri.text, _SPEC, "open it on any device"),
            Fact(FactId.EXPIRES_AT, expires, "", "UTC"),
            Fact(FactId.DEVICE_CODE, codes.device_code, _SPEC, "authlens asks for the tokens with it"),
            Fact(FactId.INTERVAL, timedelta(seconds=codes.interval), _SPEC),
        ]
        return StageResult(new, checks, tuple(shown))


class DeviceGrant:
    """Asks for the tokens again and again, until the user has entered the code."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the next request for the tokens and when to send it, or None if nothing is left to ask."""
        endpoint, client, device = facts.token_endpoint, facts.client, facts.device
        if endpoint is None or client is None or device is None or facts.device_asked_at is None:
            return None
        ends_at = facts.device_ends_at
        until = None if ends_at is None else ends_at.timestamp()
        polling = DevicePolling.start(device, facts.device_asked_at.timestamp(), until)
        now = facts.device_asked_at.timestamp()
        # The pace follows from all that was sent, so that a stage without state keeps it.
        for exchange in sent:
            result, now = poll_result(exchange.response), exchange.ended_at.timestamp()
            if result.is_final:
                return None
            polling = polling.after(result, now, exchange.response)
        if polling.wait(now) is None:
            return None
        request = device_token_request(
            endpoint, client, device_code=device.device_code, resource=facts.resource
        )
        at = datetime.fromtimestamp(polling.next_at, UTC)
        return PlannedRequest(request, Purpose.DEVICE_TOKEN, limits=TOKEN, not_before=at)

    def given_up(self, facts: Facts, sent: Sequence[Exchange]) -> tuple[Check, ...]:
        """Return why polling ended without tokens; nothing if the last answer says so itself."""
        if facts.device is None:
            return ()
        last = poll_result(sent[-1].response) if sent else PollResult.PENDING
        if last.is_final and last is not PollResult.EXPIRED:
            return ()
        if last is not PollResult.EXPIRED and _waited_out(facts):
            return (
                failed(
                    CheckId.DEVICE_TIMEOUT,
                    "You enter the code in time.",
                    f"not entered within {facts.options.wait:.0f} seconds, asked {len(sent)} times",
                    why="You limited how long authlens waits.",
                    spec="RFC 8628 §3.3",
                    cure="Start the login again and enter the new code.",
                ),
            )
        return (
            failed(
                CheckId.DEVICE_EXPIRED,
                "You enter the code before it expires.",
                f"not entered, asked {len(sent)} times",
                why="Someone could be tricked into entering an old code.",
                spec="RFC 8628 §3.5",
                cure="Start the login again and enter the new code.",
            ),
        )

    def nonce(self, facts: Facts) -> Secret | None:  # noqa: ARG002 - the signature of a token grant
        """Return None: the request for a code has no nonce (RFC 8628 §3.1), so none can come back."""
        return None


def _waited_out(facts: Facts) -> bool:
    """Whether the wait ends because the user bounded it, and not because the code expires."""
    wait, device = facts.options.wait, facts.device
    return wait is not None and device is not None and wait < device.expires_in
