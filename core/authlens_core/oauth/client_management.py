"""Client configuration endpoint (RFC 7592): read and delete a registration with its own access token."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from authlens_core.oauth.client_authentication import Client
from authlens_core.values.http_message import JSON_TYPE, Headers, Request
from authlens_core.values.url import parse_url


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
