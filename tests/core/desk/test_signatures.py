"""A token's signature is held against keys of the server that is trusted, fetched as a recorded exchange."""

import json
from datetime import UTC, datetime
from typing import cast

import pytest

from authlens_core.desk.signatures import check_signatures, key_source, trusted_issuer
from authlens_core.explain.message import MessageJwt, jwts_in
from authlens_core.oauth.jwks import Signature
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.exchange import Exchange, Headers, Request, Response
from authlens_core.values.formats.jwt import Jwt
from authlens_core.values.secret import Body, Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator


def token(issuer: str | None) -> Jwt:
    claims = {"iss": issuer} if issuer is not None else {}
    return Jwt({"alg": "RS256"}, claims, Body(b"a.b"), Body(b"c"))


def record_of(
    stage: Stage, url: str, answer: Response | None = None, outcome: Outcome = Outcome.PASSED
) -> StageRecord:
    moment = datetime.now(UTC)
    exchange = Exchange(Request("GET", url), answer, None, moment, 0.1)
    return StageRecord(stage, outcome, moment, 0.1, (exchange,))


def server_metadata(issuer: str, jwks_uri: str, outcome: Outcome = Outcome.PASSED) -> StageRecord:
    body = Body(json.dumps({"issuer": issuer, "jwks_uri": jwks_uri}).encode())
    return record_of(Stage.SERVER_METADATA, issuer, Response(200, "OK", body=body), outcome)


async def meta_token(wire: Wire, emulator: Emulator) -> MessageJwt:
    exchange = await wire.send(Request("GET", emulator.resource_url, Headers()), loopback_http=True)
    assert exchange.response is not None
    return jwts_in(exchange.response)[0]


async def test_the_meta_token_of_the_redirect_verifies_at_the_team() -> None:
    """Access signs it with the keys that its team publishes."""
    async with Emulator(faults=("oauth-off",)) as emulator:
        wire = Wire()
        try:
            found = await meta_token(wire, emulator)
            asked = record_of(Stage.DETECTION, emulator.resource_url)
            verdicts, exchanges = await check_signatures(
                wire, {found.token: found.jwt}, asked, [asked], issuer=emulator.server_url
            )
            assert found.where == "location: meta"
            assert verdicts[found.token].signature is Signature.VALID, verdicts[found.token].reason
            assert emulator.server_url in verdicts[found.token].reason
            assert [e.request.url for e in exchanges] == [f"{emulator.server_url}/cdn-cgi/access/certs"]
        finally:
            await wire.aclose()


async def test_a_team_that_only_the_token_names_is_pointed_out() -> None:
    """Anybody can have a team, and sign with its keys."""
    async with Emulator(faults=("oauth-off",)) as emulator:
        wire = Wire()
        try:
            found = await meta_token(wire, emulator)
            jwt = Jwt(
                {**found.jwt.header}, {"iss": emulator.server_url}, found.jwt.signed, found.jwt.signature
            )
            asked = record_of(Stage.DETECTION, emulator.resource_url)
            verdicts, _ = await check_signatures(wire, {found.token: jwt}, asked, [asked])
            assert verdicts[found.token].signature is Signature.VALID
            assert "check that it is yours" in verdicts[found.token].notes[-1]
        finally:
            await wire.aclose()


async def test_a_key_set_is_fetched_once_for_all_tokens() -> None:
    """Two tokens of one server cost one request, and each has its own verdict."""
    async with Emulator(faults=("oauth-off",)) as emulator:
        wire = Wire()
        try:
            found = await meta_token(wire, emulator)
            forged = Jwt(found.jwt.header, {}, Body(b"a.b"), found.jwt.signature)
            asked = record_of(Stage.DETECTION, emulator.resource_url)
            tokens = {found.token: found.jwt, Secret("forged"): forged}
            verdicts, exchanges = await check_signatures(
                wire, tokens, asked, [asked], issuer=emulator.server_url
            )
            assert [one.signature for one in verdicts.values()] == [Signature.VALID, Signature.INVALID]
            assert len(exchanges) == 1
        finally:
            await wire.aclose()


async def test_a_server_without_keys_says_so() -> None:
    async with Emulator() as emulator:
        wire = Wire()
        try:
            story = [server_metadata(emulator.server_url, f"{emulator.server_url}/nothing-here")]
            verdicts, _ = await check_signatures(wire, {Secret("t"): token(None)}, story[0], story)
            assert verdicts[Secret("t")].signature is Signature.NOT_CHECKED
            assert "404" in verdicts[Secret("t")].reason
        finally:
            await wire.aclose()


async def test_without_a_place_nothing_is_sent() -> None:
    """No guess is made where keys might be."""
    asked = record_of(Stage.DETECTION, "https://r.example/")
    verdicts, exchanges = await check_signatures(
        cast("Wire", None), {Secret("t"): token(None)}, asked, [asked]
    )
    assert exchanges == ()
    assert verdicts[Secret("t")].signature is Signature.NOT_CHECKED


@pytest.mark.parametrize(
    ("issuer", "jwks_uri", "named", "url"),
    [
        ("https://as.example", "https://as.example/keys", "https://evil.example", "https://as.example/keys"),
        ("https://t.cloudflareaccess.com", None, None, "https://t.cloudflareaccess.com/cdn-cgi/access/certs"),
        (None, None, "https://t.cloudflareaccess.com", "https://t.cloudflareaccess.com/cdn-cgi/access/certs"),
        (None, None, "https://evilcloudflareaccess.com", None),
        (None, None, "https://evil.example", None),
        (None, None, "http://127.0.0.1:9", None),
        ("https://as.example", "http://as.example/keys", None, None),
        ("https://as.example", None, "https://evil.example", None),
        ("https://as.example", None, "https://t.cloudflareaccess.com", None),
    ],
)
def test_keys_come_from_the_trusted_server(
    issuer: str | None, jwks_uri: str | None, named: str | None, url: str | None
) -> None:
    """RFC 8725 §3.10: what a token says of its keys is its sender's word."""
    source = key_source(token(named), issuer=issuer, jwks_uri=jwks_uri)
    assert (source.url.text if source is not None else None) == url


@pytest.mark.parametrize(("outcome", "trusted"), [(Outcome.PASSED, True), (Outcome.FAILED, False)])
def test_only_accepted_server_metadata_names_the_trusted_issuer(outcome: Outcome, trusted: bool) -> None:
    """A refused document names no keys to trust."""
    issuer, jwks_uri = "https://as.example", "https://as.example/keys"
    record = server_metadata(issuer, jwks_uri, outcome)
    assert trusted_issuer([record]) == ((issuer, jwks_uri) if trusted else (None, None))
