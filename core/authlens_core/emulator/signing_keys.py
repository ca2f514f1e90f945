"""The team's signing keys: two RS256 keys, of which the newer one signs (RFC 7515, 7517)."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

ALGORITHM: Final = "RS256"
KEY_BITS: Final = 2048  # RFC 7518 §3.3: the least for RS256


def new_key() -> RSAKey:
    """Return a key that no other emulator has."""
    from joserfc.jwk import RSAKey

    parameters: Any = {"kid": secrets.token_hex(32), "use": "sig", "alg": ALGORITHM}
    return RSAKey.generate_key(KEY_BITS, parameters, private=True)


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
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"}, claims, key)

    async def verify(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token that one of the two keys signed, or None; times are not checked."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        keys = KeySet(list(await self._at_least(1)))
        try:
            # Named, so that a token does not choose how it is checked (RFC 8725 §3.1).
            return dict(jwt.decode(token, keys, algorithms=[ALGORITHM]).claims)
        except (JoseError, ValueError):
            return None

    async def public(self) -> list[dict[str, Any]]:
        """Return the public keys as JWKs, the signing one first."""
        return [dict(key.as_dict(private=False)) for key in await self._at_least(2)]

    async def rotate(self) -> None:
        """Sign with a new key from now on; the previous one still verifies, the one before it does not."""
        keys = await self._at_least(1)
        fresh = await asyncio.to_thread(new_key)
        # Access keeps the previous key published, so tokens that it signed stay valid until they expire.
        self._keys = [fresh, keys[0]]
