"""Checks of an ID token (OpenID Connect Core §3.1.3.7): its issuer, audience, login and expiry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from authlens_core.oauth.check import Check, Severity, failed, judged, passed, warned
from authlens_core.oauth.json_document import JsonValue
from authlens_core.oauth.jwks import Signature, Verification, verify
from authlens_core.oauth.jwt import Jwt, moment, parse_jwt
from authlens_core.secret import Body, Secret

OPENID: Final = "openid"
"""The scope that asks for an ID token."""

_STAGE: Final = "id_token"
_SPEC: Final = "OpenID Connect Core §3.1.3.7"
_LEEWAY: Final = timedelta(seconds=60)
_SEVERITIES: Final = {
    Signature.VALID: Severity.PASS,
    Signature.INVALID: Severity.FAILURE,
    Signature.NO_KEY: Severity.WARNING,
    Signature.NOT_CHECKED: Severity.NOTICE,
}
_CURE: Final = "The server must issue an ID token for this login; do not trust what this one says."


def id_token_checks(
    id_token: Secret,
    *,
    issuer: str,
    client_id: str,
    nonce: Secret | None,
    keys: Body | None,
    now: datetime,
) -> tuple[Check, ...]:
    """Return one check each for the signature, `iss`, `aud`, `exp` and `nonce`.

    Args:
        nonce: what the authorization request carried; None if it carried none.
        keys: the key set of the server; None if it could not be fetched.
        now: an aware time, when the answer came.
    """
    jwt = parse_jwt(id_token)
    if jwt is None or jwt.claims is None:
        seen = "not a JWT whose claims can be read"
        return (failed(f"{_STAGE}.form", "a JWT", seen, spec=_SPEC, cure=_CURE, overridable=True),)
    claims = jwt.claims
    return (
        _signature(jwt, keys, now),
        _equal("iss", issuer, claims.get("iss"), "Another server's token says nothing about this login."),
        _audience(claims.get("aud"), claims.get("azp"), client_id),
        _expiry(jwt, now),
        *_nonce(claims.get("nonce"), nonce),
    )


def _signature(jwt: Jwt, keys: Body | None, now: datetime) -> Check:
    if keys is None:
        found = Verification(Signature.NOT_CHECKED, "The server's keys could not be fetched.")
    else:
        found = verify(jwt, keys, now)
    return judged(
        _SEVERITIES[found.signature],
        f"{_STAGE}.signature",
        "A key of the server signed it.",
        found.reason,
        why="It came from the token endpoint over TLS, so its origin is known; a wrong signature is "
        "still a defect.",
        spec=_SPEC,
        overridable=found.signature is Signature.INVALID,
    )


def _equal(claim: str, wanted: str, value: JsonValue, why: str) -> Check:
    name = f"{_STAGE}.{claim}"
    if value == wanted:
        return passed(name, wanted, "the same", why=why, spec=_SPEC)
    return failed(name, wanted, _shown(value), why=why, spec=_SPEC, cure=_CURE, overridable=True)


def _audience(value: JsonValue, authorized: JsonValue, client_id: str) -> Check:
    name, expected, why = f"{_STAGE}.aud", client_id, "A token for another client may have been injected."
    audiences = value if isinstance(value, list) else [value]
    if client_id not in audiences:
        return failed(name, expected, _shown(value), why=why, spec=_SPEC, cure=_CURE, overridable=True)
    if authorized not in (None, client_id):
        seen = f"azp {_shown(authorized)}"
        return failed(name, expected, seen, why=why, spec=_SPEC, cure=_CURE, overridable=True)
    if len(audiences) > 1:
        return warned(name, expected, _shown(value), why="Other clients can use it, too.", spec=_SPEC)
    return passed(name, expected, "the same", why=why, spec=_SPEC)


def _expiry(jwt: Jwt, now: datetime) -> Check:
    name, expected, why = f"{_STAGE}.exp", "in the future", "An old token may be a replayed one."
    expires = moment((jwt.claims or {}).get("exp"))
    if expires is None:
        return failed(name, expected, "missing", why=why, spec=_SPEC, cure=_CURE, overridable=True)
    seen = expires.isoformat(sep=" ", timespec="seconds")
    if expires + _LEEWAY <= now:
        cure = "Compare the clocks of this machine and of the server."
        return failed(name, expected, seen, why=why, spec=_SPEC, cure=cure, overridable=True)
    return passed(name, expected, seen, why=why, spec=_SPEC)


def _nonce(value: JsonValue, sent: Secret | None) -> Iterator[Check]:
    if sent is None:
        return
    name, expected = f"{_STAGE}.nonce", "the nonce of this login"
    why = "It binds the token to this login: a code from another login has another nonce."
    if isinstance(value, str) and Secret(value) == sent:
        yield passed(name, expected, "the same", why=why, spec=_SPEC)
    else:
        seen = "missing" if value is None else "another one"
        cure = "The tokens were not stored. Start a new login."
        yield failed(name, expected, seen, why=why, spec=_SPEC, cure=cure)


def _shown(value: JsonValue) -> str:
    return "missing" if value is None else f"{value}"[:500]
