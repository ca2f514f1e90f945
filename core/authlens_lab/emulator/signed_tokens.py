"""The signed tokens of an emulator: its own keys (RFC 7515, 7517), and the assertions that clients send.

An assertion is a JWT that speaks for a client or for a subject; its checks are those of RFC 7523 §3.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from authlens_lab.emulator.issued import OAuthRefusal, put

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

RSA_ALGORITHM: Final = "RS256"
KEY_BITS: Final = 2048  # RFC 7518 §3.3: the least for RS256
CLIENT_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHM: Final = "ES256"
LONGEST_LIFE: Final = 3600.0  # seconds; §3 lets a server refuse an `exp` that is unreasonably far away
SKEW: Final = 30.0  # seconds that clocks may differ
Jwk = Mapping[str, Any]


def new_key() -> RSAKey:
    """Return a key that no other emulator has."""
    from joserfc.jwk import RSAKey

    parameters: Any = {"kid": secrets.token_hex(32), "use": "sig", "alg": RSA_ALGORITHM}
    return RSAKey.generate_key(KEY_BITS, parameters, private=True)


def new_ec_key() -> Jwk:
    from joserfc.jwk import ECKey

    return dict(ECKey.generate_key("P-256", private=True).as_dict(private=True))


def private_pem(key: Jwk) -> str:
    from joserfc.jwk import ECKey

    return ECKey.import_key(dict(key)).as_pem(private=True).decode()


class SigningKeys:
    """Two keys, each made at its first use because that takes a moment; both verify, the first one signs."""

    def __init__(self) -> None:
        self._keys: list[RSAKey] = []
        self._making = asyncio.Lock()

    async def _at_least(self, count: int) -> list[RSAKey]:
        # Two requests at once would make more keys than that.
        async with self._making:
            while len(self._keys) < count:
                self._keys.append(await asyncio.to_thread(new_key))
        return self._keys

    async def sign(self, claims: dict[str, Any]) -> str:
        """Return `claims` as a compact JWS, signed with the newer key."""
        from joserfc import jwt

        key = (await self._at_least(1))[0]
        return jwt.encode({"alg": RSA_ALGORITHM, "kid": key.kid, "typ": "JWT"}, claims, key)

    async def verify(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token that one of the two keys signed, or None; times are not checked."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        keys = KeySet(list(await self._at_least(1)))
        try:
            # Named, so that a token does not choose how it is checked (RFC 8725 §3.1).
            return dict(jwt.decode(token, keys, algorithms=[RSA_ALGORITHM]).claims)
        except (JoseError, ValueError):
            return None

    async def public(self) -> list[dict[str, Any]]:
        """Return the public keys as JWKs, the signing one first."""
        return [dict(key.as_dict(private=False)) for key in await self._at_least(2)]

    async def rotate(self) -> None:
        """Sign with a new key from now on; the previous one still verifies, the one before it does not."""
        keys = await self._at_least(1)
        # Access keeps the previous key published, so tokens that it signed stay valid until they expire.
        self._keys = [await asyncio.to_thread(new_key), keys[0]]


def unverified(assertion: str, error: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a JWT whose signature is not checked yet, to find the key that it needs.

    Raises:
        OAuthRefusal: `error`; it is no JWT.
    """
    from joserfc import jws
    from joserfc.errors import JoseError

    try:
        token = jws.extract_compact(assertion.encode())
        return dict(token.headers()), dict(json.loads(token.payload))
    except (JoseError, ValueError, TypeError, RecursionError):
        raise OAuthRefusal(error, "The assertion is not a JWT") from None


def signed(claims: Mapping[str, Any], key: Jwk, *, typ: str = "JWT") -> str:
    """Return `claims` as a compact JWS, signed with a private key."""
    from joserfc import jwt
    from joserfc.jwk import ECKey

    ec = ECKey.import_key(dict(key))
    return jwt.encode({"alg": ALGORITHM, "typ": typ, "kid": ec.thumbprint()}, dict(claims), ec)


class Assertions:
    """Judges assertions, and remembers the `jti` of those that were accepted.

    Args:
        clock: the time in seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._accepted: dict[str, float] = {}

    def accepted(
        self, assertion: str, key: Jwk | None, audiences: Collection[str], *, error: str, status: int = 400
    ) -> dict[str, Any]:
        """Return the claims of an assertion that `key` signed for one of `audiences`.

        Raises:
            OAuthRefusal: `error`, saying which of the checks failed.
        """
        from joserfc import jws
        from joserfc.errors import JoseError
        from joserfc.jwk import ECKey

        _, claims = unverified(assertion, error)
        try:
            if key is None:
                raise ValueError
            # Named, so that a token does not choose how it is checked (RFC 8725 §3.1).
            jws.deserialize_compact(assertion, ECKey.import_key(dict(key)), algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            raise OAuthRefusal(error, "The key of the assertion is unknown", status) from None
        problem = self._problem(claims, audiences)
        if problem:
            raise OAuthRefusal(error, problem, status)
        if "jti" in claims:
            put(self._accepted, f"{claims['iss']} {claims['jti']}", self._clock())
        return claims

    def _problem(self, claims: Mapping[str, Any], audiences: Collection[str]) -> str:
        now, expires, audience = self._clock(), claims.get("exp"), claims.get("aud")
        # aud is a string or an array of strings (RFC 7519 §4.1.3).
        names = audience if isinstance(audience, list) else [audience]
        if not all(isinstance(claims.get(name), str) for name in ("iss", "sub")):
            return "iss or sub of the assertion is missing"
        if not any(name in audiences for name in names):
            return "aud of the assertion is another server"
        if not isinstance(expires, int | float) or expires <= now - SKEW:
            return "The assertion has expired"
        if expires > now + LONGEST_LIFE + SKEW:
            return "exp of the assertion is too far away"
        # §3 leaves it to the server; one that does not look accepts a stolen assertion until it expires.
        if f"{claims['iss']} {claims.get('jti')}" in self._accepted:
            return "jti of the assertion was used before"
        return ""
