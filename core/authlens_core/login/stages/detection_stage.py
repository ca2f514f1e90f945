"""Stage 1: what protects the resource? (RFC 9110 §11, RFC 6750 §3, RFC 9728 §5).

The resource is asked as a client would ask: by GET, then, if it wants nothing of that, by the calls of an MCP
client. If nothing is refused, the well-known places show whether a login is possible all the same.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal

from authlens_core.diagnosis.answer import Answer, classify
from authlens_core.diagnosis.protection import Protection, Trait
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult, parted
from authlens_core.login.stages.metadata_location import (
    judge_login_page,
    locate_metadata,
    metadata_beside_login,
    unusable_location,
    well_known,
)
from authlens_core.oauth.discovery.challenge import is_scope
from authlens_core.oauth.discovery.resource_metadata import metadata_request
from authlens_core.oauth.error_response import is_document
from authlens_core.oauth.mcp import (
    EVENT_STREAM,
    LEGACY,
    MODERN,
    McpCall,
    call_of,
    is_json_rpc,
    is_result,
    mcp_request,
    protocol_version,
)
from authlens_core.oauth.resource_request import resource_request
from authlens_core.trace.failure_reason import diagnosis_of
from authlens_core.trace.record import Fact, FactId, Stage
from authlens_core.values.check import (
    Check,
    CheckId,
    Diagnosis,
    Layer,
    Severity,
    requirement,
)
from authlens_core.values.exchange import JSON_TYPE, Exchange, Purpose, Response
from authlens_core.values.fix import step
from authlens_core.values.url import Url
from authlens_core.wire.addresses import is_global
from authlens_core.wire.limits import RESOURCE

_SPEC: Final = "RFC 9728 §5.1"
# A server of MCP calls answers a GET with any of these: Express and Hono with 404, others with 405 or 406.
_NOT_GET: Final = frozenset({400, 404, 405, 406, 415})
# Some servers fail at a method that they do not know; 503 would not change with another method.
_NOT_DISCOVER: Final = _NOT_GET | {500, 501}


_ASKED_FOR: Final = requirement(CheckId.DETECTION_PROTECTION)


class DetectionStage:
    """Asks for the resource without a credential and reads the refusal."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the next call; after those, if none was refused, the GET of a well-known place."""
        calls, documents = parted(sent, Purpose.RESOURCE_METADATA)
        planned = next_call(facts, calls)
        if planned is not None or not calls:
            # Calls first, documents later: what the resource answers says whether a document is worth asking
            # for.
            return planned
        answer = classify(_decisive(calls))
        # A server that does not answer is not asked for more.
        if any(e.response is None for e in sent):
            return None
        named = metadata_beside_login(facts, answer)
        # What asks for another kind of login alone may take tokens all the same.
        open_question = answer.protection.has(Trait.NOT_REFUSED) or answer.protection is Protection.BASIC
        if not open_question and named is None:
            return None
        places = (named,) if named is not None else well_known(facts.resource_url, answer)
        if _published(documents) is not None or len(documents) >= len(places):
            return None
        request = metadata_request(places[len(documents)])
        return PlannedRequest(request, Purpose.RESOURCE_METADATA, server_supplied=False)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Classify the answer and find where the resource metadata may be."""
        calls, documents = parted(exchanges, Purpose.RESOURCE_METADATA)
        exchange = _decisive(calls)
        answer = classify(exchange)
        method: Literal["GET", "POST"] = "POST" if exchange.request.method == "POST" else "GET"
        new = replace(
            facts,
            answer=answer,
            method=method,
            call=call_of(exchange.request) if method == "POST" else None,
            mcp_version=mcp_version(calls) if method == "POST" else None,
            anonymous=answer.protection is Protection.PUBLIC,
            resource_is_public=_is_public(exchange, facts.resource_url, before=facts.resource_is_public),
        )
        protection, diagnosis = _judged(facts, answer, documents)
        checks = [protection, *_method_note(calls)]
        approved = CheckId.DETECTION_PROTECTION in facts.approved
        if answer.protection.has(Trait.GOES_ON) or protection.severity is not Severity.FAILURE or approved:
            located, where = locate_metadata(new, answer, exchange)
            checks.extend(where)
            # What protects the resource is not the reason then, and its fix says how to continue.
            diagnosis = unusable_location(where, answer, facts.approved) or diagnosis
            # Of several, the first that can be sent back (RFC 6750 §3).
            scopes = filter(is_scope, answer.challenge_field.token_values("scope"))
            # The scope of the challenge counts more than the metadata's: it is about this very resource (MCP,
            # Scope Selection).
            new = replace(located, challenge_scope=next(scopes, None))
        kind = kind_of_resource(exchange, answer, version=new.mcp_version)
        if diagnosis is None:
            diagnosis = diagnosis_of(Stage.DETECTION, checks, (exchange,), facts.approved, new.server_kind)
        return StageResult(new, tuple(checks), (kind, *_shown(answer, new)), diagnosis)


def _published(documents: Sequence[Exchange]) -> Response | None:
    found = (e.answer for e in documents if e.answer is not None)
    return next((r for r in found if r.status == 200 and is_document(r)), None)


def next_call(facts: Facts, calls: Sequence[Exchange]) -> PlannedRequest | None:
    """Return the next call of the resource without a credential, or None if the last one settled it."""
    method = facts.options.method
    if not calls:
        first = McpCall.DISCOVER if method == "POST" else None
        return call_planned(facts, first, Purpose.RESOURCE)
    response = calls[-1].answer
    if response is None or response.headers.get_all("www-authenticate"):
        return None
    if calls[-1].request.method == "GET":
        speaks_mcp = is_json_rpc(response) or response.media_type == EVENT_STREAM
        if method is not None or not (response.status in _NOT_GET or speaks_mcp):
            return None
        return call_planned(facts, McpCall.DISCOVER, Purpose.RESOURCE)
    return mcp_call_after(facts, calls[-1], response, Purpose.RESOURCE)


def mcp_call_after(
    facts: Facts,
    last: Exchange,
    response: Response,
    purpose: Purpose,
    authorization: tuple[str, str] | None = None,
) -> PlannedRequest | None:
    """Return the MCP call that follows an answer: the older first call, or the first that needs a token."""
    call, opened = call_of(last.request), response.status < 300 and is_result(response)
    unknown = response.status < 300 or response.status in _NOT_DISCOVER
    if call is McpCall.DISCOVER and not opened and unknown:
        return call_planned(facts, McpCall.INITIALIZE, purpose, authorization)
    if call is McpCall.LIST_TOOLS or not opened:
        return None
    # Some servers let anyone open a session, and ask for a token only for what is behind it.
    version = MODERN if call is McpCall.DISCOVER else protocol_version(response) or LEGACY
    request = mcp_request(
        facts.resource_url, McpCall.LIST_TOOLS, version=version, after=response, authorization=authorization
    )
    return PlannedRequest(request, purpose, server_supplied=False, limits=RESOURCE)


def call_planned(
    facts: Facts, call: McpCall | None, purpose: Purpose, authorization: tuple[str, str] | None = None
) -> PlannedRequest:
    """Return the call of the resource: a GET, or the POST of `call`."""
    request = resource_request(facts.resource_url, call, authorization=authorization)
    return PlannedRequest(request, purpose, server_supplied=False, limits=RESOURCE)


def _decisive(calls: Sequence[Exchange]) -> Exchange:
    """Return the call that decided: the last that the server took as its own, else the first."""
    # The GET comes first, and says least where the server took a later call.
    for exchange in reversed(calls[1:]):
        response = exchange.response
        if response is None or response.headers.get_all("www-authenticate"):
            return exchange
        if response.status not in _NOT_GET:
            return exchange
    return calls[0]


def mcp_version(calls: Sequence[Exchange]) -> str | None:
    """Return the protocol version that the last answer to a POST names, of those that name one."""
    answers = (e.response for e in reversed(calls) if e.request.method == "POST" and e.response is not None)
    return next((version for r in answers if (version := protocol_version(r)) is not None), None)


def kind_of_resource(exchange: Exchange, answer: Answer, *, version: str | None) -> Fact:
    response = exchange.response
    media_type = response.media_type if response is not None else ""
    if exchange.request.method == "POST" or version is not None:
        kind = f"MCP server, protocol {version}" if version else "MCP server"
    elif answer.layer is Layer.ACCESS:
        kind = "Cloudflare Access application"
    elif media_type in {"text/html", "application/xhtml+xml"}:
        kind = "web page"
    elif media_type == EVENT_STREAM:
        kind = "event stream, as an MCP server sends it"
    elif media_type == JSON_TYPE or media_type.endswith("+json"):
        kind = "API"
    else:
        kind = "protected resource" if answer.protection.has(Trait.GOES_ON) else "not known"
    return Fact(FactId.KIND_OF_RESOURCE, kind)


def _is_public(exchange: Exchange, url: Url, *, before: bool) -> bool:
    """Whether the resource answered from a public address.

    Behind a proxy, which resolves the names, a name counts as public: what a server then supplies may not
    lead to this machine, which is never asked through a proxy.
    """
    # The peer is the proxy then, and says nothing about where the resource is.
    if exchange.proxy is not None:
        return not url.is_loopback and _is_global(url.host, otherwise=True)
    if exchange.peer is None:
        return before
    return _is_global(exchange.peer.rpartition(":")[0], otherwise=before)


def _is_global(host: str, *, otherwise: bool) -> bool:
    literal = host.strip("[]").partition("%")[0]
    try:
        ipaddress.ip_address(literal)
    except ValueError:
        return otherwise
    return is_global(literal)


def _protection(answer: Answer) -> Check:
    why = "The challenge starts OAuth: it says what is required and where the metadata is."
    seen = f"{answer.summary} ({'; '.join(answer.evidence)})" if answer.evidence else answer.summary
    if answer.protection.has(Trait.GOES_ON):
        severity = Severity.PASS if answer.protection is Protection.OAUTH else Severity.WARNING
        return _ASKED_FOR.judged(severity, seen, why=why, cure=answer.cure)
    overridable = answer.protection.has(Trait.MAY_GO_ON)
    return _ASKED_FOR.failed(seen, cure=answer.cure, overridable=overridable)


def _judged(facts: Facts, answer: Answer, documents: Sequence[Exchange]) -> tuple[Check, Diagnosis | None]:
    """Return the check of the protection, and its diagnosis where the documents decided."""
    if answer.protection is Protection.ACCESS_LOGIN:
        return judge_login_page(answer, documents)
    if answer.protection.has(Trait.NOT_REFUSED) and _published(documents) is not None:
        chosen = facts.options.anyway
        check = _ASKED_FOR.judged(
            Severity.WARNING if chosen else Severity.FAILURE,
            f"{answer.summary} But it publishes resource metadata, so a login is possible.",
            why="Some servers ask for a token only at a later call.",
            spec="RFC 9728 §3",
            cure=step("Log in anyway", "authlens login URL --anyway"),
            overridable=not chosen,
        )
        return check, Diagnosis("login_possible", check.seen, check.cure, answer.evidence, "RFC 9728 §3")
    if answer.protection is Protection.BASIC and _published(documents) is not None:
        seen = f"{answer.summary} But it publishes resource metadata, so a login is possible."
        return _ASKED_FOR.warned(seen, "published"), None
    return _protection(answer), None


def _method_note(calls: Sequence[Exchange]) -> Iterator[Check]:
    if len(calls) > 1:
        tried = ", ".join(
            f"{call_of(e.request) or e.request.method} {e.status or 'no answer'}" for e in calls
        )
        yield requirement("detection.method").noticed(tried)


def _shown(answer: Answer, facts: Facts) -> tuple[Fact, ...]:
    shown = [
        Fact(FactId.PROTECTED_BY, answer.layer),
        Fact(FactId.ANSWER, answer.summary),
        *(Fact(FactId.EVIDENCE, line) for line in answer.evidence),
        *(Fact(FactId.RESOURCE_METADATA, url.text, _SPEC) for url in facts.metadata_candidates),
    ]
    if answer.cf_ray is not None:
        shown.append(Fact(FactId.CF_RAY, answer.cf_ray, "", "quote it when you ask Cloudflare for help"))
    if facts.challenge_scope:
        shown.append(
            Fact(
                FactId.SCOPE,
                tuple(facts.challenge_scope.split()),
                "RFC 6750 §3",
                "asked for by the challenge",
            )
        )
    return tuple(shown)
