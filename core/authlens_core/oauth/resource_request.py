"""How the resource itself is asked: a plain GET, or a POST of an MCP client."""

from __future__ import annotations

from authlens_core.oauth.dpop import TOKEN_TYPE, is_bound
from authlens_core.oauth.mcp import McpCall, mcp_request
from authlens_core.oauth.token import is_token
from authlens_core.values.exchange import JSON_TYPE, Headers, Request
from authlens_core.values.secret import Secret
from authlens_core.values.url import Url


def authorization_field(token_type: str, access_token: Secret) -> tuple[str, str]:
    """Return the Authorization field for a token of this type (RFC 9449 §7.1, RFC 6750 §2.1).

    Raises:
        ValueError: the token holds characters that a header field cannot carry.
    """
    if not is_token(access_token.reveal()):
        msg = "the access token is empty, too long, or has characters that a header field cannot carry"
        raise ValueError(msg)
    return "Authorization", f"{TOKEN_TYPE if is_bound(token_type) else 'Bearer'} {access_token.reveal()}"


def resource_request(
    url: Url, call: McpCall | None = None, *, authorization: tuple[str, str] | None = None
) -> Request:
    """Return the request for the resource, with the Authorization field if one is given.

    A `call` is a POST, as of an MCP client. Without one it is a GET that prefers JSON, which makes Access
    answer as it answers a program.
    """
    if call is not None:
        return mcp_request(url, call, authorization=authorization)
    credential = [authorization] if authorization is not None else []
    return Request("GET", url.text, Headers.of([("Accept", f"{JSON_TYPE}, */*;q=0.1"), *credential]))
