"""Checks of a DPoP proof, as a server makes them (RFC 9449 §4.3). Written apart from the client's side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from authlens_lab.emulator.issued import OAuthRefusal, put, s256
from authlens_lab.emulator.profile import Fault

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator

# Seconds around now in which a proof may have been made.
WINDOW: Final = 300.0


class ProofReplayed(OAuthRefusal):
    """A proof that came before (RFC 9449 §11.1)."""


def proof_key(emulator: Emulator, request: Request, access_token: str = "") -> str:
    """Return the thumbprint of the key that signed the request's proof; empty if there is no proof.

    Args:
        emulator: for the clock, the nonce and the earlier proofs.
        access_token: the token that came along, whose hash the proof has to carry.

    Raises:
        OAuthRefusal: invalid_dpop_proof or use_dpop_nonce.
    """
    proofs = request.headers.getlist("dpop")
    if not proofs:
        return ""
    # RFC 9449 §4.3, 1: two proofs could be of two keys.
    if len(proofs) != 1:
        raise OAuthRefusal("invalid_dpop_proof", "More than one DPoP field")
    key, claims = _verified(proofs[0])
    if claims.get("jti") in emulator.proofs:
        raise ProofReplayed("invalid_dpop_proof", "jti was used before")
    problem = _problem(emulator, request, claims, access_token)
    if problem:
        raise OAuthRefusal("invalid_dpop_proof", problem)
    if emulator.has(Fault.DPOP_NONCE) and claims.get("nonce") != emulator.dpop_nonce:
        raise OAuthRefusal("use_dpop_nonce", "The proof needs the server's nonce")
    # Last, so that a proof that was refused for its nonce does not count as used.
    put(emulator.proofs, claims["jti"], emulator.now())
    return key


def with_nonce(emulator: Emulator, response: Response) -> Response:
    """Return the response with the nonce for the next proof, where the server wants one (RFC 9449 §8)."""
    if emulator.has(Fault.DPOP_NONCE):
        response.headers["dpop-nonce"] = emulator.dpop_nonce
    return response


def _verified(proof: str) -> tuple[str, dict[str, Any]]:
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey

    try:
        header = jws.extract_compact(proof.encode()).headers()
        # A private key in a header is given away to everyone who sees the request (RFC 9449 §4.3, 7).
        if header["typ"] != "dpop+jwt" or header["alg"] != "ES256" or "d" in header["jwk"]:
            raise OAuthRefusal("invalid_dpop_proof", "typ, alg or jwk of the proof is wrong")
        key = ECKey.import_key(header["jwk"])
        claims = json.loads(jws.deserialize_compact(proof, key, algorithms=["ES256"]).payload)
        return key.thumbprint(), dict(claims)
    except (JoseError, ValueError, KeyError, TypeError, IndexError):
        raise OAuthRefusal("invalid_dpop_proof", "The proof is malformed or its signature is wrong") from None


def _problem(emulator: Emulator, request: Request, claims: dict[str, Any], access_token: str) -> str:
    issued, jti, htu = claims.get("iat"), claims.get("jti"), claims.get("htu")
    here = urlsplit(str(request.url))
    if not isinstance(issued, int) or abs(issued - emulator.now()) > WINDOW:
        return "iat is not now"
    if not isinstance(jti, str) or not jti:
        return "jti is missing"
    if claims.get("htm") != request.method:
        return "htm is not the method"
    # Clients that sign the query are refused, as §4.2 has it.
    if htu != here._replace(query="", fragment="").geturl():
        return "htu is not the URL"
    if access_token and claims.get("ath") != s256(access_token):
        return "ath is not the hash of the token"
    return ""
