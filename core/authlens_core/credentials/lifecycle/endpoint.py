"""The stored endpoints of a grant, checked each time before a secret is sent to them, and its client."""

from __future__ import annotations

from authlens_core.credentials.records.grant import Grant
from authlens_core.oauth.client_authentication import Client
from authlens_core.oauth.url import Url, parse_url, usable_url
from authlens_core.secret import Secret


def _is_plain_loopback(text: str) -> bool:
    url = usable_url(text, loopback_http=True)
    return url is not None and url.scheme == "http" and url.is_loopback


def loopback_http(grant: Grant) -> bool:
    """Return whether plain http is allowed: only where resource and issuer are both http on loopback."""
    return _is_plain_loopback(grant.resource_url) and _is_plain_loopback(grant.issuer)


def endpoint_url(text: str, grant: Grant) -> Url:
    """Return a stored endpoint of `grant`, parsed strictly.

    Raises:
        UrlRefused: it is no URL that a secret may be sent to.
    """
    return parse_url(text, loopback_http=loopback_http(grant))


def client_of(grant: Grant, client_secret: Secret | None) -> Client:
    """Return the client of a grant, to authenticate with at its issuer."""
    return Client(
        client_id=grant.client_id,
        redirect_uri=grant.redirect_uri,
        token_endpoint_auth_method=grant.token_endpoint_auth_method,
        client_secret=client_secret,
    )
