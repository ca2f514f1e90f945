"""Checks of an ID token (OpenID Connect Core §3.1.3.7): its issuer, audience, login and expiry.

Only one that was asked for is looked at: without the scope `openid`, a request is not one of OpenID Connect
(§3.1.2.1), and an unrequested member is ignored (RFC 6749 §5.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from authlens_core.oauth.discovery.issuer import is_issuer
from authlens_core.oauth.jwks import Signature, Verification, verify
from authlens_core.values.check import Check, Requirement, Severity, requirement
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.formats.jwt import Jwt, moment, parse_jwt
from authlens_core.values.secret import Body, Secret

# The scope that asks for an ID token.
OPENID: Final = "openid"
_LEEWAY: Final = timedelta(seconds=60)
_SEVERITIES: Final = {
    Signature.VALID: Severity.PASS,
    Signature.INVALID: Severity.FAILURE,
    Signature.NO_KEY: Severity.WARNING,
    Signature.NOT_CHECKED: Severity.WARNING,
}


def unrequested_check() -> Check:
    """Return the check of an ID token that was not requested; nothing reads it."""
    return requirement("id_token.unrequested").noticed("one came; it is neither verified nor used")


def id_token_checks(
    id_token: Secret,
    *,
    issuer: str,
    client_id: str,
    nonce: Secret | None,
    keys: Body | None,
    now: datetime,
    no_keys: str = "The server's keys could not be fetched.",
) -> tuple[Check, ...]:
    """Return one check each for the signature, `iss`, `aud`, `exp` and `nonce`.

    Args:
        nonce: what the authorization request carried; None if it carried none.
        keys: the key set of the server; None if there is none.
        now: an aware time, when the answer came.
        no_keys: why there is none; a sentence.
    """
    jwt = parse_jwt(id_token)
    if jwt is None or jwt.claims is None:
        form = requirement("id_token.form")
        return (_defect(form, "not a JWT whose claims can be read"),)
    claims = jwt.claims
    return (
        _signature(jwt, keys, now, no_keys),
        _issuer(claims.get("iss"), issuer),
        _audience(claims.get("aud"), claims.get("azp"), client_id),
        _expiry(jwt, now),
        *_nonce(claims.get("nonce"), nonce),
    )


def _signature(jwt: Jwt, keys: Body | None, now: datetime, no_keys: str) -> Check:
    # No key is needed to see that no one signed it. The algorithm none is for clients that registered for it
    # (§2); authlens does not.
    if keys is None and not jwt.is_unsigned:
        verification = Verification(Signature.NOT_CHECKED, no_keys)
    else:
        verification = verify(jwt, keys if keys is not None else Body(b""), now)
    severity = _SEVERITIES[verification.signature]
    overridable = severity is Severity.FAILURE
    return requirement("id_token.signature").judged(severity, verification.reason, overridable=overridable)


def _issuer(value: JsonValue, issuer: str) -> Check:
    check = requirement("id_token.iss", wanted=issuer)
    return check.passed("the same") if is_issuer(value, issuer) else _defect(check, _claim_text(value))


def _audience(value: JsonValue, authorized: JsonValue, client_id: str) -> Check:
    check = requirement("id_token.aud", wanted=client_id)
    audiences = value if isinstance(value, list) else [value]
    if client_id not in audiences:
        return _defect(check, _claim_text(value))
    if authorized not in (None, client_id):
        return _defect(check, f"azp {_claim_text(authorized)}")
    if len(audiences) > 1:
        return check.warned(_claim_text(value))
    return check.passed("the same")


def _expiry(jwt: Jwt, now: datetime) -> Check:
    check = requirement("id_token.exp")
    expires = moment((jwt.claims or {}).get("exp"))
    if expires is None:
        return _defect(check, "missing")
    actual = expires.isoformat(sep=" ", timespec="seconds")
    if expires + _LEEWAY <= now:
        return check.failed(actual, "expired", overridable=True)
    return check.passed(actual)


def _nonce(value: JsonValue, sent: Secret | None) -> Iterator[Check]:
    if sent is None:
        return
    check = requirement("id_token.nonce")
    if isinstance(value, str) and Secret(value) == sent:
        yield check.passed("the same")
    else:
        # The one claim that is not overridable: without it the tokens may be another user's.
        actual = "missing" if value is None else "another one"
        yield check.failed(actual)


def _defect(check: Requirement, actual: str) -> Check:
    return check.failed(actual, overridable=True)


def _claim_text(value: JsonValue) -> str:
    return "missing" if value is None else f"{value}"[:500]
