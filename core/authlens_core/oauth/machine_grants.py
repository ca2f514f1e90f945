"""The token requests of a program that logs in without a user (RFC 6749 §4.4)."""

from __future__ import annotations

from authlens_core.oauth.client_authentication import Client, form_request
from authlens_core.oauth.formats.form import FormPair
from authlens_core.values.exchange import Request
from authlens_core.values.stage import GrantType
from authlens_core.values.url import Url


def client_credentials_request(
    token_endpoint: Url, client: Client, *, scope: str | None, resource: str | None
) -> Request:
    """Return the request of a client that acts in its own name."""
    pairs: list[FormPair] = [
        ("grant_type", GrantType.CLIENT_CREDENTIALS),
        ("scope", scope or ""),
        ("resource", resource or ""),
    ]
    return form_request(token_endpoint, client, pairs)
