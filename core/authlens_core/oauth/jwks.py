"""Verify a JSON Web Token against a key set (RFC 7515 §5.2, RFC 7517, RFC 8725).

joserfc does the cryptography. Which key may verify which token is decided here: only asymmetric algorithms of
a fixed list, only a key whose type, curve and purpose match, and never a key that the token itself names
(`jwk`, `jku`, `x5u`). A token that could choose freely would choose `none` or HMAC with the public key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Struct

from authlens_core.values.exchange import JSON_TYPE, Headers, Request
from authlens_core.values.formats.json_document import JsonRefused, JsonValue, load_object
from authlens_core.values.formats.jwt import Jwt, decoded_base64url, moment
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.secret import Body
from authlens_core.values.url import Url

_Key: TypeAlias = Mapping[str, JsonValue]

# Algorithms that are verified, each with its key type and curve (RFC 7518 §3.1, RFC 8037, RFC 9864).
ALGORITHMS: Final[Mapping[str, tuple[str, str]]] = {
    "RS256": ("RSA", ""),
    "PS256": ("RSA", ""),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
_MAX_KEYS: Final = 32  # of one set that are read
# Each verification costs time, and a hostile set may repeat a `kid`.
_MAX_TRIED: Final = 8
_RSA_BYTES: Final = range(256, 1025)
_MAX_EXPONENT: Final = 5  # bytes
_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}


class Signature(StrEnum):
    """The result of a verification."""

    VALID = "valid"
    INVALID = "invalid"
    NO_KEY = "no key"
    NOT_CHECKED = "not checked"


class Verification(Struct, frozen=True):
    """The result for one token and one key set. All text is safe to show.

    Attributes:
        key_id: the `kid` of the key that verified, or the one the token names.
        notes: what else a receiver must check, such as an expired token (RFC 7519 §4.1).
    """

    signature: Signature
    reason: str
    key_id: str | None = None
    notes: tuple[str, ...] = ()


def jwks_request(url: Url) -> Request:
    """Return the request for the key set at `url`: a `jwks_uri`, or Access's `/cdn-cgi/access/certs`."""
    return Request("GET", url.text, Headers.of([("Accept", f"application/jwk-set+json, {JSON_TYPE}")]))


def verify(jwt: Jwt, jwks: Body, now: datetime) -> Verification:
    """Return whether a key in `jwks` signed `jwt`; never raises.

    A key is tried only if it has the token's `kid` (when there is one) and its type, curve, `alg`, `use` and
    `key_ops` match the token's `alg`. At most 32 keys are read and 8 tried.

    Args:
        jwks: the bytes of the key set, from a place that the caller trusts.
        now: an aware time, for the notes on `exp` and `nbf`.
    """
    kid = safe_line(jwt.key_id, NAME) if jwt.key_id is not None else None
    if jwt.is_unsigned:
        reason = "The token has no signature (alg none, or an empty one). Anyone can write such a token."
        return Verification(Signature.INVALID, reason, kid)
    if jwt.algorithm not in ALGORITHMS:
        reason = f"authlens does not verify the algorithm {safe_line(jwt.algorithm, NAME)}."
        return Verification(Signature.NOT_CHECKED, reason, kid)
    if jwt.header.get("crit") is not None:
        reason = "The header has critical extensions that authlens does not know (RFC 7515 §4.1.11)."
        return Verification(Signature.NOT_CHECKED, reason, kid)
    keys = _keys(jwks)
    if isinstance(keys, str):
        return Verification(Signature.NOT_CHECKED, f"The key set cannot be read: {keys}.", kid)
    return _verify_with(jwt, keys, kid, tuple(_notes(jwt, now)))


def _verify_with(jwt: Jwt, keys: tuple[_Key, ...], kid: str | None, notes: tuple[str, ...]) -> Verification:
    # Sets without kid make every key of the type fit. The bound keeps a hostile set from costing seconds of
    # RSA.
    fitting = [key for key in keys if _fits(jwt, key)][:_MAX_TRIED]
    if not fitting:
        criterion = f"with the kid {kid}" if kid is not None else f"for {jwt.algorithm}"
        reason = (
            f"None of the {len(keys)} keys is one {criterion}. Servers rotate keys: fetch the key set again."
        )
        return Verification(Signature.NO_KEY, reason, kid, notes)
    problems: list[str] = []
    for key in fitting:
        try:
            good = _signed_by(jwt, key)
        except _BadKey as bad:
            problems.append(str(bad))
            continue
        if good:
            key_id = key.get("kid")
            signer = safe_line(key_id, NAME) if isinstance(key_id, str) else None
            return Verification(Signature.VALID, f"Signed with {jwt.algorithm}.", signer, notes)
    # No key could even be used, so nothing is known of the signature: that is not the same as a wrong one.
    if len(problems) == len(fitting):
        return Verification(Signature.NOT_CHECKED, f"The key cannot be used: {problems[0]}.", kid, notes)
    reason = "The signature does not match: the token was changed, or another key signed it."
    return Verification(Signature.INVALID, reason, kid, notes)


def _keys(jwks: Body) -> tuple[_Key, ...] | str:
    """Return the keys of the set (RFC 7517 §5), or why it cannot be read."""
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
    """Return whether `key` may verify `jwt` (RFC 7517 §4, RFC 8725 §3.1)."""
    kind, curve = ALGORITHMS[jwt.algorithm]
    operations = key.get("key_ops")
    return (
        (jwt.key_id is None or key.get("kid") == jwt.key_id)
        and key.get("kty") == kind
        and (not curve or key.get("crv") == curve)
        # A key that names another algorithm must not be used with this one (RFC 8725 §3.1): that is how an
        # RSA key became an HMAC secret.
        and key.get("alg") in (None, jwt.algorithm)
        # Encryption keys are in the same set at many servers.
        and key.get("use") in (None, "sig")
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
    )


def _notes(jwt: Jwt, now: datetime) -> Iterator[str]:
    claims = jwt.claims or {}
    ends, begins = moment(claims.get("exp")), moment(claims.get("nbf"))
    if ends is not None and ends <= now:
        yield "The token has expired (exp): a receiver must refuse it even with a valid signature."
    if begins is not None and begins > now:
        yield "The token is not valid yet (nbf): a receiver must refuse it until then."


class _BadKey(Exception):
    """A key that cannot be used; the text is safe to show."""


def _signed_by(jwt: Jwt, key: _Key) -> bool:
    """Return whether `key` signed `jwt`; raises _BadKey for a key that is weak or broken."""
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key
    from joserfc.jws import JWSRegistry

    kind, _ = ALGORITHMS[jwt.algorithm]
    # Only the public members reach the library, each strict base64url: it would skip stray characters.
    public: dict[str, str | list[str]] = {"kty": kind}
    for name in _MEMBERS[kind]:
        value = key.get(name)
        if not isinstance(value, str) or (name != "crv" and not decoded_base64url(value)):
            raise _BadKey(f"its {name} is not base64url")
        public[name] = value
    if kind == "RSA":
        _check_rsa_size(key)
    # The registry's `get_alg` warns of `EdDSA`, the name that tokens still carry (RFC 9864 §2.2).
    algorithm = JWSRegistry.algorithms[jwt.algorithm]
    try:
        imported = import_key(public)
        algorithm.check_key(imported)
        return algorithm.verify(jwt.signed.reveal(), jwt.signature.reveal(), imported)
    except (JoseError, ValueError):
        raise _BadKey(f"its members are not a valid {kind} key") from None


def _check_rsa_size(key: _Key) -> None:
    # RFC 7518 §3.3 sets the lower bound; the upper ones keep the work of one verification small.
    modulus, exponent = (decoded_base64url(str(key[name])) or b"" for name in ("n", "e"))
    if len(modulus.lstrip(b"\0")) not in _RSA_BYTES or len(exponent) > _MAX_EXPONENT:
        raise _BadKey("an RSA key has 2,048 to 8,192 bits")
