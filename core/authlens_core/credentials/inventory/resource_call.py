"""Asking a resource with a credential that is no OAuth token: a service token, or a JWT of Access."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from authlens_core.access.answer import Answer
from authlens_core.access.diagnosis import Diagnosis
from authlens_core.credentials.lifecycle.credential_verdict import judge
from authlens_core.credentials.records.grant import utc_now
from authlens_core.errors import (
    AuthlensError,
    NetworkFailure,
    Refused,
    ServerMisconfigured,
    TimedOut,
    UsageError,
)
from authlens_core.oauth.http_message import Headers
from authlens_core.oauth.resource_request import resource_request
from authlens_core.oauth.url import UrlRefused, parse_url
from authlens_core.secret import Secret
from authlens_core.trace.echoes import without_echoes
from authlens_core.trace.record import Fact, Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.wire.client import Wire
from authlens_core.wire.exchange import Exchange, FailureKind
from authlens_core.wire.limits import RESOURCE
from authlens_core.wire.purpose import Purpose

__all__ = ["ResourceAnswer", "call_resource"]


@dataclass(frozen=True, slots=True)
class ResourceAnswer:
    """What the resource said to a credential.

    Attributes:
        accepted: True and False are the resource's word; None where its answer is about something else.
        answer: which layer answered, and what it looks like.
        diagnosis: why it was not accepted, or None where it was or nothing is known of it.
        trace: what was sent and what came back.
        summary: what was found, one sentence.
        cure: what to do about it, or the empty string.
    """

    accepted: bool | None
    answer: Answer
    diagnosis: Diagnosis | None
    trace: Trace
    summary: str
    cure: str = ""

    @property
    def error(self) -> AuthlensError | None:
        """The same as the error that a verb ends with; None where the credential was accepted."""
        if self.accepted:
            return None
        if self.accepted is False:
            return Refused(self.summary, self.cure, stage="Probe")
        failure = self.trace.records[0].exchanges[-1].failure
        kind: type[AuthlensError] = ServerMisconfigured
        if failure is not None:
            kind = TimedOut if failure.kind is FailureKind.TIMEOUT else NetworkFailure
        return kind(self.summary, self.cure, stage="Probe")


async def call_resource(
    wire: Wire,
    url: str,
    fields: Sequence[tuple[str, str]],
    *,
    secret: Secret,
    method: Literal["GET", "POST"] = "GET",
    purpose: Purpose = Purpose.CREDENTIAL,
    before: Sequence[Exchange] = (),
    now: Callable[[], datetime] = utc_now,
) -> ResourceAnswer:
    """Send one request with these header fields and say what the answer means; no redirect is followed.

    Args:
        wire: what sends.
        url: the resource; https, or http on this machine.
        fields: the header fields that carry the credential.
        secret: the secret in them, so that it is masked wherever the answer repeats it.
        method: how the resource is asked.
        purpose: what it is for, for the record.
        before: what was asked without the credential before; it goes into the same record.
        now: the clock, in UTC.

    Raises:
        UsageError: the URL cannot be used; nothing was sent.
    """
    try:
        target = parse_url(url, loopback_http=True)
    except UrlRefused as refused:
        raise UsageError(f"The URL is refused: {'; '.join(refused.reasons)}.", "Correct it.") from refused
    started_at = now()
    request = resource_request(target, method)
    request = replace(request, headers=Headers((*request.headers.fields, *fields)))
    plain = target.scheme == "http"
    exchange = await wire.send(request, limits=RESOURCE, loopback_http=plain, purpose=purpose)
    said = judge(exchange, "credential")
    record = StageRecord(
        Stage.PROBE,
        Outcome.PASSED if said.accepted else Outcome.FAILED,
        started_at,
        exchange.elapsed,
        (*before, exchange),
        (said.check,),
        (Fact("answered by", said.answer.layer), Fact("credential", secret)),
        diagnosis=said.diagnosis,
    )
    trace = Trace(secrets.token_hex(8), TraceKind.PROBE, target.text, started_at, (without_echoes(record),))
    summary = "The resource accepts it." if said.accepted else said.summary
    return ResourceAnswer(said.accepted, said.answer, said.diagnosis, trace, summary, said.cure)
