"""What every test of core may ask for: a state, a keyring, credentials, and a server that rotates."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authlens_core.credentials.records.grant import Grant, GrantSecrets, grant_id_for
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.store.secret_store import MemoryStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.state.locks import Locks
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from support.grants import Site, Stored, make_grant
from support.keyring_backends import FakeKeyring
from support.open_databases import owned
from support.rotating_server import RotatingServer, rotating_server


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private state directory."""
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("AUTHLENS_HOME", str(path))
    return path


@pytest.fixture
def keyring(tmp_path: Path) -> FakeKeyring:
    """An empty fake keyring."""
    return FakeKeyring(tmp_path / "keyring.json")


@pytest.fixture
async def open_keyring(keyring: FakeKeyring) -> AsyncIterator[Callable[..., KeyringStore]]:
    """Open a store on the fake keyring; it is closed at the end."""
    stores: list[KeyringStore] = []

    def make(backend: str = "FileKeyring", limit: float = 3.0) -> KeyringStore:
        stores.append(KeyringStore(environ=keyring.environ(backend), limit=limit))
        return stores[-1]

    yield make
    for store in stores:
        await store.aclose()


class PersistentMemory(MemoryStore):
    """A store in memory that several `Credentials` share, as a keyring would be."""

    persistent = True

    @property
    def entries(self) -> dict[str, Secret]:
        """Everything in it."""
        return self.values


@pytest.fixture
def store() -> PersistentMemory:
    """A store in memory that outlives the credentials opened on it."""
    return PersistentMemory()


@pytest.fixture
def open_credentials(state: Path, store: PersistentMemory) -> Callable[..., Credentials]:
    """Open credentials on the state directory, as often as a test wants."""

    def make(**options: object) -> Credentials:
        index = Index(state / "index.sqlite3")
        return owned(Credentials(index, store, Locks(state), **options))  # type: ignore[arg-type]

    return make


@pytest.fixture
def credentials(open_credentials: Callable[..., Credentials]) -> Credentials:
    """Credentials on an empty state directory."""
    return open_credentials()


@pytest.fixture
def secrets() -> GrantSecrets:
    """Secrets that a test can look for."""
    return GrantSecrets(Secret("access-canary-0"), Secret("refresh-canary-0"))


@pytest.fixture
def server() -> Iterator[RotatingServer]:
    """A server that rotates refresh tokens and ends the grant when one comes twice."""
    with rotating_server() as running:
        yield running


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """The real sender."""
    async with Wire() as sender:
        yield sender


@pytest.fixture
async def saved(credentials: Credentials, server: RotatingServer, secrets: GrantSecrets) -> Grant:
    """A grant of `server`, stored, whose access token has just expired."""
    past = datetime.now(UTC) - timedelta(seconds=1000)
    grant = make_grant(
        grant_id=grant_id_for(server.base, f"{server.base}/mcp", "client", "http://localhost"),
        resource_url=f"{server.base}/mcp",
        resource=f"{server.base}/mcp",
        issuer=server.base,
        token_endpoint=f"{server.base}/token",
        revocation_endpoint=f"{server.base}/revoke",
        obtained_at=past,
        refreshed_at=past,
        expires_at=past + timedelta(seconds=900),
    )
    return await credentials.save(grant, secrets)


@pytest.fixture
def site(credentials: Credentials, wire: Wire, server: RotatingServer) -> Site:
    """Credentials of this machine, a sender and a server."""
    return Site(credentials, wire, server)


@pytest.fixture
def stored(
    credentials: Credentials, wire: Wire, server: RotatingServer, saved: Grant, secrets: GrantSecrets
) -> Stored:
    """A grant of `server`, stored, whose access token has just expired."""
    return Stored(credentials, wire, server, saved, secrets)
