"""Stage 8: the proof that the token works (RFC 6750)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from authlens_core.diagnosis.classification import Classification, classify
from authlens_core.diagnosis.diagnose import find_cause
from authlens_core.diagnosis.server_kind import ServerKind
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult
from authlens_core.login.stages.resource_call import (
    call_planned,
    kind_of_resource,
    mcp_call_after,
    mcp_version,
)
from authlens_core.oauth.discovery.resource_metadata import covers_url, own_name_cure, same_resource
from authlens_core.oauth.mcp import MODERN, McpCall, call_of
from authlens_core.oauth.token import authorization_field
from authlens_core.trace.fact import Fact, FactId
from authlens_core.trace.record import StageRecord
from authlens_core.values.check import (
    Check,
    CheckId,
    Diagnosis,
    ErrorCode,
    Severity,
    requirement,
)
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.fix import Fix, fix, step
from authlens_core.values.formats.challenge import (
    ChallengeField,
    is_plain,
    refusal_code,
    scope_union,
    scope_wanted,
)
from authlens_core.values.formats.duration import http_date
from authlens_core.values.formats.error_response import read_error
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.formats.jwt import moment, parse_jwt
from authlens_core.values.safe_text import LINE, safe_line
from authlens_core.values.stage import Stage

_SPEC = "RFC 6750 §3.1, RFC 9470 §5"
_ACCEPTED: Final = requirement(CheckId.ACCESS_ACCEPTED)

_ANONYMOUS: Final = requirement("access.anonymous")
_GET_NOT_ALLOWED: Final = frozenset({405, 406})
_UNAUTHORIZED: Final = 401
_REFUSED: Final = frozenset({_UNAUTHORIZED, 403})
_ONLY_THE_OWNER: Final = "No option helps until then. After that, log in without --resource."
_PROOF: Final = ("dpop", "proof of possession", "proof-of-possession")


# Sign-ins of one login for more scope, whatever the scopes.
MOST_STEP_UPS: Final = 2


class AccessStage:
    """Asks for the resource again, with the access token."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the call that was refused without a token, now with it, and what has to go before it.

        Many MCP servers answer GET with 405 once the token is good: then their first call is sent.
        """
        if facts.tokens is None:
            return None
        authorization = authorization_field(facts.tokens.token_type, facts.tokens.access_token)
        if not sent:
            call = facts.call or (McpCall.INITIALIZE if facts.method == "POST" else None)
            # A list of tools belongs to a session, which `initialize` opens.
            if call in (McpCall.INITIALIZE, McpCall.LIST_TOOLS):
                call = McpCall.DISCOVER if facts.mcp_version == MODERN else McpCall.INITIALIZE
            return call_planned(facts, call, Purpose.ACCESS, authorization)
        last, response = sent[-1], sent[-1].complete_response
        if response is None or response.headers.get_all("www-authenticate"):
            return None
        # The user's choice of a method is not second-guessed.
        if last.request.method == "GET":
            # 405 and 406 come before the token is looked at: they say nothing of it.
            if facts.options.method is not None or response.status not in _GET_NOT_ALLOWED:
                return None
            return call_planned(facts, McpCall.DISCOVER, Purpose.ACCESS, authorization)
        following = mcp_call_after(facts, last, response, purpose=Purpose.ACCESS, authorization=authorization)
        if following is None or (
            call_of(following.request) is McpCall.LIST_TOOLS and facts.call is not McpCall.LIST_TOOLS
        ):
            return None
        return following

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Return whether the token was accepted and which layer answered."""
        if not exchanges:
            check = _ACCEPTED.failed("there is no access token", "no_token")
            return StageResult(facts, (check,))
        exchange, response = exchanges[-1], exchanges[-1].response
        classification = classify(exchange)
        if response is None:
            lost = exchange.no_answer
            return StageResult(facts, (_ACCEPTED.failed(lost.cause, cure=lost.cure),))
        version = facts.mcp_version or mcp_version(exchanges)
        display_facts = (
            Fact(FactId.STATUS, response.status, "RFC 9110 §15"),
            Fact(FactId.ANSWERED_BY, classification.layer),
            kind_of_resource(exchange, classification, version=version),
        )
        # Before the status is judged: servers send it with 403, and some with 401.
        if refusal_code(classification.challenge_field) == ErrorCode.INSUFFICIENT_SCOPE:
            return _too_small(facts, response.status, classification, display_facts)
        check = _judge(exchange, response.status, classification, facts.server_kind)
        checks = (check, *_refused_token_checks(facts, exchange, classification))
        if facts.anonymous and response.status < 300:
            checks = (check, _ANONYMOUS.noticed("it also answered without one"))
        return StageResult(facts, checks, display_facts)


def wider_scope(facts: Facts, field: ChallengeField) -> str:
    """Return the union of what was asked for, what was granted and what a refusal asks for."""
    granted = facts.tokens.scope if facts.tokens is not None else None
    return scope_union(facts.scope, granted, scope_wanted(field))


def wants_more(failed: StageRecord | None, facts: Facts) -> bool:
    """Return whether the resource refused the token for want of a scope that was not asked for."""
    if failed is None or not failed.lacks_scope:
        return False
    requested = set((facts.scope or "").split())
    return any(not requested.issuperset(scope) for scope in failed.learned(FactId.SCOPE_WANTED, tuple))


def _too_small(
    facts: Facts, status: int, classification: Classification, display_facts: tuple[Fact, ...]
) -> StageResult:
    """Return the refusal with the scope of a new authorization, as a value and in what to do."""
    scope = wider_scope(facts, classification.challenge_field)
    cause = "The token is valid, but its scope is too narrow: the resource requires more."
    cure: str | Fix = fix(_with_scope("Authorize again with it", scope), "In the wizard, t does that.")
    if facts.step_ups >= MOST_STEP_UPS:
        cause = f"The resource requires more scope again, though you signed in {facts.step_ups + 1} times."
        cure = _with_scope("Ask its owner for every scope that it needs, then log in with them", scope)
    elif not (scope_wanted(classification.challenge_field) or _scopes_supported(facts)):
        described = _described(classification)
        cause = f"The resource requires a scope, and names none in scope= or scopes_supported{described}."
        cure = fix(
            "Ask its owner to list the scope in scopes_supported of its metadata.",
            step("With the scope that its answer names", "authlens login URL --scope SCOPE"),
        )
    # Another sign-in would ask for the same and get the same: a loop for the user.
    elif set(scope.split()) <= set((facts.scope or "").split()):
        cause = "This login asked for every scope that the resource names, and it still requires more."
        cure = "Ask the owner which permission your account lacks. Asking for the same scope rarely helps."
    actual = f"{status} {ErrorCode.INSUFFICIENT_SCOPE}: {cause}"
    check = _ACCEPTED.failed(actual, "too_small", cure=cure, error_code=ErrorCode.INSUFFICIENT_SCOPE)
    diagnosis = Diagnosis(
        ErrorCode.INSUFFICIENT_SCOPE,
        cause,
        cure,
        evidence=classification.evidence,
        source=_SPEC,
        layer=classification.layer,
        cf_ray=classification.cf_ray,
    )
    scope_fact = Fact(
        FactId.SCOPE_WANTED, tuple(scope.split()), "RFC 6750 §3", "granted, and what the resource asks for"
    )
    return StageResult(facts, (check,), (*display_facts, scope_fact), diagnosis)


def _scopes_supported(facts: Facts) -> tuple[str, ...]:
    metadata = facts.resource_metadata
    return () if metadata is None else metadata.scopes_supported or ()


def _described(classification: Classification) -> str:
    """Return what the resource says of it in words, as the end of a sentence."""
    text = safe_line(next(classification.challenge_field.token_values("error_description"), ""), LINE)
    return f'; it says: "{text}"' if text else ""


def _with_scope(instruction: str, scope: str) -> Fix:
    """Return the step of a login with `scope`; in the wizard if a shell could read it in another way."""
    return step(instruction, f"authlens login URL --scope '{scope}'" if is_plain(scope) else "authlens URL")


def _judge(exchange: Exchange, status: int, classification: Classification, kind: ServerKind) -> Check:
    if status < 300:
        return _ACCEPTED.passed(f"{status}, answered by: {classification.layer}")
    diagnosis = find_cause(Stage.ACCESS, exchange=exchange, kind=kind)
    cause, cure = (
        (diagnosis.cause, diagnosis.cure) if diagnosis else (classification.summary, classification.cure)
    )
    # A redirect refuses, too: it leads to a login page, which a request with a good token does not see.
    refused = status in _REFUSED or 300 <= status < 400
    severity = Severity.FAILURE if refused else Severity.WARNING
    return _ACCEPTED.judged(severity, f"{status}: {cause}", cure=cure)


def _refused_token_checks(
    facts: Facts, exchange: Exchange, classification: Classification
) -> Iterator[Check]:
    """Yield what is wrong with a token that the resource refused in `exchange`.

    It is read and not believed (RFC 9068 §2.2): the questions are what its issuer wrote, and whom to ask.
    """
    response = exchange.response
    if response is None or response.status not in _REFUSED or facts.tokens is None:
        return
    token = parse_jwt(facts.tokens.access_token)
    claims = (None if token is None else token.claims) or {}
    now = http_date(response.headers.get("date") or "") or exchange.started_at
    refusal = f"{' '.join(classification.evidence)} {read_error(response)}".lower()
    wants_proof = not facts.needs_dpop and any(word in refusal for word in _PROOF)
    problems = (*_lifetime(facts, claims, now), *_audience(facts, claims), *_issuer(facts, claims))
    yield from problems
    if wants_proof:
        yield requirement(CheckId.ACCESS_PROOF).failed("a bearer token was sent")
    elif claims and not problems and response.status == _UNAUTHORIZED:
        audience = facts.resource or facts.resource_url.text
        yield requirement(CheckId.ACCESS_UNEXPLAINED).failed(f"its aud is {audience}, and it is valid now")


def _lifetime(facts: Facts, claims: Mapping[str, JsonValue], now: datetime) -> Iterator[Check]:
    """Yield that the token was expired, or not valid yet, when the resource got it."""
    check = requirement(CheckId.ACCESS_LIFETIME, server=facts.server.issuer)
    expires, begins = moment(claims.get("exp")), moment(claims.get("nbf"))
    receipt = f"the resource got it at {now:%Y-%m-%d %H:%M:%S} UTC"
    if expires is not None and expires <= now:
        yield check.failed(f"exp is {expires:%Y-%m-%d %H:%M:%S} UTC; {receipt}")
    elif begins is not None and begins > now:
        yield check.failed(f"nbf is {begins:%Y-%m-%d %H:%M:%S} UTC; {receipt}")


def _audience(facts: Facts, claims: Mapping[str, JsonValue]) -> Iterator[Check]:
    """Yield that the token is for another resource than the one that refused it (RFC 9068 §4)."""
    aud, url = claims.get("aud"), facts.resource_url.text
    requested = facts.resource or url
    audiences = [name for name in (aud if isinstance(aud, list) else [aud]) if isinstance(name, str)]
    as_wanted = _covers(audiences, requested)
    if not claims or (as_wanted and _covers(audiences, url)) or facts.options.audience in audiences:
        return
    stated = f"aud is {', '.join(audiences)}" if audiences else "no aud"
    resource = url if as_wanted else requested
    check = requirement(CheckId.ACCESS_AUDIENCE, resource=resource, server=facts.server.issuer)
    if not as_wanted:
        yield check.failed(f"{stated}; this login asked for {requested}")
        return
    actual = f"{stated}, for which this login asked; the URL that you gave is {url}"
    metadata = facts.resource_metadata
    if metadata is None or covers_url(metadata.resource, url):
        yield check.failed(actual, "chosen")
    else:
        yield check.failed(actual, cure=f"{own_name_cure(facts.resource_url)} {_ONLY_THE_OWNER}")


def _covers(audiences: Sequence[str], resource: str) -> bool:
    return any(same_resource(name, resource) or covers_url(name, resource) for name in audiences)


def _issuer(facts: Facts, claims: Mapping[str, JsonValue]) -> Iterator[Check]:
    """Yield that the token names another issuer than the metadata of the server that issued it."""
    issuer, stated = claims.get("iss"), facts.server.stated_issuer
    if isinstance(issuer, str) and stated and issuer != stated:
        check = requirement(CheckId.ACCESS_ISSUER, issuer=stated, server=facts.server.issuer)
        yield check.failed(f"iss is {issuer}; the metadata of the server says {stated}")
