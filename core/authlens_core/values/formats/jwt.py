"""JSON Web Tokens, read and not believed (RFC 7519, RFC 7515 §3.1): header, claims, and what is odd in them.

Reading takes no key and verifies nothing: anyone can write a token with any claims. Whether
a token is signed is decided in `jwks`.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from msgspec import Struct

from authlens_core.values.formats.json_document import JsonRefused, JsonValue, load_object
from authlens_core.values.secret import Body, Secret, Unprinted

MAX_LENGTH: Final = 64 * 1024  # characters of a whole token
MAX_SHOWN: Final = 4_000  # characters of one claim
# Claims that are seconds since 1970 (RFC 7519 §2 NumericDate).
TIME_CLAIMS: Final = frozenset({"exp", "iat", "nbf", "auth_time"})
_BASE64URL: Final = frozenset(string.ascii_letters + string.digits + "-_")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_JWS_PARTS: Final = 3  # RFC 7515 §3.1
_JWE_PARTS: Final = 5  # RFC 7516 §3.1

_Object: TypeAlias = Mapping[str, JsonValue]


class Jwt(Unprinted, Struct, frozen=True):
    """A token taken apart; nothing in it is verified.

    Attributes:
        claims: the claims; None where they cannot be read, and `problems` says why.
        signed: the bytes that the signature covers (RFC 7515 §5.2).
        signature: the signature's bytes; empty where there is none.
        problems: what is wrong or odd, each a sentence, safe to show.
    """

    header: _Object
    claims: _Object | None
    signed: Body
    signature: Body
    problems: tuple[str, ...] = ()

    @property
    def algorithm(self) -> str:
        """The `alg` of the header, as written, or the empty string."""
        return _text(self.header.get("alg"))

    @property
    def key_id(self) -> str | None:
        """The `kid` of the header, or None."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None

    @property
    def is_unsigned(self) -> bool:
        """True for `alg: none` in any case, and for a token without a signature: anyone can write those."""
        return self.algorithm.lower() == "none" or not self.signature

    @property
    def is_proof(self) -> bool:
        """True for a proof of possession (RFC 9449 §4.2), which is signed with the key in its own header."""
        return self.header.get("typ") == "dpop+jwt"

    @property
    def header_members(self) -> tuple[JwtClaim, ...]:
        return tuple(JwtClaim(name, _text(value)) for name, value in self.header.items())

    def claims_at(self, now: datetime) -> tuple[JwtClaim, ...]:
        """Return the claims in order, times as moments and as seconds from `now`, an aware time."""
        return tuple(_claim(name, value, now) for name, value in (self.claims or {}).items())

    def __repr__(self) -> str:
        return f"<Jwt {self.algorithm!r}>"


class JwtClaim(Unprinted, Struct, frozen=True):
    """One member of a header or of the claims, as it may be read by a user.

    Attributes:
        name: its name; text from outside.
        text: its value as text: a string as it is, anything else as JSON, cut after 4,000 characters.
        time: the moment it names; None if it is not a time.
        seconds: from now to that moment, negative when it is past; None with `time`.
    """

    name: str
    text: str
    time: datetime | None = None
    seconds: float | None = None

    def __repr__(self) -> str:
        return f"<JwtClaim {self.name!r}>"


def parse_jwt(token: str | Secret) -> Jwt | None:
    """Return `token` taken apart, or None when it does not have the shape of a JWT; never raises.

    The shape is three parts in strict base64url (five for an encrypted one), the first a strict JSON object
    with an `alg`. Claims that break the rules give a `Jwt` with `claims` None and the reason. At most 65,536
    characters are read.
    """
    text = token.reveal() if isinstance(token, Secret) else token
    if not text.startswith(("ey", "ew")) or len(text) > MAX_LENGTH:  # base64url of `{`, the cheap look first
        return None
    # Bounded, so that a token of nothing but dots makes no list of 65,536 parts.
    parts = text.split(".", _JWE_PARTS)
    if len(parts) not in (_JWS_PARTS, _JWE_PARTS):
        return None
    header = _object(parts[0])
    if isinstance(header, str) or not isinstance(header.get("alg"), str):
        return None
    if len(parts) == _JWE_PARTS:
        problem = "It is encrypted (JWE): only the party it is meant for can read its claims."
        return Jwt(header, None, Body(), signature=Body(), problems=(problem,))
    signature = decoded_base64url(parts[2])
    if signature is None:
        return None
    claims = _object(parts[1])
    problems = []
    if isinstance(claims, str):
        problems.append(f"The claims cannot be read: {claims}.")
    if header.get("crit") is not None:
        problems.append(
            "The header has crit: a receiver that does not know those extensions must refuse the token."
        )
    # Claims that are not base64url may hold any character. No signature can match them, and none is lost.
    signed = Body(f"{parts[0]}.{parts[1]}".encode("ascii", "replace"))
    readable = None if isinstance(claims, str) else claims
    return Jwt(header, readable, signed, signature=Body(signature), problems=tuple(problems))


def moment(value: JsonValue) -> datetime | None:
    """Return the moment that a NumericDate (RFC 7519 §2) names, or None if it is not one."""
    # bool is a kind of int in Python, and `exp: true` is no time.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return _EPOCH + timedelta(seconds=value)
    except (OverflowError, ValueError):
        return None


def _claim(name: str, value: JsonValue, now: datetime) -> JwtClaim:
    time = moment(value) if name in TIME_CLAIMS else None
    return JwtClaim(name, _text(value), time, (time - now).total_seconds() if time is not None else None)


def _text(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= MAX_SHOWN:
        return text
    return f"{text[:MAX_SHOWN]}… ({len(text) - MAX_SHOWN} more characters)"


def _object(encoded: str) -> dict[str, JsonValue] | str:
    """Return the JSON object that `encoded` holds, or what is wrong with it."""
    data = decoded_base64url(encoded)
    if data is None:
        return "not base64url"
    try:
        return load_object(data)
    except JsonRefused as refused:
        return str(refused)


def decoded_base64url(encoded: str) -> bytes | None:
    """Return the bytes of unpadded base64url (RFC 7515 §2), or None when it is anything else.

    The standard library skips characters that do not belong and ignores left-over bits, so that many texts
    would mean the same token.
    """
    if not _BASE64URL.issuperset(encoded) or len(encoded) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    return data if base64.urlsafe_b64encode(data).rstrip(b"=") == encoded.encode("ascii") else None
