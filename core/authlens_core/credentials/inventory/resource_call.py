"""Asking a resource with a credential that is no OAuth token: a service token, or a JWT of Access."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from authlens_core.credentials.lifecycle.probe_result import ProbeResult, probe_result
from authlens_core.credentials.lifecycle.record_builder import RecordBuilder
from authlens_core.credentials.records.grant import utc_now
from authlens_core.oauth.http_message import Headers
from authlens_core.oauth.mcp import McpCall
from authlens_core.oauth.resource_request import resource_request
from authlens_core.oauth.url import require_url
from authlens_core.secret import Secret
from authlens_core.trace.record import Fact, Stage
from authlens_core.wire.client import Wire
from authlens_core.wire.exchange import Exchange
from authlens_core.wire.limits import RESOURCE
from authlens_core.wire.purpose import Purpose


async def call_resource(
    wire: Wire,
    url: str,
    fields: Sequence[tuple[str, str]],
    *,
    secret: Secret,
    method: Literal["GET", "POST"] = "GET",
    purpose: Purpose = Purpose.CREDENTIAL,
    before: Sequence[Exchange] = (),
) -> ProbeResult:
    """Send one request with these header fields and say what the answer means; no redirect is followed.

    Args:
        url: the resource; https, or http on this machine.
        secret: the secret in them, so that it is masked wherever the answer repeats it.
        before: what was asked without the credential before; it goes into the same record.

    Raises:
        UsageError: the URL cannot be used; nothing was sent.
    """
    target = require_url(url)
    record = RecordBuilder(Stage.PROBE, target.text, utc_now(), exchanges=[*before])
    record.facts.append(Fact("credential", secret))
    request = resource_request(target, McpCall.INITIALIZE if method == "POST" else None)
    request = replace(request, headers=Headers((*request.headers.fields, *fields)))
    plain = target.scheme == "http"
    exchange = await wire.send(request, limits=RESOURCE, loopback_http=plain, purpose=purpose)
    return probe_result(exchange, record, "credential")
