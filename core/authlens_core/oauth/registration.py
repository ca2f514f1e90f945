"""Client registration (RFC 7591): what authlens says of itself, the answer, and the end of one (RFC 7592).

A client metadata document says the same, for a server that fetches it itself. A server may change what a
client asked for (RFC 7591 §3.2.1), so everything that came back is compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.oauth.client_authentication import Client, secret_method
from authlens_core.oauth.device_authorization import GRANT_TYPE
from authlens_core.oauth.discovery.resource_metadata import string_list
from authlens_core.values.check import Check, ErrorCode, Reading, Requirement, requirement
from authlens_core.values.exchange import JSON_TYPE, Headers, Request, Response, is_visible
from authlens_core.values.formats.error_response import (
    is_usable,
    listed,
    members_of,
    quoted_value,
    read_answer,
    read_error,
)
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.secret import Body, Secret
from authlens_core.values.stage import AUTH_METHODS
from authlens_core.values.url import Url, UrlRefused, parse_url, usable_url

_STAGE: Final = "registration"
_SPEC: Final = "RFC 7591 §3.2.1"
CODE_GRANTS: Final = ("authorization_code", "refresh_token")


class ClientWish(Struct, frozen=True):
    """The kind of client that a registration asks for.

    Attributes:
        auth_method: one of `AUTH_METHODS`; None leaves the choice to the server.
    """

    grants: tuple[str, ...] = CODE_GRANTS
    auth_method: str | None = "none"

    def after(self, response: Response, own_grants: Sequence[str]) -> ClientWish | None:
        """Return what to ask for after a refusal, each difference once; None if another would change nothing.

        A client that was stored as a confidential one, and got no secret, is of no use either.

        Args:
            own_grants: those of the login at hand alone, for servers that give a client one of them only.
        """
        if response.status < 300 and self.auth_method == "none" and lacks_secret(response):
            return replace(self, auth_method=None)
        error = read_error(response)
        if error is None or error.error not in _OF_THE_METADATA:
            return None
        description = error.description.lower()
        if self.auth_method == "none" and any(phrase in description for phrase in _NO_PUBLIC_CLIENTS):
            return replace(self, auth_method=None)
        alone = tuple(own_grants)
        return None if self.grants == alone or "redirect" in description else replace(self, grants=alone)


def lacks_secret(response: Response) -> bool:
    """Return whether a registration names a method that needs a secret, and gives none."""
    client = members_of(response)
    return client.get("token_endpoint_auth_method") in AUTH_METHODS[1:] and not client.get("client_secret")


_OF_THE_METADATA: Final = frozenset({ErrorCode.INVALID_CLIENT_METADATA, ErrorCode.INVALID_REQUEST})
_NO_PUBLIC_CLIENTS: Final = ("auth_method", "auth method", "authentication method", "public client")


def registration_request(
    endpoint: Url,
    wish: ClientWish,
    *,
    redirect_uri: str,
    client_name: str,
    scope: str | None,
    resource: str | None,
    initial_access_token: Secret | None = None,
) -> Request:
    """Return the request that introduces a native client (RFC 7591 §3.1).

    Args:
        scope: what the client will ask for, space-separated; left out when empty.
        resource: the protected resource, as Cloudflare Access documents it; left out when None.
        initial_access_token: allows the registration where the server requires it (§3).
    """
    metadata = _client_metadata(client_name, [redirect_uri], wish)
    if scope:
        metadata["scope"] = scope
    if resource:
        metadata["resource"] = resource
    fields = [("Accept", JSON_TYPE), ("Content-Type", JSON_TYPE)]
    if initial_access_token is not None:
        fields.append(("Authorization", f"Bearer {initial_access_token.reveal()}"))
    return Request("POST", endpoint.text, Headers.of(fields), Body(json.dumps(metadata).encode()))


def _client_metadata(name: str, redirect_uris: Sequence[str], wish: ClientWish) -> dict[str, JsonValue]:
    # RFC 8252 §8.4: what is installed on many machines cannot keep a secret. Left out, it would mean
    # client_secret_basic.
    method = {} if wish.auth_method is None else {"token_endpoint_auth_method": wish.auth_method}
    return {
        "client_name": name,
        "redirect_uris": [*redirect_uris],
        "grant_types": [*wish.grants],
        # RFC 7591 §2.1: only the authorization code has one.
        "response_types": ["code"] if "authorization_code" in wish.grants else [],
        **method,
        # OpenID Connect Registration §2: without it the client counts as a web client, for which servers
        # refuse http.
        "application_type": "native",
    }


def is_client_metadata_url(text: str, *, loopback_http: bool = False) -> Reading[Url]:
    """Read a URL that is a client id of its own: a client metadata document (CIMD draft §3).

    It is https, has a path other than `/`, and neither fragment, userinfo nor dot segments. With
    `loopback_http`, a server on this machine may also fetch it from this machine.
    """
    check = requirement("registration.client_metadata_url")
    try:
        url = parse_url(text, loopback_http=loopback_http)
    except UrlRefused as refused:
        return Reading(None, (check.failed(f"{text[:300]} ({refused})", "unusable"),))
    segments = url.path.lower().replace("%2e", ".").split("/")
    if url.path in ("", "/") or "." in segments or ".." in segments:
        return Reading(None, (check.failed(url.text, "unusable"),))
    if url.query:
        actual = f"{url.text}, with a query, which should not be there"
        return Reading(url, (check.warned(actual),))
    return Reading(url, (check.passed(url.text),))


def client_document(
    url: str, *, client_name: str, redirect_uris: Sequence[str], device_only: bool = False
) -> dict[str, JsonValue]:
    """Return the document whose URL is the client id (CIMD draft §4).

    Args:
        device_only: for a server that gives a client one grant type: that of the code for another device.
        url: where the document is to be hosted, letter for letter.
        redirect_uris: where the callback listens; a server may take other loopback ports too (RFC 8252 §7.3).
    """
    wish = ClientWish((GRANT_TYPE, "refresh_token") if device_only else (*CODE_GRANTS, GRANT_TYPE))
    return {"client_id": url, **_client_metadata(client_name, redirect_uris, wish)}


def read_registration(
    response: Response,
    *,
    redirect_uri: str,
    endpoint: Url | None = None,
    now: datetime | None = None,
    chosen_method: str | None = None,
    methods: Sequence[str] | None = None,
    grant: str = "authorization_code",
) -> Reading[Client]:
    """Read the answer to a registration; the client holds what the server gave, not what was asked for.

    Args:
        redirect_uri: what was asked for; a code may be sent nowhere else.
        endpoint: the registration endpoint. Without it management of the registration is left off, because
            nothing says that `registration_client_uri` belongs to the same server.
        now: an aware time, to notice a secret that has expired already.
        chosen_method: how the user wants to authenticate, whatever the answer says.
        methods: the authentication methods in the server's metadata.
        grant: the grant type without which there is no login.
    """
    # RFC 7591 §3.2.1 says 201; many servers answer 200.
    answer = read_answer(response, stage=_STAGE, spec=_SPEC, expected=201, tolerated=200)
    if answer.value is None:
        return Reading(None, answer.checks)
    document = answer.value
    checks = [*answer.checks, _client_id_check(document)]
    redirect_uris, note = string_list(document, "redirect_uris", _STAGE)
    checks += [*note, _redirect_check(redirect_uris, redirect_uri)]
    secret, secret_checks = _client_secret(document)
    method, method_check = _auth_method(document, secret, chosen_method, methods)
    checks += [*secret_checks, method_check]
    if secret is not None:
        checks.append(
            _expiry_check(document.get("client_secret_expires_at"), now, is_needed=method != "none")
        )
    grants, note = string_list(document, "grant_types", _STAGE)
    checks += [*note, _grant_check(grants, grant)]
    management_uri, management_token, management_checks = _management(document, endpoint)
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
        registration_client_uri=management_uri,
        registration_access_token=management_token,
        grant_types=grants if grants is not None else CODE_GRANTS,
        scope=scope if isinstance(scope, str) and scope else None,
        issued_at=_seconds(document.get("client_id_issued_at")),
    )
    return Reading(client, tuple(checks))


def _seconds(value: JsonValue) -> int | None:
    """Return a time as whole seconds since the epoch; a string of digits counts too."""
    # Some servers write numbers as strings.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        value = int(value)
    # Fifteen digits of seconds are beyond every calendar; the cut keeps int() cheap.
    if type(value) is not int or not 0 <= value < 10**15:
        return None
    return value


def _client_id_check(document: Mapping[str, JsonValue]) -> Check:
    check = requirement("registration.client_id")
    value = document.get("client_id")
    if isinstance(value, str) and value and value.isascii() and value.isprintable():
        return check.passed(value)
    return check.failed(quoted_value(value))


def _redirect_check(registered: tuple[str, ...] | None, requested: str) -> Check:
    check = requirement("registration.redirect_uris", wanted=requested)
    if registered is None:
        return check.noticed("not stated; assumed as requested")
    actual = listed(registered)
    if requested in registered:
        return check.passed(actual)
    if any(_same_but_port(uri, requested) for uri in registered):
        actual = f"{actual}; only the port differs, which a loopback redirect may choose"
        return check.warned(actual)
    return check.failed(actual)


def _same_but_port(uri: str, requested: str) -> bool:
    theirs, ours = usable_url(uri, loopback_http=True), usable_url(requested, loopback_http=True)
    # Plain http has passed, so it is on loopback.
    if theirs is None or ours is None or ours.scheme != "http":
        return False
    return replace(theirs, port=None) == replace(ours, port=None)


def _client_secret(document: Mapping[str, JsonValue]) -> tuple[Secret | None, tuple[Check, ...]]:
    """Return the secret that was handed out, if any; its value never enters a check."""
    value = document.get("client_secret")
    if value is None or value == "":
        return None, ()
    check = requirement("registration.client_secret")
    if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
        return None, (check.failed("malformed"),)
    return Secret(value), (check.noticed("one was given"),)


def _expiry_check(value: JsonValue, now: datetime | None, *, is_needed: bool) -> Check:
    check = requirement("registration.client_secret_expires_at")
    seconds = _seconds(value)
    if seconds is None:
        return check.noticed(quoted_value(value, "unreadable"))
    if seconds and now is not None and seconds <= now.timestamp():
        if not is_needed:
            return check.warned(f"{seconds}, in the past; the client needs no secret, so it is ignored")
        return check.failed(f"{seconds}, in the past", overridable=True)
    if isinstance(value, str):
        return check.noticed(f"{seconds}, written as a string")
    return check.passed(str(seconds))


def _auth_method(
    document: Mapping[str, JsonValue],
    secret: Secret | None,
    chosen: str | None,
    methods: Sequence[str] | None,
) -> tuple[str, Check]:
    """Return the method to use at the token endpoint: the user's choice, else the one the answer names."""
    check = requirement("registration.token_endpoint_auth_method", wanted=chosen or "none")
    stated = document.get("token_endpoint_auth_method")
    if chosen is not None:
        return chosen, _chosen_check(check, chosen, stated, secret)
    if stated is None:
        # RFC 7591 §2: what is not stated is client_secret_basic, which needs a secret.
        method = secret_method(methods) if secret else "none"
        return method, check.noticed(f"not stated; {method} is used", "unstated")
    if stated == "none":
        return "none", check.passed("none")
    if not isinstance(stated, str) or stated not in AUTH_METHODS:
        return "none", check.failed(f"{stated!r}, which authlens does not have"[:200], "not_none")
    if secret is None:
        return "none", check.warned(f"{stated}, and no client_secret was given; none is used", "not_none")
    return stated, check.noticed(f"{stated}, which is used")


def _chosen_check(check: Requirement, chosen: str, stated: JsonValue, secret: Secret | None) -> Check:
    if chosen != "none" and secret is None:
        return check.failed(f"{stated!r}, without a client_secret"[:200], "no_secret")
    if stated == chosen:
        return check.passed(chosen)
    return check.warned(f"{stated!r}; {chosen} is used, because you chose it"[:200])


def _grant_check(grants: tuple[str, ...] | None, grant: str) -> Check:
    check = requirement("registration.grant_types", grant=grant)
    if grants is None:
        return check.noticed("not stated; assumed as requested")
    actual = listed(grants)
    if grant not in grants:
        # Many servers answer with the grants that they know of a browser's login, and take the others too.
        if grant != CODE_GRANTS[0]:
            return check.warned(actual, "no_grant")
        return check.failed(actual, "no_grant", overridable=True)
    if "refresh_token" not in grants:
        return check.warned(actual, "no_refresh")
    return check.passed(actual)


def _management(
    document: Mapping[str, JsonValue], endpoint: Url | None
) -> tuple[str | None, Secret | None, tuple[Check, ...]]:
    """Return where and with what the registration can be managed, if that place is the same server's."""
    uri, token = document.get("registration_client_uri"), document.get("registration_access_token")
    if uri is None and token is None:
        return None, None, ()
    check = requirement("registration.registration_client_uri")
    actual = f"{uri!r}"[:300]
    if not isinstance(token, str) or not token or not is_visible(token):
        actual = f"{actual}, without a usable registration_access_token; this client cannot be removed by us"
        return None, None, (check.noticed(actual),)
    problem = _management_problem(uri, endpoint)
    if problem or not isinstance(uri, str):
        # A token that went to another origin would let its owner change or delete the registration.
        return None, None, (check.warned(f"{actual}: {problem}; the token is never sent"),)
    return uri, Secret(token), (check.passed(uri),)


def _management_problem(uri: JsonValue, endpoint: Url | None) -> str:
    if not isinstance(uri, str):
        return "not a URL"
    if endpoint is None:
        return "there is nothing to compare it with"
    try:
        url = parse_url(uri, loopback_http=endpoint.is_loopback)
    except UrlRefused as refused:
        return str(refused)
    return "" if url.origin == endpoint.origin else f"not on {endpoint.origin}"


class Deletion(StrEnum):
    """What the server said to a deletion."""

    DELETED = "deleted"
    GONE = "gone"
    """It does not know the client, or its token, any more (§2.1)."""
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"


def management_request(
    client: Client, method: Literal["GET", "DELETE"], *, loopback_http: bool
) -> Request | None:
    """Return the request to read or delete the registration; None if the server gave no way to (§2.1, §2.3).

    Raises:
        UrlRefused: the stored URL cannot be used.
    """
    uri, token = client.registration_client_uri, client.registration_access_token
    if uri is None or token is None:
        return None
    url = parse_url(uri, loopback_http=loopback_http)
    fields = [("Accept", JSON_TYPE), ("Authorization", f"Bearer {token.reveal()}")]
    return Request(method, url.text, Headers.of(fields))


def read_deletion(status: int) -> Deletion:
    """Return what the status of a DELETE means (§2.3)."""
    if status in (200, 202, 204):
        return Deletion.DELETED
    if status in (401, 404, 410):
        return Deletion.GONE
    return Deletion.UNSUPPORTED if status in (403, 405, 501) else Deletion.REFUSED
