"""git's own smart HTTP server behind the emulator: what a repository behind Cloudflare Access is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from authlens_lab.emulator import Emulator


@asynccontextmanager
async def git_origin(root: Path, git: str) -> AsyncIterator[str]:
    """Serve every repository below `root`; yield the URL of the protected resource."""
    async with Emulator(access_token_lifetime=900, origin=git_backend(root, git)) as emulator:
        yield emulator.resource_url


def git_backend(root: Path, git: str) -> ASGIApp:
    """Return what serves every repository below `root`."""

    async def backend(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        process = await asyncio.create_subprocess_exec(
            *(git, "http-backend"),
            env={
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": scope["path"],
                "QUERY_STRING": scope["query_string"].decode(),
                "REQUEST_METHOD": request.method,
                "CONTENT_TYPE": request.headers.get("content-type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
                "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
            },
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate(body)
        head, _, rest = out.partition(b"\r\n\r\n")
        fields = [tuple(line.split(b": ", 1)) for line in head.split(b"\r\n")]
        status = next((int(value[:3]) for name, value in fields if name == b"Status"), 200)
        own = [(name.lower(), value) for name, value in fields if name != b"Status"]
        await send({"type": "http.response.start", "status": status, "headers": own})
        await send({"type": "http.response.body", "body": rest})

    return backend
