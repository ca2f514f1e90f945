"""The client, and how it says who it is at the token and revocation endpoints (RFC 6749 §2.3)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from urllib.parse import quote_plus

from authlens_core.oauth.formats.form import FormPair, encode_form
from authlens_core.values.exchange import FORM_TYPE, JSON_TYPE, Headers, Request
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Body, Secret
from authlens_core.values.url import Url

AUTH_METHODS: Final = ("none", "client_secret_basic", "client_secret_post")


@dataclass(frozen=True, slots=True)
class Client:
    """A client as an authorization server knows it (RFC 7591 §3.2.1).

    Attributes:
        client_id: the identifier, unique at one issuer only.
        redirect_uri: where codes are sent, byte for byte as it was registered.
        token_endpoint_auth_method: one of `AUTH_METHODS`.
        client_secret: None for a public client.
        client_secret_expires_at: seconds since the epoch; 0 is never, None is not stated.
        registration_client_uri: where the registration can be managed (RFC 7592), or None.
        registration_access_token: the token for that place only, or None.
        scope: what the client may ask for, space-separated, or None.
        issued_at: seconds since the epoch, or None.
    """

    client_id: str
    redirect_uri: str
    token_endpoint_auth_method: str = "none"  # noqa: S105 - a method, not a password
    client_secret: Secret | None = None
    client_secret_expires_at: int | None = None
    registration_client_uri: str | None = None
    registration_access_token: Secret | None = None
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    scope: str | None = None
    issued_at: int | None = None


def form_request(endpoint: Url, client: Client, form_pairs: Iterable[FormPair]) -> Request:
    """Return the form request of `client` to `endpoint`, with never more than one kind of authentication.

    A public client names itself in the body. A client with a secret uses the method it was registered with;
    without a secret it can only name itself.

    Raises:
        ValueError: the client was registered with a method that is not one of `AUTH_METHODS`.
    """
    pairs = list(form_pairs)
    fields = [("Accept", JSON_TYPE), ("Content-Type", FORM_TYPE)]
    method, secret = client.token_endpoint_auth_method, client.client_secret
    if method not in AUTH_METHODS:
        raise ValueError("the client is registered with an authentication method that authlens does not have")
    if method == "client_secret_basic" and secret is not None:
        # Both halves are form-encoded before they are joined (RFC 6749 §2.3.1), so a colon in one splits
        # nothing.
        credentials = f"{quote_plus(client.client_id)}:{quote_plus(secret.reveal())}"
        token = base64.b64encode(credentials.encode("ascii")).decode("ascii")
        fields.append(("Authorization", f"Basic {token}"))
    else:
        # RFC 6749 §3.2.1: a client that does not authenticate sends its client_id.
        pairs.append(("client_id", client.client_id))
        if method == "client_secret_post" and secret is not None:
            pairs.append(("client_secret", secret))
    return Request("POST", endpoint.text, Headers.of(fields), encode_form(pairs))


def wants_empty_secret(client: Client, status: int, description: str) -> bool:
    """Whether a server refused a public client for want of a `client_secret` field.

    Some servers read the field before they look whether the client has a secret; an empty one satisfies them
    and gives nothing away. Others refuse an empty one, so it is sent only to those that ask.
    """
    missing = "client_secret" in description and "required" in description.lower()
    is_public = client.token_endpoint_auth_method == "none"  # noqa: S105 - a method, not a password
    return is_public and status in {400, 401, 422} and missing


def with_empty_secret(request: Request) -> Request:
    """Return a form request with an empty `client_secret` field added."""
    return replace(request, body=Body(request.body.reveal() + b"&client_secret="))
