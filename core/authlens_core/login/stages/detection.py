"""Stage 1: what protects the resource? (RFC 9110 §11, RFC 6750 §3, RFC 9728 §5)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from authlens_core.access.answer import Answer, Protection, classify
from authlens_core.access.team import cloudflare_metadata_urls
from authlens_core.login.facts import Facts
from authlens_core.login.stage import PlannedRequest, StageResult
from authlens_core.oauth.challenge import ChallengeField, resource_metadata_parameter
from authlens_core.oauth.check import Check, Severity, failed, failures, judged, noticed, passed, warned
from authlens_core.oauth.check_id import CheckId
from authlens_core.oauth.json_document import JsonRefused, load_object
from authlens_core.oauth.resource_metadata import read_metadata_location, well_known_urls
from authlens_core.oauth.resource_request import resource_request
from authlens_core.oauth.url import Url
from authlens_core.trace.record import Fact, Stage
from authlens_core.wire.addresses import is_global
from authlens_core.wire.exchange import Exchange
from authlens_core.wire.limits import RESOURCE
from authlens_core.wire.purpose import Purpose

__all__ = ["DetectionStage"]

_SPEC: Final = "RFC 9728 §5.1"
_NOT_GET: Final = frozenset({405, 406})
# The person may still want to look for metadata: the dead end is ours to suspect, not to know.
_WORTH_A_SECOND_LOOK: Final = frozenset({Protection.PUBLIC, Protection.ACCESS_LOGIN, Protection.NOT_FOUND})


class DetectionStage:
    """Asks for the resource without a credential and reads the refusal."""

    stage = Stage.DETECTION

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:
        """Return a GET, and after a 405 or 406 without a challenge a POST, unless a method was chosen."""
        if not sent:
            method = facts.options.method or "GET"
        elif len(sent) == 1 and facts.options.method is None and _get_is_not_allowed(sent[0]):
            method = "POST"
        else:
            return None
        purpose = Purpose.RESOURCE
        request = resource_request(facts.resource_url, method)
        return PlannedRequest(request, purpose, server_supplied=False, limits=RESOURCE)

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Classify the answer and find where the resource metadata may be."""
        exchange = exchanges[-1]
        answer = classify(exchange)
        method: Literal["GET", "POST"] = "POST" if exchange.request.method == "POST" else "GET"
        new = replace(
            facts,
            answer=answer,
            method=method,
            resource_is_public=_is_public(exchange, facts.resource_url, before=facts.resource_is_public),
        )
        checks = [_protection(answer), *_method_note(exchanges)]
        if answer.protection in _GOES_ON or _approved(facts):
            located, where = _locate_metadata(new, answer, exchange)
            checks.extend(where)
            new = replace(located, challenge_scope=_scope(answer.challenge_field))
        return StageResult(new, tuple(checks), _shown(answer, new))


_GOES_ON: Final = frozenset({Protection.OAUTH, Protection.UNAUTHORIZED_BARE})


def _approved(facts: Facts) -> bool:
    return CheckId.DETECTION_PROTECTION in facts.approved


def _get_is_not_allowed(exchange: Exchange) -> bool:
    response = exchange.response
    return (
        response is not None
        and response.status in _NOT_GET
        and not response.headers.get_all("www-authenticate")
    )


def _is_public(exchange: Exchange, url: Url, *, before: bool) -> bool:
    """Whether the resource answered from a public address.

    Behind a proxy, which resolves the names, a name counts as public: what a server then supplies may not
    lead to this machine, which is never asked through a proxy.
    """
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
    seen = f"{answer.summary} ({'; '.join(answer.evidence)})" if answer.evidence else answer.summary
    if answer.protection in _GOES_ON:
        severity = Severity.PASS if answer.protection is Protection.OAUTH else Severity.WARNING
        return judged(
            severity,
            CheckId.DETECTION_PROTECTION,
            "The resource asks for a bearer token.",
            seen,
            why="The challenge is where OAuth begins: it says what is wanted and where to read on.",
            spec="RFC 6750 §3",
            cure=answer.cure,
        )
    return failed(
        CheckId.DETECTION_PROTECTION,
        "The resource asks for a bearer token.",
        seen,
        why="OAuth can only begin where the resource asks for it.",
        spec="RFC 6750 §3",
        cure=answer.cure,
        overridable=answer.protection in _WORTH_A_SECOND_LOOK,
    )


def _method_note(exchanges: Sequence[Exchange]) -> tuple[Check, ...]:
    if len(exchanges) < 2:
        return ()
    first = exchanges[0].response
    return (
        noticed(
            "detection.method",
            "The resource answers GET.",
            f"GET gave {first.status if first else 'nothing'}, so POST was tried",
            why="MCP servers often take POST only; the access token is then proven with POST too.",
            spec="RFC 9110 §15.5.6",
        ),
    )


def _locate_metadata(facts: Facts, answer: Answer, exchange: Exchange) -> tuple[Facts, tuple[Check, ...]]:
    """Header first, body second, well-known forms last."""
    choice = resource_metadata_parameter(answer.challenge_field)
    if choice.problems:
        return facts, (_unusable("; ".join(choice.problems)),)
    source, value = "WWW-Authenticate", choice.value
    if value is None:
        source, value = "the body of the answer", _from_body(exchange)
    if value is not None:
        location = read_metadata_location(
            value, requested=facts.resource_url, loopback_http=facts.loopback_http
        )
        # A body is easier to slip in than a header field, so there only the same origin counts.
        if source == "WWW-Authenticate" or not failures(location.checks):
            found = () if location.value is None else (location.value,)
            named = passed(
                CheckId.DETECTION_METADATA,
                "The answer says where the resource metadata is.",
                f"named in {source}",
                spec=_SPEC,
            )
            return replace(facts, metadata_candidates=found), (named, *location.checks)
    candidates = _well_known(facts.resource_url, answer)
    guess = warned(
        CheckId.DETECTION_METADATA,
        "The answer says where the resource metadata is.",
        "no resource_metadata in it; the well-known places are tried in order",
        why="A guess may find an old document, or none.",
        spec=_SPEC,
        cure="Ask the owner of the resource to send WWW-Authenticate: Bearer resource_metadata=… with "
        "the 401.",
    )
    return replace(facts, metadata_candidates=candidates, metadata_guessed=True), (guess,)


def _from_body(exchange: Exchange) -> str | None:
    response = exchange.response
    if response is None or response.media_type != "application/json":
        return None
    try:
        value = load_object(response.body.reveal()).get("resource_metadata")
    except JsonRefused:
        return None
    return value if isinstance(value, str) else None


def _well_known(resource: Url, answer: Answer) -> tuple[Url, ...]:
    by_cloudflare = cloudflare_metadata_urls(resource) if answer.cf_ray is not None else ()
    return tuple(dict.fromkeys((*well_known_urls(resource), *by_cloudflare)))


def _unusable(seen: str) -> Check:
    return failed(
        CheckId.DETECTION_METADATA,
        "The answer names one usable metadata URL.",
        seen,
        why="A URL from a server is fetched only if it can mean one thing.",
        spec=_SPEC,
        cure="Ask the owner of the resource to correct its WWW-Authenticate field.",
    )


def _scope(field: ChallengeField) -> str | None:
    """Return the scope that the Bearer challenge names (RFC 6750 §3), if it can be sent back."""
    for challenge in field.challenges:
        scope = challenge.get("scope")
        if challenge.scheme.lower() == "bearer" and scope and _is_scope(scope):
            return scope
    return None


def _is_scope(scope: str) -> bool:
    """RFC 6749 §3.3: printable ASCII without quotes and backslash, single spaces between."""
    allowed = all(0x20 <= ord(c) <= 0x7E and c not in '"\\' for c in scope)
    return allowed and len(scope) <= 2_000


def _shown(answer: Answer, facts: Facts) -> tuple[Fact, ...]:
    shown = [
        Fact("protected by", answer.layer),
        Fact("answer", answer.summary),
        *(Fact("evidence", line) for line in answer.evidence),
        *(Fact("resource_metadata", url.text, _SPEC) for url in facts.metadata_candidates),
    ]
    if answer.cf_ray is not None:
        shown.append(Fact("CF-Ray", answer.cf_ray, "", "quote it when you ask Cloudflare for help"))
    if facts.challenge_scope:
        shown.append(Fact("scope", facts.challenge_scope, "RFC 6750 §3", "asked for by the challenge"))
    return tuple(shown)
