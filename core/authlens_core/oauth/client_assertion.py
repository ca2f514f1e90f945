"""A client that proves who it is by a signature instead of a secret (RFC 7523 §2.2, `private_key_jwt`).

joserfc signs; who is asserted to whom, and for how long, is decided here.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.dpop import make_jti
from authlens_core.values.secret import Secret
from authlens_core.values.stage import Need
from authlens_core.values.url import Url

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OKPKey, RSAKey

# Long enough for a clock that is a little off; a server may refuse more than a few minutes.
_LIFE: Final = timedelta(minutes=2)
_BY_CURVE: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
_SHORTEST_RSA: Final = 2_048  # bits (RFC 7518 §3.3)


class BadClientKey(ValueError):
    """The text is no private key that can sign; the message does not repeat it."""


def signed(client: Client, issuer: str, token_endpoint: Url, *, now: datetime) -> Client:
    """Return `client` with a fresh assertion for its server; one without a key stays as it is.

    RFC 7523 §3 names the token endpoint as an example of an audience; its revision allows the issuer only.

    Args:
        now: an aware time.

    Raises:
        BadClientKey: its key cannot sign.
    """
    from joserfc import jws

    if client.client_key is None:
        return client
    key, algorithm, key_id = _loaded(client.client_key)
    issued_at = int(now.timestamp())
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": token_endpoint.text if Need.ENDPOINT_AUDIENCE in client.needs else issuer,
        "jti": make_jti(),
        "iat": issued_at,
        "exp": issued_at + int(_LIFE.total_seconds()),
    }
    header = {"typ": "JWT", "alg": algorithm, **({"kid": key_id} if key_id else {})}
    text = jws.serialize_compact(header, json.dumps(claims), key, algorithms=[algorithm])
    return replace(client, assertion=Secret(text))


def require_client_key(text: Secret) -> None:
    """Refuse what is not a private key, in PEM or as a JWK.

    Raises:
        BadClientKey: it is not.
    """
    _loaded(text)


def _loaded(text: Secret) -> tuple[ECKey | OKPKey | RSAKey, str, str | None]:
    """Return the key, the algorithm that it signs with, and its name."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    source = text.reveal().strip()
    try:
        members = json.loads(source) if source.startswith("{") else {}
        if members:
            kinds: dict[object, type[ECKey | OKPKey | RSAKey]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}
            key = kinds[members.get("kty")].import_key(members)
        else:
            key = _from_pem(source)
    # joserfc and cryptography raise whatever Python does for what they did not expect.
    except (JoseError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise BadClientKey("it is no unencrypted private key in PEM or as a JWK") from None
    if not key.is_private:
        raise BadClientKey("it is a public key; the private one signs")
    stated, key_id = members.get("alg"), members.get("kid")
    if isinstance(key, RSAKey):
        algorithm = stated if stated in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512") else "RS256"
        if key.raw_value.key_size < _SHORTEST_RSA:
            raise BadClientKey(f"an RSA key has at least {_SHORTEST_RSA} bits")
    else:
        algorithm = _BY_CURVE.get(key.curve_name, "")
    if not algorithm:
        raise BadClientKey("its curve is none of P-256, P-384, P-521 and Ed25519")
    return key, algorithm, key_id if isinstance(key_id, str) else None


def _from_pem(source: str) -> ECKey | OKPKey | RSAKey:
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    for kind in (ECKey, RSAKey, OKPKey):
        try:
            key = kind.import_key(source)
            _ = key.is_private
        except (ValueError, TypeError, AttributeError):
            continue
        return key
    raise ValueError("no key")
