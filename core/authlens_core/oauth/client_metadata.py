"""What authlens says of itself: in a registration (RFC 7591), or in a client metadata document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from authlens_core.oauth.device_authorization import GRANT_TYPE
from authlens_core.oauth.error_response import read_error
from authlens_core.values.check import ErrorCode, Reading, requirement
from authlens_core.values.exchange import JSON_TYPE, Headers, Request, Response
from authlens_core.values.formats.json_document import JsonValue
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Body, Secret
from authlens_core.values.url import Url, UrlRefused, parse_url

CODE_GRANTS: Final = ("authorization_code", "refresh_token")


@dataclass(frozen=True, slots=True)
class ClientWish:
    """The kind of client that a registration asks for.

    Attributes:
        auth_method: one of `AUTH_METHODS`; None leaves the choice to the server.
    """

    grants: tuple[str, ...] = CODE_GRANTS
    auth_method: str | None = "none"

    def after(self, response: Response, own_grants: Sequence[str]) -> ClientWish | None:
        """Return what to ask for after a refusal, each difference once; None if another would change nothing.

        Args:
            own_grants: those of the login at hand alone, for servers that give a client one of them only.
        """
        error = read_error(response)
        if error is None or error.error not in _OF_THE_METADATA:
            return None
        words = error.description.lower()
        if self.auth_method == "none" and any(said in words for said in _NO_PUBLIC_CLIENTS):
            return replace(self, auth_method=None)
        alone = tuple(own_grants)
        return None if self.grants == alone or "redirect" in words else replace(self, grants=alone)


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
        seen = f"{url.text}, with a query, which should not be there"
        return Reading(url, (check.warned(seen),))
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
