"""The profiles other than access, over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx
import pytest

from authlens_core.oauth.dpop import DpopKey, DpopNonces, make_dpop_key, make_jti, with_proof
from authlens_core.oauth.token import authorization_field
from authlens_core.values.exchange import Headers, Request
from authlens_core.values.secret import Secret
from authlens_lab.emulator import Profile
from support.emulated_access import Program, program_at


async def proved(program: Program, key: DpopKey, nonces: DpopNonces, **form: str) -> httpx.Response:
    """Ask for tokens with a proof."""
    url = program.endpoint("token")
    plain = Request("POST", url, Headers.of([("Content-Type", "application/x-www-form-urlencoded")]))
    sent = with_proof(plain, key, nonces, now=datetime.now(UTC), jti=make_jti())
    body = urlencode({"client_id": program.client_id, **form})
    return await program.http.post(url, content=body, headers=list(sent.headers.fields))


async def test_a_document_of_another_client_id_is_refused() -> None:
    async with program_at(profile=Profile.GENERIC) as program:
        program.client_id = program.emulator.example_client + "?other"
        assert (await program.refresh("")).json()["error"] == "invalid_client"


@pytest.mark.parametrize("fault", ["dpop-required", "dpop-nonce"])
async def test_dpop_binds_the_token_to_the_key(fault: str) -> None:
    """RFC 9449 §5, §7.1, §8: our own proofs, judged by code that was written apart from them."""
    async with program_at(fault, profile=Profile.GENERIC) as program:
        key, nonces = make_dpop_key(), DpopNonces()
        refused = await program.token(code=(await program.callback())["code"])
        assert refused.json()["error"] == "invalid_dpop_proof"
        form = {
            "grant_type": "authorization_code",
            "redirect_uri": program.redirect_uri,
            "code_verifier": program.verifier,
            "code": (await program.callback())["code"],
        }
        answer = await proved(program, key, nonces, **form)
        if fault == "dpop-nonce":
            assert answer.json()["error"] == "use_dpop_nonce"
            nonces = DpopNonces({program.emulator.issuer: answer.headers["dpop-nonce"]})
            answer = await proved(program, key, nonces, **form)
        tokens = answer.json()
        assert tokens["token_type"] == "DPoP"
        token, resource = tokens["access_token"], program.emulator.resource_url
        assert (await program.open(token)).status_code == 401, "as a bearer token it is worthless"
        nonces = DpopNonces({f"resource {resource.rstrip('/')}": answer.headers.get("dpop-nonce", "")})
        for holder, status in ((make_dpop_key(), 401), (key, 200)):
            field = authorization_field("DPoP", Secret(token))
            plain = Request("GET", resource, Headers.of([field]))
            sent = with_proof(plain, holder, nonces, now=datetime.now(UTC), jti=make_jti())
            fields = list(sent.headers.fields)
            assert (await program.http.get(resource, headers=fields)).status_code == status
        assert (await program.http.get(resource, headers=fields)).status_code == 401, "replay"


async def test_after_a_move_the_resource_names_another_issuer_that_knows_no_old_client() -> None:
    async with program_at(profile=Profile.GENERIC) as program:
        tokens, before = await program.log_in(), program.emulator.issuer
        program.emulator.move_authorization_server()
        assert program.emulator.issuer != before
        assert (await program.metadata())["issuer"] == program.emulator.issuer
        assert (await program.open(tokens["access_token"])).status_code == 401
        assert (await program.refresh("")).json()["error"] == "invalid_client"
        program.client_id = ""
        assert (await program.open((await program.log_in())["access_token"])).status_code == 200
