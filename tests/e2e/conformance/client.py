"""The client that the MCP conformance suite tests: a coding agent that has authlens for its logins.

`authlens login URL`, with a person played at the browser, then, in some scenarios, a call of a tool over
`authlens mcp-bridge`. Where the bridge asks for another login, the user runs the command that it names, at
most `LOGINS` times in all. The suite gives the URL of the server as the last argument; the exit code is that
of the command that failed last.
"""

import asyncio
import json
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

from support.verb_process import AUTHLENS, Done, authlens, machine_in, play_any_form
from support.waiting import PATIENCE

LOGINS = 4
METADATA_DOCUMENT = "https://conformance-test.local/client-metadata.json"
MODERN, LEGACY = "2026-07-28", "2025-11-25"
CLIENT = {"name": "conformance", "version": "1"}
OPTIONS = {
    "auth/basic-cimd": ("--client-metadata-url", METADATA_DOCUMENT),
    "auth/2025-03-26-oauth-endpoint-fallback": ("--legacy-paths",),
}
"""What a user decides in two scenarios; everywhere else the URL alone is enough."""
MACHINE = {
    "auth/client-credentials-basic": "client-credentials",
    "auth/client-credentials-jwt": "client-credentials",
    "auth/wif-jwt-bearer": "jwt-bearer",
    "auth/enterprise-managed-authorization": "enterprise",
}
"""The grants of programs; all else is in the context of the scenario."""
IN_FILES = {
    "private_key_pem": "--client-key",
    "valid_jwt": "--assertion-file",
    "idp_id_token": "--assertion-file",
}
GIVEN = {"client_id": "--client-id", "idp_token_endpoint": "--idp", "idp_client_id": "--idp-client-id"}
CALLS_A_TOOL = ("auth/scope-step-up", "auth/authorization-server-migration", "auth/dpop", "auth/dpop-nonce")
"""Where the login alone does not show everything that is tested."""


def main() -> int:
    """Play the agent and its user; say on stderr what happened."""
    with tempfile.TemporaryDirectory(prefix="authlens-conformance-") as directory:
        machine = machine_in(Path(directory))
        play_any_form(machine)
        return asyncio.run(_run(machine, sys.argv[-1], Path(directory)))


async def _run(machine: dict[str, str], url: str, directory: Path) -> int:
    scenario = os.environ["MCP_CONFORMANCE_SCENARIO"]
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    options = [*OPTIONS.get(scenario, ())]
    if scenario in MACHINE:
        options += ["--machine", MACHINE[scenario]]
    for name in context.keys() & GIVEN.keys():
        options += [GIVEN[name], context[name]]
    for name in context.keys() & IN_FILES.keys():
        file = directory / name
        file.write_text(context[name])
        file.chmod(0o600)
        options += [IN_FILES[name], str(file)]
    if "client_secret" in context:
        machine["AUTHLENS_CLIENT_SECRET"] = context["client_secret"]
    command = ["login", url, *options]
    for _ in range(LOGINS):
        done = _told(await authlens(machine, *command, "--port", "0", "--timeout", "20"))
        if done.code != 0 or scenario not in CALLS_A_TOOL:
            return done.code
        error = await _call_of_a_tool(machine, url)
        if error is None:
            return 0
        named = str(error.get("data", {}).get("command", ""))
        sys.stderr.write(f"The bridge: {error['message']}\n")
        if not named:
            return 1
        command = shlex.split(named)[1:]
    return 1


async def _call_of_a_tool(machine: dict[str, str], url: str) -> dict[str, Any] | None:
    """List the tools and call one; return the first error that the agent is answered."""
    modern = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", LEGACY) == MODERN
    calls = [("tools/list", {}), ("tools/call", {"name": "test-tool", "arguments": {}})]
    if not modern:
        hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT}
        calls.insert(0, ("initialize", hello))
    bridge = await asyncio.create_subprocess_exec(
        *(*AUTHLENS, "mcp-bridge", url),
        env=machine,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert bridge.stdin is not None
    assert bridge.stdout is not None
    try:
        for number, call in enumerate(calls):
            bridge.stdin.write(_line({**_request(*call, modern=modern), "id": number}))
            answer = json.loads(await asyncio.wait_for(bridge.stdout.readline(), PATIENCE))
            if "error" in answer:
                return dict(answer["error"])
            if call[0] == "initialize":
                bridge.stdin.write(_line({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        return None
    finally:
        bridge.stdin.close()
        await asyncio.wait_for(bridge.wait(), PATIENCE)


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _request(method: str, params: dict[str, Any], *, modern: bool) -> dict[str, Any]:
    if modern:
        key = "io.modelcontextprotocol"
        meta = {
            f"{key}/protocolVersion": MODERN,
            f"{key}/clientInfo": CLIENT,
            f"{key}/clientCapabilities": {},
        }
        params = {**params, "_meta": meta}
    return {"jsonrpc": "2.0", "method": method, "params": params}


def _told(done: Done) -> Done:
    sys.stderr.write(done.words)
    return done


if __name__ == "__main__":
    sys.exit(main())
