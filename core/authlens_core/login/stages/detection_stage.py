"""Stage 1: what protects the resource, and where its metadata may be (RFC 9110 §11, 6750 §3, 9728 §3, §5).

The resource is asked as a client would ask: by GET, then, if it wants nothing of that, by the calls of an MCP
client. If nothing is refused, the well-known places show whether a login is possible all the same.

The metadata is looked for where the header says, then the body, then at the well-known places. A redirect to
Access's login page may name it, too. It looks the same whether Managed OAuth is off or the request merely
looked like a browser's; the metadata, which the edge serves without a login, lists `oauth` among its methods
only where it is on.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Sequence
from typing import Final, Literal

from msgspec.structs import replace

from authlens_core.cloudflare.team import cloudflare_metadata_urls
from authlens_core.diagnosis.classification import Classification, classify
from authlens_core.diagnosis.protection import MANAGED_OAUTH, Protection, Trait, note_on
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest, StageResult, diagnosed, parted
from authlens_core.login.stages.resource_call import (
    NOT_GET,
    call_planned,
    kind_of_resource,
    mcp_call_after,
    mcp_version,
)
from authlens_core.oauth.discovery.resource_metadata import (
    covers_url,
    metadata_request,
    read_metadata_location,
    well_known_urls,
)
from authlens_core.oauth.mcp import (
    McpCall,
    call_of,
    is_json_rpc,
)
from authlens_core.trace.fact import Fact, FactId
from authlens_core.values.check import (
    Check,
    CheckId,
    Diagnosis,
    Layer,
    Severity,
    failures,
    requirement,
)
from authlens_core.values.exchange import EVENT_STREAM, JSON_TYPE, Exchange, Purpose, Response
from authlens_core.values.fix import Fix, Step, WayOn, fix, other_ways, step
from authlens_core.values.formats.challenge import is_scope, resource_metadata_parameter
from authlens_core.values.formats.error_response import is_document, members_of
from authlens_core.values.formats.json_document import object_in
from authlens_core.values.stage import Stage
from authlens_core.values.url import Url
from authlens_core.wire.addresses import is_global

_SPEC: Final = "RFC 9728 §5.1"
_ASKED_FOR: Final = requirement(CheckId.DETECTION_PROTECTION)
_BESIDE_LOGIN: Final = requirement(CheckId.DETECTION_PROTECTION, "detection.protection_beside_login")
_OTHERWISE: Final = fix(
    step("Until it is on, log in with cloudflared", "authlens login URL --cloudflared"),
    ways=(WayOn.SERVICE_TOKEN,),
)
_Judgement = tuple[Check, Diagnosis | None]


class DetectionStage:
    """Asks for the resource without a credential and reads the refusal."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return the next call; after those, if none was refused, the GET of a well-known place."""
        calls, documents = parted(sent, Purpose.RESOURCE_METADATA)
        planned = _next_call(facts, calls)
        if planned is not None or not calls:
            # Calls first, documents later: what the resource answers says whether a document is worth asking
            # for.
            return planned
        classification = classify(_decisive(calls))
        # A server that does not answer is not asked for more.
        if any(e.response is None for e in sent):
            return None
        metadata_url = _metadata_beside_login(facts, classification)
        places: tuple[Url, ...] = () if metadata_url is None else (metadata_url,)
        # What asks for another kind of login alone may take tokens all the same.
        protection = classification.protection
        if not places and (protection.has(Trait.NOT_REFUSED) or protection is Protection.BASIC):
            places = _well_known(facts.resource_url, classification)
        if _published(documents) is not None or len(documents) >= len(places):
            return None
        request = metadata_request(places[len(documents)])
        return PlannedRequest(request, Purpose.RESOURCE_METADATA, server_supplied=False)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Classify the answer and find where the resource metadata may be."""
        calls, documents = parted(exchanges, Purpose.RESOURCE_METADATA)
        exchange = _decisive(calls)
        classification = classify(exchange)
        method: Literal["GET", "POST"] = "POST" if exchange.request.method == "POST" else "GET"
        new = replace(
            facts,
            classification=classification,
            method=method,
            call=call_of(exchange.request) if method == "POST" else None,
            mcp_version=mcp_version(calls) if method == "POST" else None,
            anonymous=classification.protection is Protection.PUBLIC,
            resource_is_public=_is_public(exchange, facts.resource_url, before=facts.resource_is_public),
        )
        protection, diagnosis = _judged(facts, classification, documents)
        moved = _other_spelling(facts.resource_url, exchange.response)
        if moved is not None:
            protection, diagnosis = _moved(moved, classification)
        checks = [protection, *_method_note(calls)]
        if classification.protection.has(Trait.GOES_ON) or not failures((protection,), facts.approved):
            located, where = _locate_metadata(new, classification, exchange)
            checks.extend(where)
            # What protects the resource is not the reason then, and its fix says how to continue.
            diagnosis = _unusable_location(where, classification, facts.approved) or diagnosis
            # Of several, the first that can be sent back (RFC 6750 §3).
            scopes = filter(is_scope, classification.challenge_field.token_values("scope"))
            # The scope of the challenge counts more than the metadata's: it is about this very resource (MCP,
            # Scope Selection).
            new = replace(located, challenge_scope=next(scopes, None))
        kind = kind_of_resource(exchange, classification, version=new.mcp_version)
        if diagnosis is None:
            diagnosis = diagnosed(Stage.DETECTION, new, checks, (exchange,))
        return StageResult(new, tuple(checks), (kind, *_display_facts(classification, new)), diagnosis)


def _published(documents: Sequence[Exchange]) -> Response | None:
    answers = (e.complete_response for e in documents if e.complete_response is not None)
    return next((r for r in answers if r.status == 200 and is_document(r)), None)


def _next_call(facts: Facts, calls: Sequence[Exchange]) -> PlannedRequest | None:
    """Return the next call of the resource without a credential, or None if the last one settled it."""
    method = facts.options.method
    if not calls:
        first = McpCall.DISCOVER if method == "POST" else None
        return call_planned(facts, first, Purpose.RESOURCE)
    response = calls[-1].complete_response
    if response is None or response.headers.get_all("www-authenticate"):
        return None
    if calls[-1].request.method == "GET":
        speaks_mcp = is_json_rpc(response) or response.media_type == EVENT_STREAM
        if method is not None or not (response.status in NOT_GET or speaks_mcp):
            return None
        return call_planned(facts, McpCall.DISCOVER, Purpose.RESOURCE)
    return mcp_call_after(facts, calls[-1], response, Purpose.RESOURCE)


def _decisive(calls: Sequence[Exchange]) -> Exchange:
    """Return the call that decided: the last that the server took as its own, else the first."""
    # The GET comes first, and says least where the server took a later call.
    for exchange in reversed(calls[1:]):
        response = exchange.response
        if response is None or response.headers.get_all("www-authenticate"):
            return exchange
        if response.status not in NOT_GET:
            return exchange
    return calls[0]


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


def _protection(classification: Classification) -> Check:
    why = "The challenge starts OAuth: it says what is required and where the metadata is."
    actual = (
        f"{classification.summary} ({'; '.join(classification.evidence)})"
        if classification.evidence
        else classification.summary
    )
    if classification.protection.has(Trait.GOES_ON):
        severity = Severity.PASS if classification.protection is Protection.OAUTH else Severity.WARNING
        return _ASKED_FOR.judged(severity, actual, why=why, cure=classification.cure)
    overridable = classification.protection.has(Trait.MAY_GO_ON)
    return _ASKED_FOR.failed(actual, cure=classification.cure, overridable=overridable)


def _other_spelling(url: Url, response: Response | None) -> str | None:
    """Return the address with one slash more or less at its end, if that is where the answer redirects."""
    location = None if response is None else response.headers.get("location")
    other = url.text.removesuffix("/") if url.text.endswith("/") else f"{url.text}/"
    return other if location and location in (other, other.removeprefix(url.origin)) else None


def _moved(address: str, classification: Classification) -> _Judgement:
    """Return the check of a resource that redirects to another spelling of its address, and its diagnosis."""
    actual = f"The resource is at {address}, and redirects there."
    cure = Fix((Step("Log in to that address", ("authlens", "login", address)),))
    return _ASKED_FOR.failed(actual, cure=cure), Diagnosis(
        "other_address", actual, cure, evidence=classification.evidence, source="RFC 9110 §15.4"
    )


def _judged(facts: Facts, classification: Classification, documents: Sequence[Exchange]) -> _Judgement:
    """Return the check of the protection, and its diagnosis where the documents decided."""
    if classification.protection is Protection.ACCESS_LOGIN:
        return _judge_login_page(classification, documents)
    published = _published(documents)
    if classification.protection.has(Trait.NOT_REFUSED) and published is not None:
        return _login_possible(facts, classification, published)
    if classification.protection is Protection.BASIC and published is not None:
        actual = f"{classification.summary} But it publishes resource metadata, so a login is possible."
        return _ASKED_FOR.warned(actual, "published"), None
    return _protection(classification), None


def _login_possible(facts: Facts, classification: Classification, published: Response) -> _Judgement:
    """Return the check of a resource that did not refuse the call, and publishes metadata, or another's."""
    chosen, other = facts.options.anyway, _other_resource(facts, published)
    actual = f"{classification.summary} But it publishes resource metadata, so a login is possible."
    cure = step("Log in anyway", "authlens login URL --anyway")
    if other is not None:
        actual = f"{classification.summary} The metadata there is that of {other}."
        cure = Fix((Step("Did you mean that address? Log in to it", ("authlens", "login", other)),))
    check = _ASKED_FOR.judged(
        Severity.WARNING if chosen else Severity.FAILURE,
        actual,
        why="Some servers ask for a token only at a later call.",
        spec="RFC 9728 §3",
        cure=cure,
        overridable=not chosen and other is None,
    )
    name = "login_possible" if other is None else "other_address"
    return check, Diagnosis(name, actual, cure, evidence=classification.evidence, source="RFC 9728 §3")


def _other_resource(facts: Facts, published: Response) -> str | None:
    """Return the resource on the same origin that the metadata is about, if it is not the one asked for."""
    resource, requested = members_of(published).get("resource"), facts.resource_url
    url = facts.url(resource) if isinstance(resource, str) else None
    is_other = url is not None and url.origin == requested.origin and not covers_url(url.text, requested.text)
    return resource if is_other and isinstance(resource, str) else None


def _method_note(calls: Sequence[Exchange]) -> Iterator[Check]:
    if len(calls) > 1:
        tried = ", ".join(
            f"{call_of(e.request) or e.request.method} {e.status or 'no answer'}" for e in calls
        )
        yield requirement("detection.method").noticed(tried)


def _display_facts(classification: Classification, facts: Facts) -> tuple[Fact, ...]:
    display_facts = [
        Fact(FactId.PROTECTED_BY, classification.layer),
        Fact(FactId.ANSWER, classification.summary),
        *(Fact(FactId.EVIDENCE, line) for line in classification.evidence),
        *(Fact(FactId.RESOURCE_METADATA, url.text, _SPEC) for url in facts.metadata_candidates),
    ]
    if classification.cf_ray is not None:
        display_facts.append(
            Fact(FactId.CF_RAY, classification.cf_ray, "", "quote it when you ask Cloudflare for help")
        )
    if facts.challenge_scope:
        scopes = tuple(facts.challenge_scope.split())
        display_facts.append(Fact(FactId.SCOPE, scopes, "RFC 6750 §3", "asked for by the challenge"))
    return tuple(display_facts)


def _locate_metadata(
    facts: Facts, classification: Classification, exchange: Exchange
) -> tuple[Facts, tuple[Check, ...]]:
    """Return the facts with the candidates, and what was checked about them."""
    choice = resource_metadata_parameter(classification.challenge_field)
    if choice.problems:
        return facts, (requirement(CheckId.DETECTION_METADATA).failed("; ".join(choice.problems)),)
    in_header = choice.value is not None
    value = choice.value if in_header else _from_body(exchange)
    if value is not None:
        location = read_metadata_location(
            value, requested=facts.resource_url, loopback_http=facts.loopback_http
        )
        # A body is easier to slip in than a header field, so there only the same origin counts.
        if in_header or not failures(location.checks):
            named_there = () if location.value is None else (location.value,)
            location_check = requirement(CheckId.DETECTION_METADATA).passed(
                "named in WWW-Authenticate" if in_header else "named in the body of the answer"
            )
            return replace(facts, metadata_candidates=named_there), (location_check, *location.checks)
    candidates = _well_known(facts.resource_url, classification)
    guess = requirement(CheckId.DETECTION_METADATA_GUESSED).warned(
        "no resource_metadata in it; the well-known URLs are tried in order"
    )
    return replace(facts, metadata_candidates=candidates, metadata_guessed=True), (guess,)


def _from_body(exchange: Exchange) -> str | None:
    response = exchange.response
    if response is None or response.media_type != JSON_TYPE:
        return None
    value = object_in(response.body.reveal()).get("resource_metadata")
    return value if isinstance(value, str) else None


def _well_known(resource: Url, classification: Classification) -> tuple[Url, ...]:
    """Return the places of the specification, and those of Cloudflare if it answered."""
    by_cloudflare = cloudflare_metadata_urls(resource) if classification.cf_ray is not None else ()
    return tuple(dict.fromkeys((*well_known_urls(resource), *by_cloudflare)))


def _unusable_location(
    checks: Sequence[Check], classification: Classification, approved: Collection[str]
) -> Diagnosis | None:
    """Return why the named metadata is not fetched; None if it is, or if nothing was named."""
    failing = failures(checks, approved)
    if not failing:
        return None
    check = failing[0]
    cause = f"Expected: {check.expected.rstrip('.')}. Seen: {check.seen}"
    cure = fix(check.cure, ways=other_ways(note_on(classification.protection).cure))
    return Diagnosis(
        "metadata_location",
        cause,
        cure,
        evidence=classification.evidence,
        source=check.spec,
        cf_ray=classification.cf_ray,
    )


def _metadata_beside_login(facts: Facts, classification: Classification) -> Url | None:
    """Return the metadata URL that a redirect to a login page names, if it is on the resource's origin."""
    if classification.protection is not Protection.ACCESS_LOGIN:
        return None
    value = resource_metadata_parameter(classification.challenge_field).value
    if value is None:
        return None
    location = read_metadata_location(value, requested=facts.resource_url, loopback_http=facts.loopback_http)
    return None if failures(location.checks) else location.value


def _judge_login_page(classification: Classification, documents: Sequence[Exchange]) -> _Judgement:
    """Return the check for a redirect to a login page, and its diagnosis unless the answer alone gives it."""
    methods = _methods(documents[-1].response) if documents else None
    summary, evidence = classification.summary, "; ".join(classification.evidence)
    if methods is not None and "oauth" not in methods:
        cure = fix(f"Ask the owner to turn it on: {MANAGED_OAUTH}.", _OTHERWISE)
        actual = f"{summary} Managed OAuth is off for this application. ({evidence})"
        return _BESIDE_LOGIN.failed(actual, cure=cure, overridable=True), None
    diagnosis = Diagnosis(
        "login_possible",
        f"{summary} But its metadata lists oauth: Managed OAuth is on. ({evidence})",
        "Continue: the login goes by the metadata.",
        evidence=classification.evidence,
        source=_SPEC,
        layer=Layer.ACCESS,
    )
    if methods is not None:
        return _BESIDE_LOGIN.warned(diagnosis.cause), diagnosis
    cause = f"{summary} Its metadata does not say whether Managed OAuth is on."
    cure = fix(f"Ask the owner whether it is on: {MANAGED_OAUTH}.", _OTHERWISE)
    check = _BESIDE_LOGIN.failed(f"{cause} ({evidence})", cure=cure, overridable=True)
    name, cf_ray = "login_page", classification.cf_ray
    return check, replace(diagnosis, name=name, cause=cause, cure=cure, cf_ray=cf_ray)


def _methods(response: Response | None) -> frozenset[str] | None:
    """Return the names in `authentication_methods`, or None if the document does not list them."""
    if response is None or response.status != 200:
        return None
    listed = object_in(response.body.reveal()).get("authentication_methods")
    if not isinstance(listed, list):
        return None
    names = (entry.get("name") for entry in listed if isinstance(entry, dict))
    return frozenset(name for name in names if isinstance(name, str))
