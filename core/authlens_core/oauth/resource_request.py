"""How the resource itself is asked: a plain GET, or the opening POST of an MCP client."""

from __future__ import annotations

import json
from typing import Final, Literal

from authlens_core.oauth.http_message import JSON_TYPE, Headers, Request
from authlens_core.oauth.url import Url
from authlens_core.secret import Body

__all__ = ["resource_request"]

# What an MCP client says first (Model Context Protocol, Lifecycle). A server that wants a token refuses it
# before reading it; one that accepts the token answers it.
_INITIALIZE: Final = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "authlens", "version": "1"},
        },
    }
).encode()


def resource_request(
    url: Url, method: Literal["GET", "POST"], *, authorization: tuple[str, str] | None = None
) -> Request:
    """Return the request for the resource, with the Authorization field where one is given.

    GET prefers JSON, so that Access answers as it answers a program. POST is the `initialize` call of an
    MCP client, for servers that answer nothing else.
    """
    credential = [authorization] if authorization is not None else []
    if method == "GET":
        return Request("GET", url.text, Headers.of([("Accept", f"{JSON_TYPE}, */*;q=0.1"), *credential]))
    fields = [("Accept", f"{JSON_TYPE}, text/event-stream"), ("Content-Type", JSON_TYPE), *credential]
    return Request("POST", url.text, Headers.of(fields), Body(_INITIALIZE))
