"""Proof of possession (DPoP, RFC 9449): bind tokens to a key, and sign each request that uses them.

A token that is stolen alone is worthless, because every request needs a fresh proof by the key of its grant.
joserfc signs; what is signed, and which nonce belongs to which server, is decided here.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.oauth.pkce import base64url
from authlens_core.values.check import Check, ErrorCode, requirement
from authlens_core.values.exchange import Exchange, Headers, Request, Response, is_visible
from authlens_core.values.formats.challenge import parse_challenges
from authlens_core.values.formats.error_response import read_error
from authlens_core.values.secret import Secret, Unprinted
from authlens_core.values.url import parse_url, usable_url

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

# RFC 9449 names no algorithm that every server has. ES256 is that of its own examples, and its signatures are
# short.
ALGORITHM: Final = "ES256"
TOKEN_TYPE: Final = "DPoP"  # noqa: S105 - a type of token, not one
_NONCE_LIMIT: Final = 1_024  # characters
# A login asks three or four servers. The bound keeps the stored record small, whatever is called later.
_KEPT: Final = 16  # servers whose nonces are remembered


class BadDpopKey(ValueError):
    """The stored text is not a private P-256 key; the message does not repeat it."""


class DpopKey(Struct, frozen=True):
    """The key of one grant.

    Attributes:
        private_jwk: the private key as JSON (RFC 7517), for the secret store.
        public_jwk: the members that every proof carries.
        thumbprint: the RFC 7638 thumbprint; the `jkt` that the server binds tokens to.
    """

    private_jwk: Secret
    public_jwk: Mapping[str, str]
    thumbprint: str


def make_dpop_key() -> DpopKey:
    """Generate a P-256 key."""
    from joserfc.jwk import ECKey

    return _dpop_key(ECKey.generate_key("P-256"))


def load_dpop_key(private_jwk: Secret) -> DpopKey:
    """Return the key that was stored as `private_jwk`.

    Raises:
        BadDpopKey: the text is anything else than a private P-256 key.
    """
    return _dpop_key(_import(private_jwk))


def _import(private_jwk: Secret) -> ECKey:
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey

    try:
        key = ECKey.import_key(json.loads(private_jwk.reveal()))
    # joserfc raises its own errors for a wrong member, and whatever Python raises where the JSON is no
    # object.
    except (JoseError, ValueError, TypeError, AttributeError, KeyError):
        key = None
    # A key of another curve would be signed with as ES256 and refused by each server, with no word of why.
    if key is None or not key.is_private or key.curve_name != "P-256":
        raise BadDpopKey("the stored DPoP key is not a private P-256 key")
    return key


def _dpop_key(key: ECKey) -> DpopKey:
    members = key.as_dict(private=True)
    public = {name: str(members[name]) for name in ("kty", "crv", "x", "y")}
    # Only what RFC 7638 §3.2 makes the thumbprint of, and `d`: other members, such as kid, may change with
    # the library.
    private = json.dumps({**public, "d": members["d"]})
    return DpopKey(Secret(private), public, key.thumbprint())


def algorithm_check(name: str, algorithms: tuple[str, ...] | None, party: str, spec: str) -> Check:
    """Return whether a party that has to check our proofs lists their algorithm; no list is worth a try."""
    check = requirement(name, "dpop.algorithms", spec=spec, party=party)
    if algorithms is not None:
        if ALGORITHM in algorithms:
            return check.passed(ALGORITHM)
        return check.failed(", ".join(algorithms)[:300])
    if party == "resource":
        return check.noticed("not stated")
    return check.warned("not stated")


def make_jti() -> str:
    """Return a unique identifier of 128 random bits for one proof (§4.2)."""
    return base64url(secrets.token_bytes(16))


def is_bound(token_type: str) -> bool:
    """Return whether a `token_type`, or a scheme of the Authorization field, is that of bound tokens (§5)."""
    return token_type.lower() == TOKEN_TYPE.lower()


class DpopNonces(Unprinted, Struct, frozen=True):
    """The last nonce of each server, by `nonce_key`: nonces of one mean nothing to another (§8.2)."""

    by_key: Mapping[str, str] = {}

    def get(self, request: Request) -> str | None:
        return self.by_key.get(nonce_key(request))

    def with_response(self, request: Request, response: Response) -> DpopNonces:
        """Return the nonces after a response to `request`; a malformed `DPoP-Nonce` is ignored (§8.1).

        A server may send a new nonce with every response, successful ones too. The 16 newest stay.
        """
        values = response.headers.get_all("dpop-nonce")
        # Two nonces are the work of a proxy that joins answers: either may be of another server.
        if len(values) != 1 or not _is_nonce(values[0]):
            return self
        key = nonce_key(request)
        # Removed and added again, so that dict order is age.
        others = {other: nonce for other, nonce in self.by_key.items() if other != key}
        newest = dict(list(others.items())[-(_KEPT - 1) :])
        return DpopNonces({**newest, key: values[0]})

    def __repr__(self) -> str:
        return f"<DpopNonces of {len(self.by_key)} servers>"


def nonce_key(request: Request) -> str:
    """Return whose nonce a proof for `request` needs: the origin, in its role.

    On one origin the authorization server (§8) and the resource server (§9) have nonces of their own.

    Raises:
        UrlRefused: the request's URL cannot be sent.
    """
    origin = parse_url(request.url, loopback_http=True).origin
    scheme = (request.headers.get("authorization") or "").partition(" ")[0]
    # One host can be authorization server and resource, with a nonce for each role (RFC 9449 §8.2).
    return f"resource {origin}" if is_bound(scheme) else origin


def _is_nonce(value: str) -> bool:
    return 0 < len(value) <= _NONCE_LIMIT and is_visible(value) and not set(value) & set('"\\')


def wants_nonce(response: Response) -> bool:
    """Return whether the server refused the proof only because it lacks a nonce, and sent one (§8, §9).

    The request may then be sent again, once, with that nonce: the server has not acted on it.
    """
    # The token endpoint says it with 400 and a JSON error, a resource with 401 and a challenge.
    if response.status not in (400, 401) or not any(map(_is_nonce, response.headers.get_all("dpop-nonce"))):
        return False
    challenges = parse_challenges(response.headers.get_all("www-authenticate")).challenges
    if any(c.is_scheme(TOKEN_TYPE) and c.get("error") == ErrorCode.USE_DPOP_NONCE for c in challenges):
        return True
    error = read_error(response)
    return error is not None and error.error == ErrorCode.USE_DPOP_NONCE


def with_proof(request: Request, key: DpopKey, nonces: DpopNonces, *, now: datetime, jti: str) -> Request:
    """Return `request` with a fresh proof (§4.2); an older `DPoP` field is replaced.

    A bound token in its Authorization field is signed along (`ath`), and the last nonce of this server.

    Args:
        now: an aware time.
        jti: from `make_jti`, never used before.

    Raises:
        UrlRefused: the request's URL cannot be sent.
    """
    from joserfc import jws

    url = parse_url(request.url, loopback_http=True)
    # The server compares `htu` without query and fragment, and normalises an empty path to a slash (§4.3).
    claims = {
        "jti": jti,
        "htm": request.method,
        "htu": replace(url, query=None, path=url.path or "/").text,
        "iat": int(now.timestamp()),
    }
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    if is_bound(scheme) and token.isascii():
        # Ties the proof to this token: a stolen proof is worth nothing with another one (RFC 9449 §4.2).
        claims["ath"] = base64url(sha256(token.encode("ascii")).digest())
    nonce = nonces.get(request)
    if nonce is not None:
        claims["nonce"] = nonce
    header = {"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": dict(key.public_jwk)}
    payload = json.dumps(claims, separators=(",", ":"))
    proof = jws.serialize_compact(header, payload, _import(key.private_jwk), algorithms=[ALGORITHM])
    # A request with two proofs must be refused (RFC 9449 §4.3), and one that is sent again has the old one.
    fields = [(name, value) for name, value in request.headers.fields if name.lower() != "dpop"]
    return replace(request, headers=Headers.of([*fields, ("DPoP", proof)]))


class DpopSigner:
    """Signs requests with the key of one grant.

    Args:
        remember: called with all nonces when a server sent another one.
    """

    def __init__(
        self,
        key: DpopKey,
        nonces: DpopNonces,
        remember: Callable[[DpopNonces], None],
    ) -> None:
        self.key = key
        self._nonces = nonces
        self._remember = remember

    def sign(self, request: Request) -> Request:
        """Return the request with a fresh proof.

        Raises:
            UrlRefused: its URL cannot be sent.
        """
        return with_proof(request, self.key, self._nonces, now=datetime.now(UTC), jti=make_jti())

    def knows_nonce(self, request: Request) -> bool:
        """Return whether the server that gets a request has sent a nonce before."""
        return self._nonces.get(request) is not None

    def learn(self, request: Request, response: Response) -> bool:
        """Note the nonce in the response to a request; return whether that may be sent again with it."""
        if usable_url(request.url, loopback_http=True) is None:
            return False
        nonces = self._nonces.with_response(request, response)
        if nonces != self._nonces:
            self._nonces = nonces
            self._remember(nonces)
        # A new nonce also comes with good answers (RFC 9449 §8.2): it is for the next request.
        return wants_nonce(response)


async def send_with_proof(
    signer: DpopSigner | None, request: Request, send: Callable[[Request], Awaitable[Exchange]]
) -> tuple[Exchange, ...]:
    """Send with a proof, and once again if the server asks for its nonce; return every exchange in order.

    Without a signer the request is sent as it is.
    """
    if signer is None:
        return (await send(request),)
    first = await send(signer.sign(request))
    if first.response is None or not signer.learn(request, first.response):
        return (first,)
    # Once only: a server that asks for a nonce again would ask for ever.
    second = await send(signer.sign(request))
    if second.response is not None:
        signer.learn(request, second.response)
    return first, second


def settled(exchanges: Sequence[Exchange]) -> tuple[Exchange, ...]:
    """Return the exchanges without those that were refused for lack of a nonce and then sent again."""
    return tuple(
        exchange
        for exchange, following in zip_longest(exchanges, exchanges[1:])
        if following is None or not _is_sent_again(exchange, following)
    )


def _is_sent_again(first: Exchange, following: Exchange) -> bool:
    # What was sent a second time for another reason stays in the record as an exchange of its own.
    same = (first.request.method, first.request.url) == (following.request.method, following.request.url)
    signed = all(e.request.headers.get("dpop") is not None for e in (first, following))
    return same and signed and first.response is not None and wants_nonce(first.response)
