"""PKCE and state: what ties an authorization code to one attempt (RFC 7636, RFC 6749 §10.12)."""

from __future__ import annotations

import secrets
import string
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from msgspec import Struct

from authlens_core.values.secret import Secret

# RFC 7636 §4.1 and §7.1 recommend 32 octets, which are 43 characters and 256 bits.
_OCTETS: Final = 32
# A working generator fails this often once in 10^150.
_MAX_DRAWS: Final = 100
_FIRST: Final = frozenset(string.ascii_letters + string.digits)


class Pkce(Struct, frozen=True):
    """The verifier of one attempt and its S256 challenge.

    Attributes:
        code_verifier: 43 unreserved characters from 32 random octets (RFC 7636 §4.1); sent only to the token
            endpoint.
        code_challenge: base64url of the SHA-256 of the verifier, without padding (RFC 7636 §4.2).
        draws: how many verifiers were drawn until the challenge began with a letter or a digit.
    """

    code_verifier: Secret
    code_challenge: str
    draws: int = 1


def make_pkce(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> Pkce:
    """Draw a verifier whose challenge begins with a letter or a digit.

    Cloudflare Access misreads a challenge that begins with `-` or `_`, as one in 32 does. The whole verifier
    is drawn again, which costs about 0.05 bit and harms nowhere else.

    Args:
        random_bytes: gives that many octets; the generator of the operating system.

    Raises:
        RuntimeError: if a hundred draws all failed, which says that `random_bytes` is broken.
    """
    for draws in range(1, _MAX_DRAWS + 1):
        verifier = base64url(random_bytes(_OCTETS))
        challenge = code_challenge(verifier)
        # Some servers misread a challenge that starts with - or _: one login in 32 would fail there. Drawing
        # again costs nothing.
        if challenge[0] in _FIRST:
            return Pkce(Secret(verifier), challenge, draws)
    raise RuntimeError(f"the random generator gave no usable code verifier in {_MAX_DRAWS} draws")


def code_challenge(verifier: str) -> str:
    """Return the S256 challenge of `verifier` (RFC 7636 §4.2)."""
    return base64url(sha256(verifier.encode("ascii")).digest())


def make_state(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> Secret:
    """Draw a `state` of 256 random bits (RFC 6749 §10.12), independent of every verifier."""
    # Not derived from the verifier: `state` is in the browser's history and in logs, and would give it away.
    return Secret(base64url(random_bytes(_OCTETS)))


def base64url(data: bytes) -> str:
    """Return `data` in base64url without padding (RFC 7636 appendix A)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
