"""How the resource itself is asked: a plain GET, or a POST of an MCP client."""

from __future__ import annotations

from typing import Literal

from authlens_core.oauth.dpop import TOKEN_TYPE, is_bound
from authlens_core.oauth.http_message import JSON_TYPE, Headers, Request
from authlens_core.oauth.mcp import McpCall, mcp_request
from authlens_core.oauth.token import bearer_header
from authlens_core.oauth.url import Url
from authlens_core.secret import Secret


def authorization_field(token_type: str, access_token: Secret) -> tuple[str, str]:
    """Return the Authorization field for a token of this type (RFC 9449 §7.1, RFC 6750 §2.1).

    Raises:
        ValueError: the token holds characters that a header field cannot carry.
    """
    name, value = bearer_header(access_token)
    return (name, f"{TOKEN_TYPE} {access_token.reveal()}") if is_bound(token_type) else (name, value)


def resource_request(
    url: Url,
    method: Literal["GET", "POST"],
    *,
    authorization: tuple[str, str] | None = None,
    call: McpCall = McpCall.INITIALIZE,
) -> Request:
    """Return the request for the resource, with the Authorization field if one is given.

    GET prefers JSON, which makes Access answer as it answers a program. POST is the call of an MCP client.
    """
    if method == "POST":
        return mcp_request(url, call, authorization=authorization)
    credential = [authorization] if authorization is not None else []
    return Request("GET", url.text, Headers.of([("Accept", f"{JSON_TYPE}, */*;q=0.1"), *credential]))
