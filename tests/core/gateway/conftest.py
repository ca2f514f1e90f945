"""A login at a server that rotates refresh tokens, in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant, GrantSecrets, utc_now
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from support.rotating_server import RotatingServer


@dataclass(frozen=True)
class LoggedIn:
    """Where the grant is, what sends, and the server."""

    credentials: Credentials
    wire: Wire
    server: RotatingServer
    url: str


@pytest.fixture
async def logged_in(server: RotatingServer) -> AsyncIterator[LoggedIn]:
    """A grant with fifteen minutes left."""
    now, credentials = utc_now(), Credentials.memory()
    grant = Grant(
        "grant-1",
        f"{server.base}/mcp",
        f"{server.base}/mcp",
        server.base,
        f"{server.base}/token",
        "client",
        "http://localhost",
        now,
        now,
        now + timedelta(seconds=900),
    )
    await credentials.save(grant, GrantSecrets(Secret("access-canary-0"), Secret("refresh-canary-0")))
    async with Wire() as wire:
        yield LoggedIn(credentials, wire, server, grant.resource_url)
    await credentials.aclose()


@pytest.fixture
async def expired(logged_in: LoggedIn) -> LoggedIn:
    """The access token ended a minute ago."""
    grant = logged_in.credentials.list()[0]
    _, secrets = await logged_in.credentials.load(grant.grant_id)
    began = utc_now() - timedelta(hours=1)
    ended = replace(grant, obtained_at=began, refreshed_at=began, expires_at=began + timedelta(minutes=59))
    await logged_in.credentials.save(ended, secrets)
    return logged_in
