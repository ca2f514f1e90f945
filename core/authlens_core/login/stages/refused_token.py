"""Why a resource refuses a token that is new, as far as the token and the refusal say.

The token is read and not believed (RFC 9068 §2.2): the questions are what its issuer wrote, and whom to ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from authlens_core.diagnosis.answer import Answer
from authlens_core.login.facts import Facts
from authlens_core.oauth.discovery.resource_metadata import covers_url, same_resource
from authlens_core.oauth.error_response import read_error
from authlens_core.oauth.formats.duration import http_date
from authlens_core.values.check import Check, CheckId, requirement
from authlens_core.values.exchange import Exchange
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.formats.jwt import moment, parse_jwt

_UNAUTHORIZED: Final = 401
_REFUSED: Final = frozenset({_UNAUTHORIZED, 403})
_PROOF: Final = ("dpop", "proof of possession", "proof-of-possession")


def refused_token_checks(facts: Facts, exchange: Exchange, answer: Answer) -> Iterator[Check]:
    """Yield what is wrong with a token that the resource refused in `exchange`."""
    response = exchange.response
    if response is None or response.status not in _REFUSED or facts.tokens is None:
        return
    token = parse_jwt(facts.tokens.access_token)
    claims = (None if token is None else token.claims) or {}
    now = http_date(response.headers.get("date") or "") or exchange.started_at
    refusal = f"{' '.join(answer.evidence)} {read_error(response)}".lower()
    wants_proof = not facts.needs_dpop and any(word in refusal for word in _PROOF)
    problems = (*_lifetime(facts, claims, now), *_audience(facts, claims), *_issuer(facts, claims))
    yield from problems
    if wants_proof:
        yield requirement(CheckId.ACCESS_PROOF).failed("a bearer token was sent")
    elif claims and not problems and response.status == _UNAUTHORIZED:
        asked = facts.resource or facts.resource_url.text
        yield requirement(CheckId.ACCESS_UNEXPLAINED).failed(f"its aud is {asked}, and it is valid now")


def _lifetime(facts: Facts, claims: Mapping[str, JsonValue], now: datetime) -> Iterator[Check]:
    """Yield that the token was expired, or not valid yet, when the resource got it."""
    check = requirement(CheckId.ACCESS_LIFETIME, server=facts.server.issuer)
    expires, begins = moment(claims.get("exp")), moment(claims.get("nbf"))
    at = f"the resource got it at {now:%Y-%m-%d %H:%M:%S} UTC"
    if expires is not None and expires <= now:
        yield check.failed(f"exp is {expires:%Y-%m-%d %H:%M:%S} UTC; {at}")
    elif begins is not None and begins > now:
        yield check.failed(f"nbf is {begins:%Y-%m-%d %H:%M:%S} UTC; {at}")


def _audience(facts: Facts, claims: Mapping[str, JsonValue]) -> Iterator[Check]:
    """Yield that the token is for another resource than the one that refused it (RFC 9068 §4)."""
    aud, wanted = claims.get("aud"), facts.resource or facts.resource_url.text
    audiences = [name for name in (aud if isinstance(aud, list) else [aud]) if isinstance(name, str)]
    fits = any(same_resource(name, wanted) or covers_url(name, wanted) for name in audiences)
    if not claims or fits or facts.options.audience in audiences:
        return
    stated = f"aud is {', '.join(audiences)}" if audiences else "no aud"
    check = requirement(CheckId.ACCESS_AUDIENCE, resource=wanted, server=facts.server.issuer)
    yield check.failed(f"{stated}; this login asked for {wanted}")


def _issuer(facts: Facts, claims: Mapping[str, JsonValue]) -> Iterator[Check]:
    """Yield that the token names another issuer than the metadata of the server that issued it."""
    issuer, stated = claims.get("iss"), facts.server.stated_issuer
    if isinstance(issuer, str) and stated and issuer != stated:
        check = requirement(CheckId.ACCESS_ISSUER, issuer=stated, server=facts.server.issuer)
        yield check.failed(f"iss is {issuer}; the metadata of the server says {stated}")
