"""The client metadata document that a user hosts: a server knows authlens by its URL (CIMD draft §4)."""

from __future__ import annotations

from authlens_core.oauth.device_authorization import GRANT_TYPE
from authlens_core.oauth.json_document import JsonValue


def client_document(url: str, *, client_name: str, port: int) -> dict[str, JsonValue]:
    """Return the document whose URL is the client id; both forms of the loopback callback are in it.

    Args:
        url: where the document is to be hosted, letter for letter.
        port: where the callback listens; a server may take other loopback ports too (RFC 8252 §7.3).
    """
    return {
        "client_id": url,
        "client_name": client_name,
        "redirect_uris": [f"http://{host}:{port}/callback" for host in ("localhost", "127.0.0.1")],
        "grant_types": ["authorization_code", "refresh_token", GRANT_TYPE],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    }
