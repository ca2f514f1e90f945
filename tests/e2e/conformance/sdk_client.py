"""The client of the Python MCP SDK on the bridge: for the scenarios of the suite that test the transport.

Their servers want no login, so a service token that they ignore is used. Every tool is called, or those that
the suite names, and in one scenario every resource and prompt is fetched too.
"""

import asyncio
import json
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import ElicitRequestParams, ElicitResult

from support.verb_process import AUTHLENS, authlens, machine_in

MODERN = "2026-07-28"
VALUES = {"number": 5, "integer": 5, "boolean": True}


async def main(directory: Path, url: str) -> None:
    """Store the service token and use the server."""
    machine = machine_in(directory)
    typed = f"{'0123456789abcdef' * 2}.access\n{'0123456789abcdef' * 4}\n"
    await authlens(machine, "service-token", "add", url, typed=typed)
    command, *arguments = AUTHLENS
    started = StdioServerParameters(command=command, args=[*arguments, "mcp-bridge", url], env=machine)
    modern = os.environ["MCP_CONFORMANCE_PROTOCOL_VERSION"] == MODERN
    options: dict[str, Any] = {"read_timeout_seconds": 30, "elicitation_callback": accept}
    async with Client(stdio_client(started), mode="auto" if modern else "legacy", **options) as client:
        tools = (await client.list_tools()).tools
        context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
        calls = [(tool.name, invented(tool.input_schema)) for tool in tools]
        for call in context.get("toolCalls", ()):
            calls = [one for one in calls if one[0] != call["name"]]
            calls.append((call["name"], call.get("arguments", {})))
        for name, given in calls:
            with suppress(MCPError):
                await client.call_tool(name, given)
        if os.environ["MCP_CONFORMANCE_SCENARIO"] == "http-standard-headers":
            await fetch_everything(client)


async def accept(_context: object, _params: ElicitRequestParams) -> ElicitResult:
    """Say yes to whatever the server asks the user."""
    return ElicitResult(action="accept", content={})


def invented(schema: dict[str, Any]) -> dict[str, Any]:
    wanted = schema.get("properties") or {}
    return {name: VALUES.get(inner.get("type"), "x") for name, inner in wanted.items()}


async def fetch_everything(client: Client) -> None:
    """Read every resource and get every prompt."""
    for resource in (await client.list_resources()).resources:
        await client.read_resource(resource.uri)
    for prompt in (await client.list_prompts()).prompts:
        await client.get_prompt(prompt.name, {})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="authlens-conformance-") as folder:
        asyncio.run(main(Path(folder), sys.argv[-1]))
