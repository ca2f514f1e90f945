"""What the end-to-end tests share: the real servers that they log in to, and a person's machine."""

import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.session import Session
from authlens_core.wire.client import Wire
from e2e.course_process import Learn
from support.chromium import Browser, attacked_browser
from support.keyring_session import keyring_session
from support.mcp_tools_server import Bridged, bridged_in, mcp_tools
from support.needs import needs_file
from support.needs import program as installed
from support.preloaded import Preloaded
from support.server_process import ServerProcess, serve
from support.terminal import terminal
from support.verb_process import file_keyring, lasting_emulator

SERVERS = Path(__file__).parent / "servers"
TESTS = Path(__file__).parents[1]
StartServer = Callable[[str], ServerProcess]


def oidc_provider_command(options: str) -> list[str]:
    node = installed("node")
    needs_file(SERVERS / "node_modules" / "oidc-provider", "run `npm ci` in tests/e2e/servers")
    return [node, str(SERVERS / "oidc_provider.mjs"), options]


def mcp_command(options: str) -> list[str]:
    return [sys.executable, str(SERVERS / "mcp_server.py"), options]


@pytest.fixture(scope="session")
def start_oidc_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start `oidc-provider` with the given JSON options; it stops when the session ends."""
    with ExitStack() as running:

        def start(options: str) -> ServerProcess:
            log = tmp_path_factory.mktemp("oidc-provider") / "log.txt"
            return running.enter_context(serve(oidc_provider_command(options), log))

        yield start


@pytest.fixture(scope="session")
def oidc_provider(start_oidc_provider: StartServer) -> ServerProcess:
    return start_oidc_provider('{"token_format": "opaque"}')


@pytest.fixture(scope="session")
def oidc_provider_jwt(start_oidc_provider: StartServer) -> ServerProcess:
    """JWT access tokens (RFC 9068), checked by the resource itself; requests are pushed (RFC 9126)."""
    return start_oidc_provider('{"token_format": "jwt", "par": true}')


@pytest.fixture(scope="session")
def mcp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    log = tmp_path_factory.mktemp("mcp") / "log.txt"
    with serve(mcp_command("{}"), log) as server:
        yield server


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """A person's machine: a home and a keyring that works."""
    return file_keyring(tmp_path)


@pytest.fixture
def keyring_machine() -> Iterator[Mapping[str, str]]:
    """A person's machine: a home and an unlocked keyring of the system."""
    with keyring_session() as environment:
        yield environment


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    async with Session(Wire(), Credentials.memory()) as session:
        yield session


@pytest.fixture(scope="session")
def mcp_tools_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with mcp_tools(tmp_path_factory.mktemp("mcp") / "log.txt") as running:
        yield running


@pytest.fixture
async def bridged(mcp_tools_server: ServerProcess, tmp_path: Path) -> Bridged:
    return await bridged_in(tmp_path, mcp_tools_server)


@pytest.fixture(scope="module")
def attacked() -> Iterator[Browser]:
    """A browser for which two names lead to this machine."""
    with attacked_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def lasting_resource() -> Iterator[str]:
    with lasting_emulator("--token-lifetime", "900") as url:
        yield url


@pytest.fixture
async def resource(program: Preloaded) -> AsyncIterator[str]:
    """The emulator's resource."""
    async with terminal(("emulator",), forked_from=program) as served:
        await served.wait_for("http://")
        found = re.search(r"http://\S+", served.text())
        assert found is not None
        yield found[0]


@pytest.fixture
def learn(program: Preloaded, tmp_path: Path) -> Learn:
    return Learn(program, tmp_path / "home")
