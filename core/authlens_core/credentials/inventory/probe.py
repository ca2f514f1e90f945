"""Asking the resources whether service tokens and tokens of cloudflared work now.

A token of cloudflared is never copied: cloudflared has it on disk, reads it there, and deletes it when it has
expired; a second copy in the keyring would be a second truth. So it is read at the moment it is needed, and
only what was found out is stored: the trace, and a line in the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from authlens_core.cloudflare.cloudflared_files import cloudflared_fields, read_cloudflared_token
from authlens_core.cloudflare.cloudflared_token import CloudflaredToken
from authlens_core.credentials.inventory.cloudflared_target import place_for, place_of, refuse_unusable
from authlens_core.credentials.lifecycle.action_result import ProbeResult
from authlens_core.credentials.lifecycle.operation import RecordBuilder
from authlens_core.credentials.lifecycle.probe_result import note_probe, probe_result
from authlens_core.credentials.records.grant import utc_now
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.oauth.mcp import McpCall
from authlens_core.oauth.resource_request import resource_request
from authlens_core.trace.fact import Fact, FactId
from authlens_core.trace.record import Stage
from authlens_core.values.errors import LoginNeeded
from authlens_core.values.exchange import Exchange
from authlens_core.values.http_message import Headers
from authlens_core.values.purpose import Purpose
from authlens_core.values.secret import Secret
from authlens_core.values.url import require_url
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import RESOURCE


async def probe_cloudflared(
    credentials: Credentials,
    wire: Wire,
    token: CloudflaredToken,
    url: str | None = None,
) -> ProbeResult:
    """Call the application with a token that cloudflared keeps.

    Args:
        url: the address to ask; None is the one that the file name can mean, see `cloudflared_target`.

    Raises:
        UsageError: it opens no application, or which address it is for is not known; the token was not sent.
        LoginNeeded: the file is gone, or holds no token that may be sent there.
        NetworkFailure, TimedOut: the address did not say which application it is.
    """
    refuse_unusable(token, utc_now())
    if read_cloudflared_token(token) is None:
        raise _gone()
    target = await (place_of(wire, token) if url is None else place_for(wire, token, url))
    # Read again: asking the address took time, and cloudflared may have replaced or deleted the file.
    jwt = read_cloudflared_token(token)
    if jwt is None:
        raise _gone()
    return await probe_jwt(credentials, wire, target.url, jwt, token.token_id, before=target.asked)


def _gone() -> LoginNeeded:
    return LoginNeeded(
        "cloudflared has no usable token in this file.", "Run: authlens login URL --cloudflared"
    )


async def probe_jwt(
    credentials: Credentials,
    wire: Wire,
    url: str,
    jwt: Secret,
    token_id: str = "",
    *,
    before: Sequence[Exchange] = (),
) -> ProbeResult:
    """Call `url` with a token of Access in `cf-access-token`; keep the trace where it belongs to a file.

    The caller knows that the token is for `url`: it was got for it, or `cloudflared_target` found out.
    `before` is what that took, for the trace.

    Raises:
        UsageError: the URL cannot be used; nothing was sent.
    """
    said = await call_resource(
        wire,
        url,
        cloudflared_fields(jwt),
        secret=jwt,
        purpose=Purpose.CLOUDFLARED_TOKEN,
        before=before,
    )
    note_probe(credentials, token_id, said)
    return said


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
    record.facts.append(Fact(FactId.CREDENTIAL, secret))
    request = resource_request(target, McpCall.INITIALIZE if method == "POST" else None)
    request = replace(request, headers=Headers((*request.headers.fields, *fields)))
    plain = target.scheme == "http"
    exchange = await wire.send(request, limits=RESOURCE, loopback_http=plain, purpose=purpose)
    return probe_result(exchange, record, "credential")
