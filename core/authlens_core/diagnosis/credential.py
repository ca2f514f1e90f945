"""What a request carried as a credential, and what is wrong with a service token as it was sent.

Field names and shapes: Cloudflare, Service tokens; Cloudflare, Authorization cookie.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from authlens_core.cloudflare.service_token_headers import (
    CLIENT_ID,
    CLIENT_SECRET,
    is_client_id,
    is_client_secret,
)
from authlens_core.values.check import CheckId
from authlens_core.values.exchange import Request
from authlens_core.values.formats.json_document import object_in
from authlens_core.values.secret import Secret

_JWT_FIELDS: Final = ("cf-access-token", "cf-access-jwt-assertion")
_SECRET_PARAMETERS: Final = frozenset(
    {
        *("code", "code_verifier", "device_code", "refresh_token", "client_secret", "token", "assertion"),
        *("state", "nonce"),  # of a pushed authorization request (RFC 9126 §2.1)
    }
)


class Credential(StrEnum):
    """The kind of credential that a request carried."""

    NONE = "none"
    BEARER = "bearer token"
    BEARER_JWT = "JWT as a bearer token"
    SERVICE_TOKEN = "service token"  # noqa: S105 - a kind, not a token
    ACCESS_JWT = "Access token"


def credential_of(request: Request) -> Credential:
    """Return what `request` carried; a service token in either form counts before everything else."""
    headers = request.headers
    if headers.get(CLIENT_ID) is not None or headers.get(CLIENT_SECRET) is not None:
        return Credential.SERVICE_TOKEN
    if _single_header_pair(request) is not None:
        return Credential.SERVICE_TOKEN
    # After the service token: Access looks at it first.
    scheme, _, token = (headers.get("authorization") or "").strip().partition(" ")
    if scheme.lower() == "bearer":
        return Credential.BEARER_JWT if token.strip().startswith("eyJ") else Credential.BEARER
    if any(headers.get(name) is not None for name in _JWT_FIELDS) or "CF_Authorization" in _cookies(request):
        return Credential.ACCESS_JWT
    return Credential.NONE


def pair_problems(request: Request) -> tuple[str, ...]:
    """Return what is wrong with the service token of `request`, as names of checks; nothing without one.

    `service_token.half`: only the id or only the secret. `service_token.twice`: a field came twice, or both
    forms were used. `service_token.swapped`: each is where the other belongs. `service_token.shape`:
    the id is not 32 hexadecimal digits with `.access`, or the secret has neither of the two known shapes.
    """
    ids, secrets = request.headers.get_all(CLIENT_ID), request.headers.get_all(CLIENT_SECRET)
    single = _single_header_pair(request)
    if single is not None:
        ids, secrets = (*ids, single[0]), (*secrets, single[1])
    if not ids and not secrets:
        return ()
    if len(ids) > 1 or len(secrets) > 1:
        return (CheckId.SERVICE_TOKEN_TWICE,)
    if not ids or not secrets or not ids[0] or not secrets[0]:
        return (CheckId.SERVICE_TOKEN_HALF,)
    if is_client_id(secrets[0]) and not is_client_id(ids[0]):
        return (CheckId.SERVICE_TOKEN_SWAPPED,)
    return () if is_client_id(ids[0]) and is_client_secret(secrets[0]) else ("service_token.shape",)


def secrets_sent(request: Request) -> tuple[Secret, ...]:
    """Return every secret that `request` carried, to be masked where an answer repeats it."""
    # A shorter one would be masked within ordinary words.
    return tuple(Secret(value) for value in dict.fromkeys(_secret_values(request)) if len(value) >= 4)


def _secret_values(request: Request) -> Iterator[str]:
    for value in request.headers.get_all("authorization"):
        scheme, _, credentials = value.strip().partition(" ")
        yield value
        yield credentials.strip()
        if scheme.lower() == "basic":
            yield _password(credentials.strip())
    for name in (CLIENT_SECRET, *_JWT_FIELDS):
        yield from request.headers.get_all(name)
    yield from _cookies(request).values()
    single = _single_header_pair(request)
    if single is not None:
        yield single[1]
    if request.headers.is_form:
        body = request.body.reveal().decode("utf-8", "replace")
        yield from (value for name, value in parse_qsl(body) if name in _SECRET_PARAMETERS)


def _password(credentials: str) -> str:
    """Return the secret of a client in Basic credentials (RFC 6749 §2.3.1), or the empty string."""
    try:
        pair = base64.b64decode(credentials, validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""
    return unquote_plus(pair.partition(":")[2])


def _single_header_pair(request: Request) -> tuple[str, str] | None:
    """Return the pair in the single-header form: an object in JSON as the value of a field of any name."""
    for _, value in request.headers.fields:
        # The app's owner chooses the field, so every one that looks like JSON may be it.
        if not value.lstrip().startswith("{"):
            continue
        members = object_in(value.encode("utf-8", "surrogatepass"))
        pair = members.get(CLIENT_ID), members.get(CLIENT_SECRET)
        if any(member is not None for member in pair):
            return str(pair[0] or ""), str(pair[1] or "")
    return None


def _cookies(request: Request) -> dict[str, str]:
    values = request.headers.get_all("cookie")
    if not values:
        return {}
    from http.cookies import CookieError, SimpleCookie  # few requests have any

    jar: SimpleCookie = SimpleCookie()
    try:
        for value in values:
            jar.load(value)
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}
