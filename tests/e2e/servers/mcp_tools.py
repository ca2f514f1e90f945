"""An MCP server of the Python SDK behind its own authorization server, with tools that test a client.

When it is up, one JSON line on stdout names its URLs. The process ends when its standard input closes. The
one option is a JSON object: {"access_token_seconds": 900, "events": true}; with events, streams can be
resumed. PYTHONPATH has to name the directory of the tests.
"""

import asyncio
import json
import socket
import sys
from typing import Any

import uvicorn
from mcp.server.auth.provider import RefreshToken
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from mcp_types import JSONRPCMessage
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from e2e.servers.mcp_server import LOGIN_PAGE, SCOPES, Store, standard_input_closed


class Events(EventStore):
    """Every event, in memory."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Keep an event; its id is its number."""
        self.kept.append((stream_id, message))
        return str(len(self.kept))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send the later events of the same stream."""
        at = int(last_event_id)
        stream = self.kept[at - 1][0]
        for number, (owner, message) in enumerate(self.kept[at:], at + 1):
            if owner == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


class CountingStore(Store):
    """Counts the refreshes."""

    refreshes = 0

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        """Rotate, and count."""
        self.refreshes += 1
        return await super().exchange_refresh_token(client, refresh_token, scopes)


class Answer(BaseModel):
    """What the user is asked for."""

    colour: str


def add_tools(server: MCPServer, waiting: dict[str, int]) -> None:
    """Add the tools; `waiting` counts the calls of one of them."""

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool()
    async def count(to: int, ctx: Context) -> str:
        """Report progress on the way."""
        for number in range(to):
            await ctx.report_progress(number + 1, to)
        return "counted"

    @server.tool()
    async def wait(ctx: Context) -> str:
        """Never end."""
        waiting["count"] += 1
        try:
            await asyncio.Event().wait()
        finally:
            waiting["cancelled"] += 1
        return ""

    @server.tool()
    async def cut(ctx: Context) -> str:
        """Close the stream in the middle; the rest comes after a resumption."""
        await ctx.report_progress(1, 2)
        await ctx.close_sse_stream()
        await asyncio.sleep(0.2)
        return "after the cut"

    @server.tool()
    async def ask(ctx: Context) -> str:
        """Ask the user through the client."""
        found = await ctx.elicit("Which colour?", Answer)
        return found.data.colour if found.action == "accept" else found.action


def build(options: dict[str, Any], origin: str) -> Any:
    """Return the application."""
    resource = f"{origin}/mcp"
    store = CountingStore(resource=resource, access_token_seconds=options.get("access_token_seconds", 900))
    settings = AuthSettings.model_validate(
        {
            "issuer_url": origin,
            "resource_server_url": resource,
            "validate_token_resource": True,
            "required_scopes": SCOPES,
            "client_registration_options": ClientRegistrationOptions(
                enabled=True, valid_scopes=SCOPES, default_scopes=SCOPES
            ),
            "revocation_options": RevocationOptions(enabled=True),
        }
    )
    server = MCPServer("tools", auth_server_provider=store, auth=settings)

    waiting = {"count": 0, "cancelled": 0}
    add_tools(server, waiting)

    async def login(request: Request) -> Response:
        if request.method == "GET":
            return HTMLResponse(LOGIN_PAGE)
        async with request.form() as form:
            name = str(form.get("login") or "someone")
        target = store.decide(request.query_params.get("ticket", ""), name, allow=True)
        return RedirectResponse(target or "/", status_code=303)

    async def control(request: Request) -> Response:
        """Expire the access tokens, or report what happened."""
        if request.method == "POST":
            store.access.clear()
        return JSONResponse({"refreshes": store.refreshes, "clients": len(store.clients), **waiting})

    server.custom_route("/login", methods=["GET", "POST"])(login)
    server.custom_route("/control", methods=["GET", "POST"])(control)
    events = Events() if options.get("events") else None
    return server.streamable_http_app(event_store=events, retry_interval=100)


async def serve(options: dict[str, Any]) -> None:
    """Serve on a free loopback port until standard input closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = build(options, origin)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    sys.stdout.write(json.dumps({"issuer": origin, "resource": f"{origin}/mcp"}) + "\n")
    sys.stdout.flush()
    await asyncio.wait(
        {serving, asyncio.ensure_future(standard_input_closed())}, return_when="FIRST_COMPLETED"
    )
    server.should_exit = server.force_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}))
