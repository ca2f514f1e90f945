"""Grants in every state, at a moment that never changes, for tables and pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from authlens_core.credentials.lifecycle.action_result import Refreshed, Revoked
from authlens_core.credentials.lifecycle.probe_call import GrantProbe, probe_grant
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh
from authlens_core.credentials.lifecycle.revoke import revoke
from authlens_core.credentials.records.grant import Grant, GrantSecrets, GrantState, grant_id_for, utc_now
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.table import LOGINS
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from support.rotating_server import RotatingServer


@dataclass(frozen=True)
class Site:
    """What a test of a credential needs: where it is stored, what sends, and who answers."""

    credentials: Credentials
    wire: Wire
    server: RotatingServer


@dataclass(frozen=True)
class Stored(Site):
    """A stored grant of the server, with the secrets that it was stored with."""

    grant: Grant
    secrets: GrantSecrets

    async def refresh(self, *options: RefreshOptions, **more: Any) -> Refreshed:
        return await refresh(self.credentials, self.wire, self.grant.grant_id, *options, **more)

    async def revoke(self, **options: Any) -> Revoked:
        return await revoke(self.credentials, self.wire, self.grant.grant_id, **options)

    async def probe(self, **options: Any) -> GrantProbe:
        return await probe_grant(self.credentials, self.wire, self.grant.grant_id, **options)


NOW: Final = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def put(index: Index, grant: Grant, entries: int = 1) -> None:
    LOGINS.put(index, grant.grant_id, grant, entries)


def grant(
    name: str = "wiki",
    *,
    minutes: float | None = 90,
    state: GrantState = GrantState.LIVE,
    refresh: bool = True,
) -> Grant:
    """Return a grant that was refreshed three hours ago and ends in `minutes`; None where nobody said."""
    began = NOW - timedelta(hours=3)
    return Grant(
        f"id-{name}",
        f"https://{name}.example.com/mcp",
        None,
        "https://team.cloudflareaccess.com",
        "https://team.cloudflareaccess.com/cdn-cgi/access/oauth/token",
        "client-1",
        "http://localhost:8400/callback",
        began,
        began,
        None if minutes is None else NOW + timedelta(minutes=minutes),
        revocation_endpoint="https://team.cloudflareaccess.com/cdn-cgi/access/oauth/revoke",
        has_refresh_token=refresh,
        last_proven_at=began,
        state=state,
    )


def make_grant(**fields: Any) -> Grant:
    """Return a grant for wiki.example that lasts a quarter of an hour; fields can be given."""
    began = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
    grant = Grant(
        grant_id=grant_id_for("https://as.example", "https://wiki.example", "client", "http://localhost"),
        resource_url="https://wiki.example/mcp",
        resource="https://wiki.example",
        issuer="https://as.example",
        token_endpoint="https://as.example/token",
        client_id="client",
        redirect_uri="http://localhost:8400/callback",
        obtained_at=began,
        refreshed_at=began,
        expires_at=began + timedelta(seconds=900),
    )
    return replace(grant, **fields)


def every_state() -> tuple[Grant, ...]:
    """Return a grant for each state that the dashboard tells apart, the newest login first."""
    grants = (
        grant("live"),
        grant("endless", minutes=None),
        grant("soon", minutes=0.5),
        grant("refreshable", minutes=-5),
        grant("expired", minutes=-5, refresh=False),
        *(
            grant(str(state).replace(" ", "-"), state=state)
            for state in GrantState
            if state != GrantState.LIVE
        ),
    )
    return tuple(
        replace(one, obtained_at=one.obtained_at - timedelta(minutes=number))
        for number, one in enumerate(grants)
    )


async def keep(credentials: Credentials, *grants: Grant) -> None:
    for one in grants:
        refresh = Secret("refresh-canary") if one.has_refresh_token else None
        await credentials.save(one, GrantSecrets(Secret("access-canary"), refresh))


async def save_login(machine: Mapping[str, str], resource: str) -> None:
    """Store a login for `resource` whose token is `canary` and lasts an hour."""
    credentials = Credentials.open(KeyringStore(environ=machine), Path(machine["AUTHLENS_HOME"]))
    now = utc_now()
    at = replace(
        grant(),
        resource=resource,
        resource_url=resource,
        obtained_at=now,
        refreshed_at=now,
        expires_at=now + timedelta(hours=1),
    )
    await credentials.save(at, GrantSecrets(Secret("canary")))
    await credentials.aclose()
