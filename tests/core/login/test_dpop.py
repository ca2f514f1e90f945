"""Bound tokens in a login: when they are asked for, and what each request carries (RFC 9449)."""

import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.stages.detection_stage import DetectionStage
from authlens_core.oauth.discovery.resource_metadata import ResourceMetadata
from authlens_core.trace.record import Stage, Trace
from authlens_core.values.exchange import Exchange
from authlens_core.values.login_options import Options
from authlens_core.values.url import parse_url
from authlens_lab.emulator import Emulator, Profile
from support.driven_login import log_in, record_of
from support.scripted_login import RESOURCE, exchange, reply


def facts_after(*challenges: str, document: dict[str, Any] | None = None) -> Facts:
    """Return what is known after a refusal with these challenges."""
    answer = reply(401, None, *(("WWW-Authenticate", field) for field in challenges))
    known = DetectionStage().learn(Facts(parse_url(RESOURCE)), [exchange(answer)]).facts
    metadata = ResourceMetadata(RESOURCE, ("https://as.example",), None, document or {})
    return replace(known, resource_metadata=metadata)


@pytest.mark.parametrize(
    ("challenges", "document", "needed"),
    [
        (("Bearer",), {}, False),
        (("DPoP",), {}, True),
        (("Bearer", "DPoP algs=ES256"), {}, False),
        (("Bearer",), {"dpop_bound_access_tokens_required": True}, True),
        (("Bearer",), {"dpop_bound_access_tokens_required": "true"}, False),
        (("Bearer",), {"dpop_signing_alg_values_supported": ["ES256"]}, False),
    ],
)
def test_bound_tokens_are_asked_for_where_the_resource_requires_them(
    challenges: tuple[str, ...], document: dict[str, Any], needed: bool
) -> None:
    """DP-1: a resource that takes both gets a bearer token, which every program can use."""
    facts = facts_after(*challenges, document=document)
    assert facts.needs_dpop is needed
    assert replace(facts, options=Options(dpop=True)).needs_dpop


def proofs(exchanges: tuple[Exchange, ...]) -> list[dict[str, Any]]:
    """Return the claims of the proofs, each verified with the key in its header."""
    found = []
    for one in exchanges:
        for proof in one.request.headers.get_all("dpop"):
            header = jws.extract_compact(proof.encode()).headers()
            key = ECKey.import_key(header["jwk"])
            found.append(json.loads(jws.deserialize_compact(proof, key, ["ES256"]).payload))
    return found


async def bound_login(*faults: str) -> Trace:
    """Log in at a server that issues bound tokens only."""
    async with Emulator(Profile.GENERIC, faults=faults) as emulator:
        return await log_in(emulator)


async def test_the_token_and_the_resource_request_are_signed_with_one_key() -> None:
    """DP-2, DP-3."""
    trace = await bound_login("dpop-required")
    exchange, access = trace.latest(Stage.EXCHANGE), trace.latest(Stage.ACCESS)
    assert exchange is not None
    assert access is not None
    (token_proof,), (resource_proof,) = proofs(exchange.exchanges), proofs(access.exchanges)
    assert token_proof["htu"].endswith("/token")
    assert "ath" not in token_proof
    assert "ath" in resource_proof
    assert token_proof["jti"] != resource_proof["jti"]
    assert (access.exchanges[-1].request.headers.get("authorization") or "").startswith("DPoP ")


async def test_a_nonce_that_the_server_asks_for_is_sent_once_and_both_requests_are_shown() -> None:
    """DP-5: the code is not used up by the refusal."""
    trace = await bound_login("dpop-nonce")
    exchange = record_of(trace, Stage.EXCHANGE)
    assert [e.response.status for e in exchange.exchanges if e.response] == [400, 200]
    refused, accepted = proofs(exchange.exchanges)
    assert "nonce" not in refused
    assert accepted["nonce"]
    assert exchange.failures == ()
