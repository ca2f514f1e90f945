"""What the endpoints of every profile share: reading a form and its client, answering an error."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import Response

from authlens_core.emulator.access.edge import NO_STORE, json_answer, read_body
from authlens_core.emulator.access.grants import OAuthRefusal, RegisteredClient

AUTH_METHODS: Final = frozenset({"none", "client_secret_basic", "client_secret_post"})


def refusal(_: Request, error: Any) -> Response:
    """Answer an `OAuthRefusal` in the form of RFC 6749 §5.2; the exception handler of the OAuth endpoints."""
    headers = dict(NO_STORE)
    if error.status == 401:
        headers["www-authenticate"] = 'Basic realm="OAuth"'
    return json_answer({"error": error.error, "error_description": error.description}, error.status, headers)


async def read_form(request: Request) -> dict[str, str]:
    """Return the parameters of a form.

    Raises:
        OAuthRefusal: the body is not a form, or has a parameter twice.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    pairs = parse_qsl((await read_body(request)).decode("utf-8", "replace"), keep_blank_values=True)
    form = dict(pairs)
    if media_type != "application/x-www-form-urlencoded" or len(form) != len(pairs):
        raise OAuthRefusal("invalid_request", "The body is not a form, or has a parameter twice")
    return form


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Who a client says it is, by one of the methods of RFC 6749 §2.3.1."""

    client_id: str
    secret: str = field(repr=False)
    method: str

    @classmethod
    def of(cls, request: Request, form: Mapping[str, str]) -> Self:
        """Return what is in a Basic field, or else in the form."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            with suppress(binascii.Error, ValueError):
                client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
                return cls(unquote_plus(client_id), unquote_plus(secret), "client_secret_basic")
        return cls(form.get("client_id", ""), form.get("client_secret", ""), "client_secret_post")

    def authenticate(self, client: RegisteredClient) -> RegisteredClient:
        """Return the client, if these credentials are the registered ones.

        Raises:
            OAuthRefusal: invalid_client.
        """
        if client.auth_method != "none":
            same = hmac.compare_digest(self.secret.encode(), client.secret.encode())
            if client.auth_method != self.method or not same:
                raise OAuthRefusal("invalid_client", "Client authentication failed", 401)
        return client


def client_information(client: RegisteredClient, place: str) -> dict[str, Any]:
    """Return what a registration answers (RFC 7591 §3.2.1); it is managed at `place`."""
    answer: dict[str, Any] = {
        "client_id": client.client_id,
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": list(client.grant_types),
        "response_types": ["code"],
        "token_endpoint_auth_method": client.auth_method,
        "registration_client_uri": place,
    }
    if client.secret:
        answer |= {"client_secret": client.secret, "client_secret_expires_at": 0}
    return answer
