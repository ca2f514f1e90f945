"""Where the resource metadata may be: header first, body second, well-known places last (RFC 9728 §3, §5).

A redirect to Access's login page may name it, too. It looks the same whether Managed OAuth is off or the
request merely looked like a browser's; the metadata, which the edge serves without a login, lists `oauth`
among its methods only where it is on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from authlens_core.cloudflare.team import cloudflare_metadata_urls
from authlens_core.diagnosis.answer import Answer
from authlens_core.diagnosis.protection import MANAGED_OAUTH, Protection, note_on
from authlens_core.login.facts import Facts
from authlens_core.oauth.discovery.challenge import resource_metadata_parameter
from authlens_core.oauth.discovery.resource_metadata import read_metadata_location, well_known_urls
from authlens_core.values.check import (
    Check,
    CheckId,
    Diagnosis,
    Layer,
    failures,
    requirement,
)
from authlens_core.values.exchange import JSON_TYPE, Exchange, Response
from authlens_core.values.fix import WayOn, fix, other_ways, step
from authlens_core.values.formats.json_document import object_in
from authlens_core.values.url import Url

_SPEC: Final = "RFC 9728 §5.1"
_ASKED_FOR: Final = requirement(CheckId.DETECTION_PROTECTION, "detection.protection_beside_login")
_OTHERWISE: Final = fix(
    step("Until it is on, log in with cloudflared", "authlens login URL --cloudflared"),
    ways=(WayOn.SERVICE_TOKEN,),
)


def locate_metadata(facts: Facts, answer: Answer, exchange: Exchange) -> tuple[Facts, tuple[Check, ...]]:
    """Return the facts with the candidates, and what was checked about them."""
    choice = resource_metadata_parameter(answer.challenge_field)
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
            named = requirement(CheckId.DETECTION_METADATA).passed(
                "named in WWW-Authenticate" if in_header else "named in the body of the answer"
            )
            return replace(facts, metadata_candidates=named_there), (named, *location.checks)
    candidates = well_known(facts.resource_url, answer)
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


def well_known(resource: Url, answer: Answer) -> tuple[Url, ...]:
    """Return the places of the specification, and those of Cloudflare if it answered."""
    by_cloudflare = cloudflare_metadata_urls(resource) if answer.cf_ray is not None else ()
    return tuple(dict.fromkeys((*well_known_urls(resource), *by_cloudflare)))


def unusable_location(checks: Sequence[Check], answer: Answer, approved: Collection[str]) -> Diagnosis | None:
    """Return why the named metadata is not fetched; None if it is, or if nothing was named."""
    failing = failures(checks, approved)
    if not failing:
        return None
    check = failing[0]
    cause = f"Expected: {check.expected.rstrip('.')}. Seen: {check.seen}"
    cure = fix(check.cure, ways=other_ways(note_on(answer.protection).cure))
    return Diagnosis("metadata_location", cause, cure, answer.evidence, check.spec, cf_ray=answer.cf_ray)


def metadata_beside_login(facts: Facts, answer: Answer) -> Url | None:
    """Return the metadata URL that a redirect to a login page names, if it is on the resource's origin."""
    if answer.protection is not Protection.ACCESS_LOGIN:
        return None
    value = resource_metadata_parameter(answer.challenge_field).value
    if value is None:
        return None
    location = read_metadata_location(value, requested=facts.resource_url, loopback_http=facts.loopback_http)
    return None if failures(location.checks) else location.value


def judge_login_page(answer: Answer, documents: Sequence[Exchange]) -> tuple[Check, Diagnosis | None]:
    """Return the check for a redirect to a login page, and its diagnosis unless the answer alone gives it."""
    methods = _methods(documents[-1].response) if documents else None
    evidence = "; ".join(answer.evidence)
    if methods is not None and "oauth" in methods:
        seen = f"{answer.summary} But its metadata lists oauth: Managed OAuth is on. ({evidence})"
        go_on = "Continue: the login goes by the metadata."
        diagnosis = Diagnosis("login_possible", seen, go_on, answer.evidence, _SPEC, Layer.ACCESS)
        return _ASKED_FOR.warned(seen), diagnosis
    if methods is not None:
        seen = f"{answer.summary} Managed OAuth is off for this application. ({evidence})"
        cure = fix(f"Ask the owner to turn it on: {MANAGED_OAUTH}.", _OTHERWISE)
        return _ASKED_FOR.failed(seen, cure=cure, overridable=True), None
    cause = f"{answer.summary} Its metadata does not say whether Managed OAuth is on."
    cure = fix(f"Ask the owner whether it is on: {MANAGED_OAUTH}.", _OTHERWISE)
    diagnosis = Diagnosis("login_page", cause, cure, answer.evidence, _SPEC, Layer.ACCESS, answer.cf_ray)
    return _ASKED_FOR.failed(f"{cause} ({evidence})", cure=cure, overridable=True), diagnosis


def _methods(response: Response | None) -> frozenset[str] | None:
    """Return the names in `authentication_methods`, or None if the document does not list them."""
    if response is None or response.status != 200:
        return None
    listed = object_in(response.body.reveal()).get("authentication_methods")
    if not isinstance(listed, list):
        return None
    names = (entry.get("name") for entry in listed if isinstance(entry, dict))
    return frozenset(name for name in names if isinstance(name, str))
