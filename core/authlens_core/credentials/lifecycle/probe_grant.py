"""Calling the resource with the access token, to see whether it still opens the door (RFC 6750)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from authlens_core.access.answer import Answer
from authlens_core.access.diagnosis import Diagnosis
from authlens_core.credentials.lifecycle.credential_verdict import judge, status_of
from authlens_core.credentials.lifecycle.endpoint import loopback_http
from authlens_core.credentials.lifecycle.record_builder import RecordBuilder
from authlens_core.credentials.records.coverage import covers
from authlens_core.credentials.records.grant import Grant, utc_now
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.errors import UsageError
from authlens_core.oauth.challenge import parse_challenges
from authlens_core.oauth.http_message import Response
from authlens_core.oauth.resource_request import resource_request
from authlens_core.oauth.token import bearer_header
from authlens_core.oauth.url import UrlRefused, parse_url
from authlens_core.secret import Secret
from authlens_core.state.paths import StateUnusable
from authlens_core.trace.record import Fact, Stage, Trace
from authlens_core.wire.client import Wire
from authlens_core.wire.exchange import Exchange
from authlens_core.wire.limits import RESOURCE
from authlens_core.wire.purpose import Purpose

__all__ = ["Proven", "ask", "prove"]


@dataclass(frozen=True, slots=True)
class Proven:
    """What the resource said to the access token.

    Attributes:
        grant: the grant, with the verdict noted where there was one.
        accepted: True and False are the resource's word; None where its answer says neither.
        answer: which layer answered, and what it looks like.
        diagnosis: why it was not accepted, or None where it was or nothing is known of it.
        trace: what was sent and what came back.
        summary: what was found, one sentence.
        cure: what to do about it, or the empty string.
        stale: the token that was sent, where the answer was 401 `invalid_token`: a refresh may help.
    """

    grant: Grant
    accepted: bool | None
    answer: Answer
    diagnosis: Diagnosis | None
    trace: Trace
    summary: str
    cure: str = ""
    stale: Secret | None = None


async def prove(
    credentials: Credentials,
    wire: Wire,
    grant_id: str,
    *,
    url: str | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Proven:
    """Call the resource of a grant with its access token.

    Args:
        credentials: where the grant is.
        wire: what sends; it follows no redirect.
        grant_id: which grant.
        url: another URL than the one that the person logged in to; the grant has to cover it.
        now: the clock, in UTC.

    Raises:
        UsageError: the grant is not for this URL: nothing was sent.
        LoginNeeded: there is no such grant, or its secrets are gone or damaged.
        NoSecretStore: the store could not be read.
    """
    grant, secrets = await credentials.load(grant_id)
    record = RecordBuilder(Stage.PROBE, grant, now())
    exchange = await ask(wire, grant, secrets.access_token, url or grant.resource_url)
    said = judge(exchange, "token", spec="RFC 6750 §3.1")
    record.exchanges.append(exchange)
    record.checks.append(said.check)
    record.facts.append(Fact("answered by", said.answer.layer))
    if said.accepted is not None:
        with suppress(StateUnusable):  # what was said stands, with or without a note of it
            grant = credentials.note_verdict(grant, now(), accepted=said.accepted, words=said.summary)
    credentials.record("proven" if said.accepted else "not proven", grant_id, status_of(exchange))
    trace = record.trace(passed=said.accepted is True)
    credentials.traces.keep(grant_id, trace)
    stale = secrets.access_token if _is_invalid_token(exchange.response) else None
    return Proven(grant, said.accepted, said.answer, said.diagnosis, trace, said.summary, said.cure, stale)


def _is_invalid_token(response: Response | None) -> bool:
    """Tell whether a token was refused for itself: expired, revoked or malformed (RFC 6750 §3.1)."""
    if response is None or response.status != 401:
        return False
    field = parse_challenges(response.headers.get_all("www-authenticate"))
    return any(challenge.get("error") == "invalid_token" for challenge in field.challenges)


async def ask(wire: Wire, grant: Grant, access_token: Secret, url: str) -> Exchange:
    """Send one request with the bearer token to `url`.

    Raises:
        UsageError: the grant does not cover the URL, or the token cannot be sent.
    """
    places = [place for place in (grant.resource, grant.resource_url) if place is not None]
    if not any(covers(place, url) for place in places):
        raise UsageError(
            f"This login is for {places[0]}, and its token goes nowhere else.",
            "Log in to the other URL first.",
        )
    plain = loopback_http(grant)
    try:
        target = parse_url(url, loopback_http=plain)
        authorization = bearer_header(access_token)
    except UrlRefused as refused:
        raise UsageError(f"The URL is refused: {'; '.join(refused.reasons)}.", "Correct it.") from refused
    except ValueError as error:
        raise UsageError(f"The stored token cannot be sent: {error}.", "Log in again.") from error
    request = resource_request(target, grant.method, authorization=authorization)
    return await wire.send(request, limits=RESOURCE, loopback_http=plain, purpose=Purpose.ACCESS)
