"""How the resource itself is asked: a plain GET, or a POST of an MCP client."""

from __future__ import annotations

from typing import Literal

from authlens_core.oauth.http_message import JSON_TYPE, Headers, Request
from authlens_core.oauth.mcp import McpCall, mcp_request
from authlens_core.oauth.url import Url

__all__ = ["resource_request"]


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
