"""Calling a resource with a credential, to see whether it still opens the door, and what the answer means.

The same 403 means "service tokens only" in answer to no credential, and "no policy admits you" in answer to a
token. So the words come from the diagnosis, which knows what was sent, never from the classification alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import ProbeResult
from authlens_core.credentials.lifecycle.operation import RecordBuilder, loopback_http, signer_for
from authlens_core.credentials.records.grant import Grant, GrantSecrets, TokenVerdict, utc_now
from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.diagnosis.classification import Classification, classify
from authlens_core.diagnosis.diagnose import diagnose
from authlens_core.diagnosis.evidence import without_sent
from authlens_core.diagnosis.protection import Trait
from authlens_core.diagnosis.server_kind import server_kind
from authlens_core.oauth.dpop import is_bound, send_with_proof
from authlens_core.oauth.mcp import McpCall, is_json_rpc, resource_request
from authlens_core.oauth.token import authorization_field
from authlens_core.trace.fact import Fact, FactId
from authlens_core.values.check import UNKNOWN, Check, CheckId, ErrorCode, Severity, judged
from authlens_core.values.errors import (
    AuthlensError,
    Refused,
    ServerMisconfigured,
    StateUnusable,
    UsageError,
)
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request, Response
from authlens_core.values.fix import LOG_IN_AGAIN, Fix
from authlens_core.values.formats.challenge import parse_challenges
from authlens_core.values.secret import Secret
from authlens_core.values.stage import Stage
from authlens_core.values.url import require_url
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import RESOURCE

_WHY: Final = "Only a response from the resource itself shows that a credential is valid."
_VERDICTS: Final = {
    True: (TokenVerdict.ACCEPTED, Severity.PASS),
    False: (TokenVerdict.REFUSED, Severity.FAILURE),
    None: (TokenVerdict.UNCLEAR, Severity.WARNING),
}
# What is sent in turn while the server does not take that kind of call; None is a plain GET.
_CALLS: Final[Mapping[str, tuple[McpCall | None, ...]]] = {
    "GET": (None, McpCall.DISCOVER, McpCall.INITIALIZE),
    "POST": (McpCall.INITIALIZE, McpCall.DISCOVER),
}


# -- the answer ---------------------------------------------------------------------------------------------


def probe_result(
    exchange: Exchange, record: RecordBuilder, what: str, *, spec: str = "", is_new: bool = False
) -> ProbeResult:
    """Return what the answer in `exchange` says about the credential that its request carried.

    Args:
        exchange: the request with the credential, and the answer.
        record: gets the exchange, the check and the layer that answered.
        what: the credential in a word, such as `token`.
        spec: the section that the check names.
        is_new: whether the credential was issued a moment ago, so that another refresh would not help.
    """
    classification, accepted = classify(exchange), token_accepted(exchange)
    seen = f"{status_words(exchange)}, answered by: {classification.layer}"
    outcome, severity = _VERDICTS[accepted]
    check = judged(
        severity, CheckId.PROBE_ACCEPTED, f"the resource accepts the {what}", seen, why=_WHY, spec=spec
    )
    summary = f"The resource accepts the {what}."
    error_type: type[AuthlensError] | None = None
    if not accepted:
        stage = Stage.ACCESS if is_new else Stage.PROBE
        summary, cure = _refusal(exchange, classification, record, stage, check)
        check = replace(check, seen=f"{seen}. {summary}", cure=cure)
        error_type = ServerMisconfigured if exchange.failure is None else exchange.failure.error_type
        error_type = Refused if accepted is False else error_type
    record.checks.append(check)
    record.exchanges.append(exchange)
    record.facts.append(Fact(FactId.ANSWERED_BY, classification.layer))
    return ProbeResult(
        outcome=outcome,
        summary=summary,
        cure=check.cure,
        error_type=error_type,
        trace=record.trace(passed=accepted is True),
        accepted=accepted,
        layer=classification.layer,
        classification=classification,
        diagnosis=record.diagnosis,
    )


def _refusal(
    exchange: Exchange, classification: Classification, record: RecordBuilder, stage: Stage, check: Check
) -> tuple[str, str | Fix]:
    """Return why the credential was not accepted, and what to do; the record gets the diagnosis."""
    failed = replace(check, seen=f"{check.seen}. {classification.summary}", cure=classification.cure)
    diagnosis = diagnose(stage, (failed,), exchange, server_kind(record.server))
    if diagnosis is None:
        return classification.summary, classification.cure
    diagnosis = record.diagnosis = without_sent(diagnosis, exchange)
    if diagnosis.name == UNKNOWN:
        # Its words announce the whole answer, for which a sentence has no room.
        return f"authlens does not recognise this response: {classification.evidence[0]}.", diagnosis.cure
    return diagnosis.cause, diagnosis.cure


def token_accepted(exchange: Exchange) -> bool | None:
    """Return whether the token was accepted; None if something other than the token decided."""
    response = exchange.response
    if response is None:
        return None
    # Not 3xx: a redirect to a login page is how Access refuses.
    if 200 <= response.status < 300:
        return True
    # A Bearer challenge on another status refuses the token as well (RFC 9110 §11.6.1).
    is_refused = response.status == 401 or classify(exchange).protection.has(Trait.REFUSES_CREDENTIAL)
    return False if is_refused else None


def note_probe(credentials: Credentials, credential_id: str, said: ProbeResult, words: str = "") -> None:
    """Note a probe in the history, with `words` or else the evidence of its answer, and keep its trace."""
    kind = AccessKind.VERIFIED if said.accepted else AccessKind.NOT_VERIFIED
    evidence = said.classification.evidence[0] if said.classification else ""
    credentials.record(kind, credential_id, words or evidence)
    credentials.traces.keep(credential_id, said.trace)


def status_words(exchange: Exchange) -> str:
    return str(exchange.status or "no answer")


# -- the call -----------------------------------------------------------------------------------------------


class GrantProbe(Struct, frozen=True):
    """What the resource answered to the access token of a grant.

    Attributes:
        refused_token: the token that was sent, if the answer was 401 `invalid_token`: a refresh may help.
    """

    grant: Grant
    result: ProbeResult
    refused_token: Secret | None = None


async def probe_grant(
    credentials: Credentials, wire: Wire, grant_id: str, *, is_new: bool = False
) -> GrantProbe:
    """Call the resource of a grant with its access token; no redirect is followed.

    Args:
        is_new: as in `probe_result`.

    Raises:
        UsageError: the token cannot be sent there: nothing was sent.
        LoginNeeded: there is no such grant, or its secrets are gone or damaged.
        NoSecretStore: the store could not be read.
    """
    grant, secrets = await credentials.load(grant_id)
    server = (grant.issuer, grant.token_endpoint)
    record = RecordBuilder(Stage.PROBE, grant.resource_url, utc_now(), server=server)
    *before, exchange = await ask(credentials, wire, grant, secrets)
    record.exchanges.extend(before)
    result = probe_result(exchange, record, "token", spec="RFC 6750 §3.1", is_new=is_new)
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
        raise UsageError(f"The stored token cannot be sent: {error}.", LOG_IN_AGAIN) from error

    async def send(request: Request) -> Exchange:
        return await wire.send(request, limits=RESOURCE, loopback_http=plain, purpose=Purpose.ACCESS)

    # A key may be stored beside a bearer token, when the server did not bind it. A proof would then be
    # refused by strict resources.
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
    # A challenge is about the token, whatever the status: that is the answer which was asked for.
    if response is None or response.headers.get_all("www-authenticate"):
        return False
    if call is None:
        return response.status in (405, 406)
    # An error of JSON-RPC is about the call, not about the token.
    return response.status in (400, 404) and is_json_rpc(response)


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
