"""The token endpoint (RFC 6749 §4.1.3, §5, §6; 7636 §4.5, 8707 §2.2).

Tokens are opaque: they are never decoded or split. A request of this module is sent once; a code that is sent
a second time may cost the tokens it bought (RFC 6749 §4.1.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeGuard

from msgspec import Struct

from authlens_core.oauth.client_authentication import Client, form_request
from authlens_core.oauth.discovery.resource_metadata import covers_url, same_resource
from authlens_core.oauth.dpop import TOKEN_TYPE as DPOP
from authlens_core.oauth.dpop import is_bound
from authlens_core.values.check import Check, CheckId, Reading, requirement
from authlens_core.values.exchange import Request, Response, is_visible
from authlens_core.values.formats.duration import (
    MISSING,
    Lifetime,
    http_date,
    parse_expires_in,
    parse_login_lifetime,
)
from authlens_core.values.formats.error_response import (
    error_in,
    is_usable,
    quoted_value,
    read_answer,
)
from authlens_core.values.formats.form import FormPair
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.secret import Secret
from authlens_core.values.secret_masking import SecretMasker
from authlens_core.values.stage import Need
from authlens_core.values.url import Url

_SPEC: Final = "RFC 6749 §5.1"
# Servers and libraries commonly forgive a few minutes; from here on tokens are refused for their times.
_SKEW_LIMIT: Final = 300
_TOKENS: Final = ("access_token", "refresh_token", "id_token")
_SHORTEST_MASKED: Final = 8
_TOKEN_LIMIT: Final = 16 * 1024  # characters; servers refuse header fields of more
_TOKEN_FORM: Final = f"a string of at most {_TOKEN_LIMIT:,} printable ASCII characters"

Grant = Literal["authorization_code", "refresh_token", "machine"]


class TokenResponse(Struct, frozen=True):
    """What the token endpoint gave.

    Attributes:
        access_token: opaque, printable ASCII.
        token_type: as the server wrote it; bearer in some case, or dpop if a proof was sent.
        lifetime: how long the access token lasts, counted from before the request.
        refresh_token: None when none came; after a refresh the old one then stays in use.
        scope: what was granted: as returned, or as requested when nothing was returned.
        resource: as returned, or None.
        id_token: shown as opaque and used for nothing, or None.
        login_lifetime: for how long tokens can be renewed without a user, counted as `lifetime`.
    """

    access_token: Secret
    token_type: str
    lifetime: Lifetime
    refresh_token: Secret | None
    scope: str | None
    resource: str | None
    id_token: Secret | None
    login_lifetime: Lifetime = Lifetime(None)


def code_request(
    token_endpoint: Url,
    client: Client,
    *,
    code: Secret,
    code_verifier: Secret,
    redirect_uri: str,
    resource: str | None,
) -> Request:
    """Return the request that exchanges a code, with what the authorization request held repeated."""
    pairs: list[FormPair] = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", code_verifier),
        ("resource", resource or ""),
    ]
    return form_request(token_endpoint, client, pairs)


def refresh_request(
    token_endpoint: Url,
    client: Client,
    *,
    refresh_token: Secret,
    resource: str | None,
    scope: str | None = None,
) -> Request:
    """Return the request for a new access token.

    Args:
        scope: what was granted. It is left out, which means the same (§6), where the server does not need it.
    """
    pairs: list[FormPair] = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
        ("resource", resource or ""),
        ("scope", (scope or "") if Need.SCOPE in client.needs else ""),
    ]
    return form_request(token_endpoint, client, pairs)


def is_token(value: JsonValue) -> TypeGuard[str]:
    """Return whether `value` is 1*VSCHAR (RFC 6749 appendix A.12), which a header field carries unchanged."""
    return isinstance(value, str) and 0 < len(value) <= _TOKEN_LIMIT and is_visible(value)


def authorization_field(token_type: str, access_token: Secret) -> tuple[str, str]:
    """Return the Authorization field for a token of this type (RFC 9449 §7.1, RFC 6750 §2.1).

    Raises:
        ValueError: the token holds characters that a header field cannot carry.
    """
    if not is_token(access_token.reveal()):
        msg = "the access token is empty, too long, or has characters that a header field cannot carry"
        raise ValueError(msg)
    return "Authorization", f"{DPOP if is_bound(token_type) else 'Bearer'} {access_token.reveal()}"


def _token_problem(value: JsonValue) -> str:
    if isinstance(value, str) and len(value) > _TOKEN_LIMIT:
        return f"{len(value):,} characters"
    return "malformed"


def read_token_response(
    response: Response,
    *,
    resource: str | None,
    scope: str | None,
    grant: Grant = "authorization_code",
    sent: Sequence[Secret] = (),
    proved: bool = False,
) -> Reading[TokenResponse]:
    """Read the answer of the token endpoint.

    Args:
        resource: what was asked for, compared with the answer's own `resource` if it has one.
        grant: which request it answers: a refresh need not bring a refresh token, and a program gets none.
        sent: the secrets of the request, masked where the server's texts repeat them.
        proved: whether the request had a proof of possession, so that the tokens should be bound (RFC 9449).
    """
    answer = read_answer(response, stage="token", spec=_SPEC, tolerated=201, secrets=sent)
    if answer.value is None:
        return Reading(None, answer.checks)
    granted, scope_check = _scope(answer.value, scope, sent)
    document = _without_repeated(answer.value, sent)
    lifetime = parse_expires_in(document.get("expires_in", MISSING))
    checks = [
        *answer.checks,
        *error_in(document, response.status, sent, requirement("token.error")),
        _access_token_check(document),
    ]
    checks += [_token_type_check(document, grant, proved=proved), _lifetime_check(lifetime)]
    refresh_token, refresh_check = _refresh_token(document, grant)
    checks += [refresh_check, scope_check, *_resource_check(document, resource)]
    id_token = document.get("id_token")
    access_token, token_type = document.get("access_token"), document.get("token_type") or "Bearer"
    if not is_usable(checks) or not isinstance(access_token, str) or not isinstance(token_type, str):
        return Reading(None, tuple(checks))
    returned = document.get("resource")
    value = TokenResponse(
        access_token=Secret(access_token),
        token_type=token_type,
        lifetime=lifetime,
        refresh_token=refresh_token,
        scope=granted,
        resource=returned if isinstance(returned, str) and returned else None,
        id_token=Secret(id_token) if isinstance(id_token, str) else None,
        login_lifetime=parse_login_lifetime(document),
    )
    return Reading(value, tuple(checks))


def _access_token_check(document: Mapping[str, JsonValue]) -> Check:
    check = requirement("token.access_token", form=_TOKEN_FORM)
    value = document.get("access_token")
    if is_token(value):
        return check.passed(f"{len(value)} characters")
    actual = "missing" if value is None else _token_problem(value)
    return check.failed(actual)


def _token_type_check(document: Mapping[str, JsonValue], grant: Grant, *, proved: bool) -> Check:
    expected, spec = ("DPoP", "RFC 9449 §5") if proved else ("bearer", "RFC 6749 §7.1")
    check = requirement("token.token_type", wanted=expected, spec=spec)
    value = document.get("token_type")
    kind = value.lower() if isinstance(value, str) else ""
    if kind == expected.lower():
        return check.passed(f"{value}")
    actual = quoted_value(value)
    # RFC 6749 §5.1 requires it, but servers leave it out, and then mean a bearer token.
    if value is None and not proved:
        return check.warned(f"{actual}; used as a bearer token", "missing")
    if kind == "bearer" or value is None:
        if grant == "refresh_token":  # whether it was bound before, and what is stored, the refresh decides
            return check.warned(actual, "unbound_again")
        return check.failed(actual, "unbound", overridable=True)
    if kind == "dpop":
        return check.failed(actual, "unasked_proof")
    return check.failed(actual, "unknown")


def _lifetime_check(lifetime: Lifetime) -> Check:
    check = requirement("token.expires_in")
    actual = lifetime.note or f"{lifetime.seconds}"
    if lifetime.seconds == 0:
        return check.warned(actual)
    return check.noticed(actual) if lifetime.seconds is None or lifetime.note else check.passed(actual)


def _refresh_token(document: Mapping[str, JsonValue], grant: Grant) -> tuple[Secret | None, Check]:
    is_refresh = grant == "refresh_token"
    spec = "RFC 6749 §6" if is_refresh else "RFC 6749 §1.5"
    check = requirement("token.refresh_token", spec=spec, form=_TOKEN_FORM)
    value = document.get("refresh_token")
    # A program gets its next token as it got this one (RFC 6749 §4.4.3), so nothing long-lived need be
    # stored.
    if grant == "machine":
        check = requirement(check.name, "token.refresh_token_of_program")
        return None, check.noticed("one came; it is not used") if value else check.passed("none")
    if value is None or value == "":
        if is_refresh:
            return None, check.passed("none", "old_stays")
        return None, check.noticed("none: when the access token expires, you need to log in again")
    if not is_token(value):
        actual = f"{_token_problem(value)}, so it is dropped"
        return None, check.warned(actual, "malformed")
    if value == document.get("access_token"):
        return Secret(value), check.warned("the same string as the access token", "same")
    return Secret(value), check.passed(f"{len(value)} characters")


def _scope(
    document: Mapping[str, JsonValue], requested: str | None, sent: Sequence[Secret]
) -> tuple[str | None, Check]:
    """Return the granted scope and how it differs from the requested one."""
    check = requirement("token.scope", wanted=requested or "none was asked for")
    value = document.get("scope")
    if value is None or value == "":
        # An omitted scope means the requested one (RFC 6749 §5.1).
        return requested, check.passed("not stated: as requested")
    if not isinstance(value, str):
        return requested, check.warned("not a string, so it is ignored", "malformed")
    if any(secret.reveal() in value for secret in _secrets(document, sent)):
        # A scope is shown and kept where secrets are not.
        return requested, check.warned("it repeats a secret, so it is neither shown nor stored")
    requested_scopes, granted_scopes = set((requested or "").split(" ")) - {""}, set(value.split(" ")) - {""}
    missing, added = sorted(requested_scopes - granted_scopes), sorted(granted_scopes - requested_scopes)
    if not requested_scopes or not (missing or added):
        return value, check.passed(value)
    parts = [f"not granted: {' '.join(missing)}"] if missing else []
    parts += [f"granted beyond the request: {' '.join(added)}"] if added else []
    actual = "; ".join(parts)[:500]
    if not missing:
        return value, check.noticed(actual)
    return value, check.warned(actual, "less")


def _secrets(document: Mapping[str, JsonValue], sent: Sequence[Secret]) -> Iterator[Secret]:
    yield from (secret for secret in sent if secret.reveal())
    for name in _TOKENS:
        value = document.get(name)
        if isinstance(value, str) and value:
            yield Secret(value)


def _without_repeated(document: dict[str, JsonValue], sent: Sequence[Secret]) -> dict[str, JsonValue]:
    # What is shorter is no secret, and might be a part of an honest word.
    hidden = SecretMasker(_secrets(document, sent), shortest=_SHORTEST_MASKED)
    return {name: v if name in _TOKENS else _masked(v, hidden) for name, v in document.items()}


def _masked(value: JsonValue, hidden: SecretMasker) -> JsonValue:
    if isinstance(value, str):
        return hidden.masked(value)
    if isinstance(value, list):
        return [_masked(item, hidden) for item in value]
    if isinstance(value, dict):
        return {hidden.masked(name): _masked(item, hidden) for name, item in value.items()}
    return value


def _resource_check(document: Mapping[str, JsonValue], requested: str | None) -> Iterator[Check]:
    value = document.get("resource")
    if value is None or value == "" or requested is None:
        return
    check = requirement("token.resource", wanted=requested)
    values = value if isinstance(value, list) else [value]
    actual = f"{value}"[:300]
    if requested in values:
        yield check.passed(actual)
    elif any(isinstance(v, str) and same_resource(v, requested) for v in values):
        yield check.noticed(f"{actual}; only the slash after the host differs")
    # As in the metadata (RFC 9728 §3.3): Access names the application, which may be the whole host.
    elif any(isinstance(v, str) and covers_url(v, requested) for v in values):
        yield check.noticed(f"{actual}, which is not the same and covers it")
    else:
        yield check.failed(actual, overridable=True)


def clock_check(response: Response, *, now: datetime) -> Check | None:
    """Return how far the server's clock is from ours, or None when it states no readable Date.

    Args:
        now: an aware time, when the answer came.
    """
    date = http_date(response.headers.get("date") or "")
    if date is None:
        return None
    skew = round((date - now).total_seconds())
    check = requirement(CheckId.TOKEN_CLOCK, limit=_SKEW_LIMIT)
    actual = f"the server is {abs(skew)} s {'ahead' if skew > 0 else 'behind'}" if skew else "the same time"
    if abs(skew) <= _SKEW_LIMIT:
        return check.passed(actual)
    return check.warned(actual)


def rotation_check(*, replaced: bool) -> Check:
    """Return whether a refresh replaced the refresh token."""
    check = requirement(CheckId.REFRESH_ROTATION)
    if replaced:
        return check.passed("a new one came")
    return check.noticed("none returned: the old one stays valid")
