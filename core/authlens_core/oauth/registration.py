"""Dynamic client registration (RFC 7591) and client metadata documents.

The server may change what a client asked for (RFC 7591 §3.2.1), so everything that came back is compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from authlens_core.oauth.check import Check, failed, noticed, passed, warned
from authlens_core.oauth.client_authentication import AUTH_METHODS, Client
from authlens_core.oauth.error_response import is_usable, read_answer
from authlens_core.oauth.http_message import JSON_TYPE, Headers, Request, Response
from authlens_core.oauth.json_document import JsonValue
from authlens_core.oauth.reading import Reading
from authlens_core.oauth.resource_metadata import string_list
from authlens_core.oauth.url import Url, UrlRefused, parse_url
from authlens_core.secret import Body, Secret

_STAGE: Final = "registration"
_SPEC: Final = "RFC 7591 §3.2.1"
_GRANTS: Final = ("authorization_code", "refresh_token")


def registration_request(
    endpoint: Url,
    *,
    redirect_uri: str,
    client_name: str,
    scope: str | None,
    resource: str | None,
    extra_grants: Sequence[str] = (),
) -> Request:
    """Return the request that introduces a public native client (RFC 7591 §3.1).

    Args:
        scope: what the client will ask for, space-separated; left out when empty.
        resource: the protected resource, as Cloudflare Access documents it; left out when None.
        extra_grants: grant types besides the authorization code and refresh.
    """
    metadata: dict[str, JsonValue] = {
        "client_name": client_name,
        "redirect_uris": [redirect_uri],
        "grant_types": [*_GRANTS, *extra_grants],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    }
    if scope:
        metadata["scope"] = scope
    if resource:
        metadata["resource"] = resource
    fields = [("Accept", JSON_TYPE), ("Content-Type", JSON_TYPE)]
    return Request("POST", endpoint.text, Headers.of(fields), Body(json.dumps(metadata).encode()))


def read_registration(
    response: Response, *, redirect_uri: str, endpoint: Url | None = None, now: datetime | None = None
) -> Reading[Client]:
    """Read the answer to a registration; the client holds what the server gave, not what was asked for.

    Args:
        redirect_uri: what was asked for; a code may be sent nowhere else.
        endpoint: the registration endpoint. Without it management of the registration is left off, because
            nothing says that `registration_client_uri` belongs to the same server.
        now: an aware time, to notice a secret that has expired already.
    """
    answer = read_answer(response, stage=_STAGE, spec=_SPEC, expected=201, tolerated=200)
    if answer.value is None:
        return Reading(None, answer.checks)
    document = answer.value
    checks = [*answer.checks, _client_id_check(document)]
    redirect_uris, note = string_list(document, "redirect_uris", _STAGE)
    checks += [*note, _redirect_check(redirect_uris, redirect_uri)]
    secret, secret_checks = _client_secret(document, now)
    checks += secret_checks
    method, method_check = _auth_method(document, secret)
    checks.append(method_check)
    grants, note = string_list(document, "grant_types", _STAGE)
    checks += [*note, *_grant_checks(grants)]
    management, management_checks = _management(document, endpoint)
    checks += management_checks
    client_id, scope = document.get("client_id"), document.get("scope")
    if not is_usable(checks) or not isinstance(client_id, str):
        return Reading(None, tuple(checks))
    client = Client(
        client_id=client_id,
        redirect_uri=redirect_uri,
        token_endpoint_auth_method=method,
        client_secret=secret,
        client_secret_expires_at=_seconds(document.get("client_secret_expires_at")) if secret else None,
        registration_client_uri=management[0] if management else None,
        registration_access_token=management[1] if management else None,
        grant_types=grants if grants is not None else _GRANTS,
        scope=scope if isinstance(scope, str) and scope else None,
        issued_at=_seconds(document.get("client_id_issued_at")),
    )
    return Reading(client, tuple(checks))


def _seconds(value: JsonValue) -> int | None:
    """Return a time as whole seconds since the epoch; a string of digits counts too."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**15:
        return None
    return value


def _client_id_check(document: Mapping[str, JsonValue]) -> Check:
    name, expected = f"{_STAGE}.client_id", "a client_id of printable ASCII characters"
    why = "It identifies authlens at the server."
    value = document.get("client_id")
    if isinstance(value, str) and value and all(" " <= c <= "~" for c in value):
        return passed(name, expected, value, spec=_SPEC, why=why)
    seen = "missing" if value is None else f"{value!r}"[:200]
    cure = "The server must answer with a client_id; a given one can be used with --client-id."
    return failed(name, expected, seen, why=why, spec=_SPEC, cure=cure)


def _redirect_check(registered: tuple[str, ...] | None, asked: str) -> Check:
    name, expected = f"{_STAGE}.redirect_uris", asked
    why = "A code that is sent anywhere else is lost, or stolen."
    if registered is None:
        return noticed(name, expected, "not stated; assumed as requested", why=why, spec=_SPEC)
    seen = ", ".join(registered)[:500]
    if asked in registered:
        return passed(name, expected, seen, spec=_SPEC, why=why)
    if any(_same_but_port(uri, asked) for uri in registered):
        seen = f"{seen}; only the port differs, which a loopback redirect may choose"
        return warned(name, expected, seen, why=why, spec="RFC 8252 §7.3")
    cure = "The server replaced the redirect URI: it has to allow the one that was asked for."
    return failed(name, expected, seen, why=why, spec=_SPEC, cure=cure)


def _same_but_port(uri: str, asked: str) -> bool:
    try:
        theirs, ours = urlsplit(uri), urlsplit(asked)
        if theirs.username is not None or theirs.scheme != "http" or ours.scheme != "http":
            return False
        if ours.hostname not in ("localhost", "127.0.0.1", "::1"):
            return False
        return (theirs.hostname, theirs.path, theirs.query) == (ours.hostname, ours.path, ours.query)
    except ValueError:
        return False


def _client_secret(
    document: Mapping[str, JsonValue], now: datetime | None
) -> tuple[Secret | None, tuple[Check, ...]]:
    """Return the secret that was handed out, if any; its value never enters a check."""
    value = document.get("client_secret")
    if value is None or value == "":
        return None, ()
    name, expected = f"{_STAGE}.client_secret", "no client_secret, as none was asked for"
    why = "A secret on this machine is weak evidence; it is stored like a token."
    if not isinstance(value, str) or not all(" " <= c <= "~" for c in value):
        cure = "The server must send client_secret as a string of printable ASCII characters."
        return None, (failed(name, expected, "malformed", why=why, spec=_SPEC, cure=cure),)
    checks = [noticed(name, expected, "one was given", why=why, spec=_SPEC)]
    checks.append(_expiry_check(document.get("client_secret_expires_at"), now))
    return Secret(value), tuple(checks)


def _expiry_check(value: JsonValue, now: datetime | None) -> Check:
    name = f"{_STAGE}.client_secret_expires_at"
    expected = "a time in the future, or 0 for never"
    why = "When the secret expires, the client has to be registered again."
    seconds = _seconds(value)
    if seconds is None:
        seen = "missing" if value is None else f"unreadable: {value!r}"[:200]
        return noticed(name, expected, seen, why=why, spec=_SPEC)
    if seconds and now is not None and seconds <= now.timestamp():
        cure = "Register again; if it happens again, the server's clock or ours is wrong."
        return failed(name, expected, f"{seconds}, in the past", why=why, spec=_SPEC, cure=cure)
    if isinstance(value, str):
        return noticed(name, expected, f"{seconds}, written as a string", why=why, spec=_SPEC)
    return passed(name, expected, str(seconds), spec=_SPEC, why=why)


def _auth_method(document: Mapping[str, JsonValue], secret: Secret | None) -> tuple[str, Check]:
    """Return the method the client has to use at the token endpoint; the one the answer names wins."""
    name, expected = f"{_STAGE}.token_endpoint_auth_method", "none"
    why = "It is how the client authenticates at the token endpoint."
    stated = document.get("token_endpoint_auth_method")
    if stated is None:
        # RFC 7591 §2: what is not stated is client_secret_basic, which needs a secret.
        method = "client_secret_basic" if secret else "none"
        seen = f"not stated; {method} is used"
        return method, noticed(name, expected, seen, why=why, spec="RFC 7591 §2")
    if stated == "none":
        return "none", passed(name, expected, "none", spec=_SPEC, why=why)
    cure = "The server must register the client with token_endpoint_auth_method none."
    if not isinstance(stated, str) or stated not in AUTH_METHODS:
        seen = f"{stated!r}, which authlens does not have"[:200]
        return "none", failed(name, expected, seen, why=why, spec=_SPEC, cure=cure)
    if secret is None:
        seen = f"{stated}, and no client_secret was given; none is used"
        return "none", warned(name, expected, seen, why=why, spec=_SPEC, cure=cure)
    return stated, noticed(name, expected, f"{stated}, which is used", why=why, spec=_SPEC)


def _grant_checks(grants: tuple[str, ...] | None) -> Iterator[Check]:
    name = f"{_STAGE}.grant_types"
    why = "Without authorization_code there is no login, without refresh_token a new one every time."
    expected, seen = ", ".join(_GRANTS), ", ".join(grants or ()) or "not stated; assumed as requested"
    if grants is None:
        yield noticed(name, expected, seen, why=why, spec=_SPEC)
    elif "authorization_code" not in grants:
        cure = "The server must allow the authorization_code grant for this client."
        yield failed(name, expected, seen, why=why, spec=_SPEC, cure=cure, overridable=True)
    elif "refresh_token" not in grants:
        cure = "Expect to log in again when the token expires; some servers return a refresh token anyway."
        yield warned(name, expected, seen, why=why, spec=_SPEC, cure=cure)
    else:
        yield passed(name, expected, seen, spec=_SPEC, why=why)


def _management(
    document: Mapping[str, JsonValue], endpoint: Url | None
) -> tuple[tuple[str, Secret] | None, tuple[Check, ...]]:
    """Return where and with what the registration can be managed, if that place is the same server's."""
    uri, token = document.get("registration_client_uri"), document.get("registration_access_token")
    if uri is None and token is None:
        return None, ()
    name, expected = (
        f"{_STAGE}.registration_client_uri",
        "a URL at the registration endpoint's origin, and a token",
    )
    why = "The registration access token is sent only there."
    seen = f"{uri!r}"[:300]
    if not isinstance(token, str) or not token or not all("!" <= c <= "~" for c in token):
        seen = f"{seen}, without a usable registration_access_token; this client cannot be removed by us"
        return None, (noticed(name, expected, seen, why=why, spec="RFC 7592 §3"),)
    problem = _management_problem(uri, endpoint)
    if problem or not isinstance(uri, str):
        seen = f"{seen}: {problem}; the token is never sent"
        return None, (warned(name, expected, seen, why=why, spec="RFC 7592 §3, §5"),)
    check = passed(name, expected, uri, spec="RFC 7592 §3", why=why)
    return (uri, Secret(token)), (check,)


def _management_problem(uri: JsonValue, endpoint: Url | None) -> str:
    if not isinstance(uri, str):
        return "not a URL"
    if endpoint is None:
        return "there is nothing to compare it with"
    try:
        url = parse_url(uri, loopback_http=endpoint.is_loopback)
    except UrlRefused as refused:
        return "; ".join(refused.reasons)
    return "" if url.origin == endpoint.origin else f"not on {endpoint.origin}"


def is_client_metadata_url(text: str, *, loopback_http: bool = False) -> Reading[Url]:
    """Read a URL that is a client id of its own: a client metadata document (CIMD draft §3).

    It is https, has a path other than `/`, and neither fragment, userinfo nor dot segments. With
    `loopback_http`, a server on this machine may also fetch it from this machine.
    """
    name = "registration.client_metadata_url"
    expected = "an https URL with a path, without fragment, user name or dot segments"
    why = "The server fetches it to learn who we are, so it has to be one exact document."
    spec = "OAuth Client ID Metadata Document §3"
    cure = "Give the URL of the document itself: --client-metadata-url https://host/path."
    try:
        url = parse_url(text, loopback_http=loopback_http)
    except UrlRefused as refused:
        seen = f"{text[:300]} ({'; '.join(refused.reasons)})"
        return Reading(
            None,
            (failed(name, expected, seen, why=why, spec=spec, cure=cure),),
        )
    segments = url.path.lower().replace("%2e", ".").split("/")
    if url.path in ("", "/") or "." in segments or ".." in segments:
        return Reading(
            None,
            (failed(name, expected, url.text, why=why, spec=spec, cure=cure),),
        )
    if url.query:
        seen = f"{url.text}, with a query, which should not be there"
        return Reading(
            url,
            (warned(name, expected, seen, why=why, spec=spec, cure=cure),),
        )
    return Reading(url, (passed(name, expected, url.text, spec=spec, why=why),))
