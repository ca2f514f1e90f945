"""Calling the resource with the access token, to see whether it still opens the door (RFC 6750)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from authlens_core.credentials.lifecycle.action_result import ProbeResult
from authlens_core.credentials.lifecycle.dpop import signer_for
from authlens_core.credentials.lifecycle.operation import RecordBuilder, loopback_http
from authlens_core.credentials.lifecycle.probe_result import note_probe, probe_result, status_words
from authlens_core.credentials.records.grant import Grant, GrantSecrets, utc_now
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.oauth.discovery.challenge import parse_challenges
from authlens_core.oauth.dpop import is_bound
from authlens_core.oauth.mcp import McpCall, is_json_rpc
from authlens_core.oauth.resource_request import authorization_field, resource_request
from authlens_core.trace.record import Stage
from authlens_core.values.error_code import ErrorCode
from authlens_core.values.errors import StateUnusable, UsageError
from authlens_core.values.exchange import Exchange
from authlens_core.values.http_message import Request, Response
from authlens_core.values.purpose import Purpose
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret
from authlens_core.values.url import require_url
from authlens_core.wire.client import Wire
from authlens_core.wire.dpop import send_with_proof
from authlens_core.wire.limits import RESOURCE

# What is sent in turn while the server does not take that kind of call; None is a plain GET.
_CALLS: Final[Mapping[str, tuple[McpCall | None, ...]]] = {
    "GET": (None, McpCall.DISCOVER, McpCall.INITIALIZE),
    "POST": (McpCall.INITIALIZE, McpCall.DISCOVER),
}


@dataclass(frozen=True, slots=True)
class GrantProbe:
    """What the resource answered to the access token of a grant.

    Attributes:
        refused_token: the token that was sent, if the answer was 401 `invalid_token`: a refresh may help.
    """

    grant: Grant
    result: ProbeResult
    refused_token: Secret | None = None


async def probe_grant(credentials: Credentials, wire: Wire, grant_id: str) -> GrantProbe:
    """Call the resource of a grant with its access token; no redirect is followed.

    Raises:
        UsageError: the token cannot be sent there: nothing was sent.
        LoginNeeded: there is no such grant, or its secrets are gone or damaged.
        NoSecretStore: the store could not be read.
    """
    grant, secrets = await credentials.load(grant_id)
    record = RecordBuilder(Stage.PROBE, grant.resource_url, utc_now())
    *before, exchange = await ask(credentials, wire, grant, secrets)
    record.exchanges.extend(before)
    result = probe_result(exchange, record, "token", spec="RFC 6750 §3.1")
    if result.accepted is not None:
        with suppress(StateUnusable):  # the verdict is shown, with or without a note of it
            grant = credentials.note_verdict(grant, utc_now(), accepted=result.accepted, words=result.summary)
    note_probe(credentials, grant_id, result, status_words(exchange))
    return GrantProbe(grant, result, secrets.access_token if _is_invalid_token(exchange.response) else None)


def _is_invalid_token(response: Response | None) -> bool:
    """Return whether a token was refused for itself: expired, revoked or malformed (RFC 6750 §3.1)."""
    if response is None or response.status != 401:
        return False
    field = parse_challenges(response.headers.get_all("www-authenticate"))
    return any(challenge.get("error") == ErrorCode.INVALID_TOKEN for challenge in field.challenges)


async def ask(
    credentials: Credentials, wire: Wire, grant: Grant, secrets: GrantSecrets
) -> tuple[Exchange, ...]:
    """Call the resource of the grant with the access token, and a proof if it is bound to a key.

    Returns:
        The exchange that counts, after calls that the server does not take and those without its nonce.

    Raises:
        UsageError: the URL cannot be used, or the token cannot be sent.
        LoginNeeded: the key of the token cannot be read.
    """
    plain = loopback_http(grant)
    target = require_url(grant.resource_url, loopback_http=plain)
    try:
        authorization = authorization_field(grant.token_type, secrets.access_token)
    except ValueError as error:
        raise UsageError(f"The stored token cannot be sent: {error}.", "Log in again.") from error

    async def send(request: Request) -> Exchange:
        return await wire.send(request, limits=RESOURCE, loopback_http=plain, purpose=Purpose.ACCESS)

    signer = signer_for(credentials, secrets.dpop_key) if is_bound(grant.token_type) else None
    exchanges: list[Exchange] = []
    for call in _CALLS[grant.method]:
        request = resource_request(target, call, authorization=authorization)
        exchanges += await send_with_proof(signer, request, send)
        if not _wants_another_call(exchanges[-1].response, call):
            break
    return tuple(exchanges)


def _wants_another_call(response: Response | None, call: McpCall | None) -> bool:
    """Return whether the server refused the kind of call and said nothing of the token."""
    if response is None or response.headers.get_all("www-authenticate"):
        return False
    if call is None:
        return response.status in (405, 406)
    # An error of JSON-RPC is about the call, not about the token.
    return response.status in (400, 404) and is_json_rpc(response)
