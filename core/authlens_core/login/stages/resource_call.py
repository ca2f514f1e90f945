"""The calls of the resource itself that the first and the last stage make, and what it is by its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from authlens_core.diagnosis.classification import Classification
from authlens_core.diagnosis.protection import Trait
from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import PlannedRequest
from authlens_core.oauth.mcp import (
    LEGACY,
    MODERN,
    McpCall,
    call_of,
    is_result,
    mcp_request,
    protocol_version,
    resource_request,
)
from authlens_core.trace.fact import Fact, FactId
from authlens_core.values.check import Layer
from authlens_core.values.exchange import EVENT_STREAM, JSON_TYPE, Exchange, Purpose, Response
from authlens_core.wire.limits import RESOURCE

# A server of MCP calls answers a GET with any of these: Express and Hono with 404, others with 405 or 406.
NOT_GET: Final = frozenset({400, 404, 405, 406, 415})
# Some servers fail at a method that they do not know; 503 would not change with another method.
_NOT_DISCOVER: Final = NOT_GET | {500, 501}


def call_planned(
    facts: Facts, call: McpCall | None, purpose: Purpose, authorization: tuple[str, str] | None = None
) -> PlannedRequest:
    """Return the call of the resource: a GET, or the POST of `call`."""
    request = resource_request(facts.resource_url, call, authorization=authorization)
    return PlannedRequest(request, purpose, server_supplied=False, limits=RESOURCE)


def mcp_call_after(
    facts: Facts,
    last: Exchange,
    response: Response,
    purpose: Purpose,
    authorization: tuple[str, str] | None = None,
) -> PlannedRequest | None:
    """Return the MCP call that follows an answer: the older first call, or the first that needs a token."""
    call, opened = call_of(last.request), response.status < 300 and is_result(response)
    unknown = response.status < 300 or response.status in _NOT_DISCOVER
    if call is McpCall.DISCOVER and not opened and unknown:
        return call_planned(facts, McpCall.INITIALIZE, purpose, authorization)
    if call is McpCall.LIST_TOOLS or not opened:
        return None
    # Some servers let anyone open a session, and ask for a token only for what is behind it.
    version = MODERN if call is McpCall.DISCOVER else protocol_version(response) or LEGACY
    request = mcp_request(
        facts.resource_url, McpCall.LIST_TOOLS, version=version, after=response, authorization=authorization
    )
    return PlannedRequest(request, purpose, server_supplied=False, limits=RESOURCE)


def mcp_version(calls: Sequence[Exchange]) -> str | None:
    """Return the protocol version that the last answer to a POST names, of those that name one."""
    answers = (e.response for e in reversed(calls) if e.request.method == "POST" and e.response is not None)
    return next((version for version in map(protocol_version, answers) if version is not None), None)


def kind_of_resource(exchange: Exchange, classification: Classification, *, version: str | None) -> Fact:
    response = exchange.response
    media_type = response.media_type if response is not None else ""
    if exchange.request.method == "POST" or version is not None:
        kind = f"MCP server, protocol {version}" if version else "MCP server"
    elif classification.layer is Layer.ACCESS:
        kind = "Cloudflare Access application"
    elif media_type in {"text/html", "application/xhtml+xml"}:
        kind = "web page"
    elif media_type == EVENT_STREAM:
        kind = "event stream, as an MCP server sends it"
    elif media_type == JSON_TYPE or media_type.endswith("+json"):
        kind = "API"
    else:
        kind = "protected resource" if classification.protection.has(Trait.GOES_ON) else "not known"
    return Fact(FactId.KIND_OF_RESOURCE, kind)
