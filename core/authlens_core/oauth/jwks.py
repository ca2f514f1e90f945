"""Whether a JSON Web Token is signed by a key of a set (RFC 7515 §5.2, RFC 7517, RFC 8725).

The algorithm is decided by the key as much as by the token: a token that could choose freely would choose
`none`, or take the public key for a shared secret. Keys that a token brings along (`jwk`, `jku`, `x5u`) are
never used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from authlens_core.oauth.http_message import JSON_TYPE, Headers, Request
from authlens_core.oauth.json_document import JsonRefused, JsonValue, load_object
from authlens_core.oauth.jwt import Jwt, decoded_base64url, moment
from authlens_core.oauth.url import Url
from authlens_core.safe_text import NAME, safe_line
from authlens_core.secret import Body

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

__all__ = ["ALGORITHMS", "Signature", "Verification", "jwks_request", "verify"]

_Key: TypeAlias = Mapping[str, JsonValue]

ALGORITHMS: Final[Mapping[str, tuple[str, str]]] = {
    "RS256": ("RSA", ""),
    "PS256": ("RSA", ""),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""What is verified, and the type and curve of key that it takes (RFC 7518 §3.1, RFC 8037, RFC 9864)."""

_MAX_KEYS: Final = 32
_MAX_TRIED: Final = 8
_RSA_BYTES: Final = range(256, 1025)  # 2,048 bits are the least (RFC 7518 §3.3); 8,192 keep the work bounded
_MAX_EXPONENT: Final = 5  # bytes
_EC_BYTES: Final = {"P-256": 32, "P-384": 48}


class Signature(StrEnum):
    """What came of looking at the signature."""

    VALID = "valid"
    INVALID = "invalid"
    NO_KEY = "no key"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Verification:
    """The result for one token and one set of keys. Every text is safe to show.

    Attributes:
        signature: the result.
        reason: the same in a sentence.
        key_id: the `kid` of the key that fits, or the one that was looked for.
        notes: what else a receiver must look at, such as a token that has ended (RFC 7519 §4.1).
    """

    signature: Signature
    reason: str
    key_id: str | None = None
    notes: tuple[str, ...] = ()


def jwks_request(url: Url) -> Request:
    """Return the request for a set of keys at `url`, a `jwks_uri` or Access's `/cdn-cgi/access/certs`."""
    return Request("GET", url.text, Headers.of([("Accept", f"application/jwk-set+json, {JSON_TYPE}")]))


def verify(jwt: Jwt, jwks: Body, now: datetime) -> Verification:
    """Return whether a key in `jwks` signed `jwt`; never raises.

    Only keys of the token's `kid` are tried where it names one, and only those whose type, curve, `alg`,
    `use` and `key_ops` fit its `alg`; at most 32 keys are read and 8 tried.

    Args:
        jwt: the token.
        jwks: the bytes of the key set, from a place that the caller trusts.
        now: an aware time, for the notes on `exp` and `nbf`.
    """
    kid = safe_line(jwt.key_id, NAME) if jwt.key_id is not None else None
    if jwt.is_unsigned:
        words = "There is no signature (alg none or an empty one): anybody can write such a token."
        return Verification(Signature.INVALID, words, kid)
    if jwt.algorithm not in ALGORITHMS:
        words = f"authlens does not verify the algorithm {safe_line(jwt.algorithm, NAME)}."
        return Verification(Signature.NOT_CHECKED, words, kid)
    if jwt.header.get("crit") is not None:
        words = "The header has critical extensions that authlens does not know (RFC 7515 §4.1.11)."
        return Verification(Signature.NOT_CHECKED, words, kid)
    keys = _keys(jwks)
    if isinstance(keys, str):
        return Verification(Signature.NOT_CHECKED, f"The key set cannot be read: {keys}.", kid)
    return _tried(jwt, keys, kid, tuple(_notes(jwt, now)))


def _tried(jwt: Jwt, keys: tuple[_Key, ...], kid: str | None, notes: tuple[str, ...]) -> Verification:
    fitting = [key for key in keys if _fits(jwt, key)][:_MAX_TRIED]
    if not fitting:
        named = f"with the kid {kid}" if kid is not None else f"for {jwt.algorithm}"
        words = f"None of the {len(keys)} keys is one {named}. Keys are rotated: fetch the set anew."
        return Verification(Signature.NO_KEY, words, kid, notes)
    problems: list[str] = []
    for key in fitting:
        try:
            good = _CHECKS[jwt.algorithm](jwt, key)
        except _BadKey as bad:
            problems.append(str(bad))
            continue
        if good:
            found = key.get("kid")
            shown = safe_line(found, NAME) if isinstance(found, str) else None
            return Verification(Signature.VALID, f"Signed with {jwt.algorithm}.", shown, notes)
    if len(problems) == len(fitting):
        return Verification(Signature.NOT_CHECKED, f"The key cannot be used: {problems[0]}.", kid, notes)
    words = "The signature does not fit: the token was changed, or another key signed it."
    return Verification(Signature.INVALID, words, kid, notes)


def _keys(jwks: Body) -> tuple[_Key, ...] | str:
    """Return the keys of the set (RFC 7517 §5), or why there are none."""
    if jwks.truncated:
        return "it is longer than authlens reads"
    try:
        keys = load_object(jwks.reveal()).get("keys")
    except JsonRefused as refused:
        return str(refused)
    if not isinstance(keys, list):
        return "there is no list of keys in it"
    return tuple(key for key in keys[:_MAX_KEYS] if isinstance(key, dict))


def _fits(jwt: Jwt, key: _Key) -> bool:
    """Say whether `key` may have signed `jwt` (RFC 7517 §4, RFC 8725 §3.1)."""
    kind, curve = ALGORITHMS[jwt.algorithm]
    operations = key.get("key_ops")
    return (
        (jwt.key_id is None or key.get("kid") == jwt.key_id)
        and key.get("kty") == kind
        and (not curve or key.get("crv") == curve)
        and key.get("alg") in (None, jwt.algorithm)
        and key.get("use") in (None, "sig")
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
    )


def _notes(jwt: Jwt, now: datetime) -> Iterator[str]:
    claims = jwt.claims or {}
    ends, begins = moment(claims.get("exp")), moment(claims.get("nbf"))
    if ends is not None and ends <= now:
        yield "It has ended (exp): a receiver must refuse it all the same."
    if begins is not None and begins > now:
        yield "Its time has not come (nbf): a receiver must refuse it until then."


class _BadKey(Exception):
    """A key that cannot be used; the text is safe to show."""


def _octets(key: _Key, name: str) -> bytes:
    value = key.get(name)
    data = decoded_base64url(value) if isinstance(value, str) else None
    if not data:
        msg = f"its {name} is not base64url"
        raise _BadKey(msg)
    return data


def _rsa(jwt: Jwt, key: _Key, *, pss: bool) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256

    modulus, exponent = _octets(key, "n"), _octets(key, "e")
    if len(modulus.lstrip(b"\0")) not in _RSA_BYTES or len(exponent) > _MAX_EXPONENT:
        msg = "an RSA key has 2,048 to 8,192 bits"
        raise _BadKey(msg)
    try:
        public = rsa.RSAPublicNumbers(int.from_bytes(exponent), int.from_bytes(modulus)).public_key()
    except ValueError:
        msg = "its numbers make no RSA key"
        raise _BadKey(msg) from None
    # RFC 7518 §3.5: the salt is as long as the hash.
    scheme = padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size) if pss else padding.PKCS1v15()
    try:
        public.verify(jwt.signature.reveal(), jwt.signed.reveal(), scheme, SHA256())
    except InvalidSignature:
        return False
    return True


def _ec(jwt: Jwt, key: _Key) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256, SHA384

    name = ALGORITHMS[jwt.algorithm][1]
    size = _EC_BYTES[name]
    curve: ec.EllipticCurve = ec.SECP256R1() if name == "P-256" else ec.SECP384R1()
    digest: HashAlgorithm = SHA256() if name == "P-256" else SHA384()
    x, y = int.from_bytes(_octets(key, "x")), int.from_bytes(_octets(key, "y"))
    try:
        public = ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
    except ValueError:
        msg = f"its point is not on {name}"
        raise _BadKey(msg) from None
    raw = jwt.signature.reveal()
    if len(raw) != 2 * size:  # RFC 7518 §3.4: r and s, each as long as the curve
        return False
    encoded = encode_dss_signature(int.from_bytes(raw[:size]), int.from_bytes(raw[size:]))
    try:
        public.verify(encoded, jwt.signed.reveal(), ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def _ed25519(jwt: Jwt, key: _Key) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(_octets(key, "x"))
    except ValueError:
        msg = "its x is not an Ed25519 key"
        raise _BadKey(msg) from None
    try:
        public.verify(jwt.signature.reveal(), jwt.signed.reveal())
    except InvalidSignature:
        return False
    return True


_CHECKS: Final[Mapping[str, Callable[[Jwt, _Key], bool]]] = {
    "RS256": lambda jwt, key: _rsa(jwt, key, pss=False),
    "PS256": lambda jwt, key: _rsa(jwt, key, pss=True),
    "ES256": _ec,
    "ES384": _ec,
    "EdDSA": _ed25519,
    "Ed25519": _ed25519,
}
