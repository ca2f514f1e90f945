"""`AuthlensAuth`: real clients of httpx at real servers, with the credential for one URL and nothing else."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant, GrantSecrets, utc_now
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.httpx_auth import AuthlensAuth
from authlens_core.desk.session import Session
from authlens_core.values.errors import LoginNeeded
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator, Profile
from support.driven_login import log_in
from support.request_recorder import RequestRecorder, recorder
from support.rotating_server import RotatingServer, Scripted, rotating_server

CREDENTIAL_FIELDS = ("authorization", "dpop", "cf-access-client-id", "cf-access-client-secret")
CLIENT_ID = f"{'0123456789abcdef' * 2}.access"


def grant_for(base: str, url: str) -> Grant:
    """Return a login for `url` whose token lasts fifteen minutes."""
    now = utc_now()
    return Grant(
        *("grant-1", url, url, base, f"{base}/token", "client", "http://localhost"),
        *(now, now, now + timedelta(seconds=900)),
    )


@asynccontextmanager
async def session_with(*grants: Grant, service_token_for: str = "") -> AsyncIterator[Session]:
    """Lend a session whose credentials are in memory."""
    async with Session(Wire(environ={}), Credentials.memory()) as session:
        for grant in grants:
            secrets = GrantSecrets(Secret("access-canary-0"), Secret("refresh-canary-0"))
            await session.credentials.save(grant, secrets)
        if service_token_for:
            token = ServiceToken.new(service_token_for, CLIENT_ID)
            await session.credentials.service_tokens.save(token, Secret("a" * 64))
        yield session


def client(auth: AuthlensAuth, *, follow: bool = False) -> httpx.AsyncClient:
    return httpx.AsyncClient(auth=auth, follow_redirects=follow, trust_env=False)


@asynccontextmanager
async def authorized(
    url: str, *grants: Grant, service_token_for: str = "", follow: bool = False
) -> AsyncIterator[httpx.AsyncClient]:
    """Lend a client that sends the credential for `url`."""
    async with (
        session_with(*grants, service_token_for=service_token_for) as session,
        client(AuthlensAuth(url, session=session), follow=follow) as http,
    ):
        yield http


def redirect_to(url: str, status: str = "302 Found") -> bytes:
    head = f"HTTP/1.1 {status}\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    return head.encode()


def credential_in(server: RequestRecorder) -> list[list[str]]:
    return [[name for name in CREDENTIAL_FIELDS if request.get(name)] for request in server.requests]


async def test_a_request_has_the_token_and_the_next_one_too(server: RotatingServer) -> None:
    url = f"{server.base}/mcp"
    async with authorized(url, grant_for(server.base, url)) as http:
        assert [(await http.get(url)).status_code for _ in range(2)] == [200, 200]
    assert {request.authorization for request in server.seen} == {"Bearer access-canary-0"}
    assert server.posts("/token") == []


async def test_a_token_that_has_expired_is_refreshed_before_the_request(server: RotatingServer) -> None:
    url = f"{server.base}/mcp"
    hour_ago = utc_now() - timedelta(hours=1)
    expired = replace(
        grant_for(server.base, url),
        obtained_at=hour_ago,
        refreshed_at=hour_ago,
        expires_at=hour_ago + timedelta(minutes=15),
    )
    async with authorized(url, expired) as http:
        assert (await http.get(url)).status_code == 200
    assert [request.path for request in server.seen] == ["/token", "/mcp"]


async def test_a_refused_token_is_refreshed_once_and_the_request_sent_again(server: RotatingServer) -> None:
    server.access_tokens.clear()
    url = f"{server.base}/mcp"
    async with authorized(url, grant_for(server.base, url)) as http:
        assert (await http.get(url)).status_code == 200
    assert [request.path for request in server.seen] == ["/mcp", "/token", "/mcp"]


async def test_a_refusal_of_the_new_token_is_the_response(server: RotatingServer) -> None:
    """A resource that refuses everything costs one refresh, not one a request."""
    url = f"{server.base}/mcp"
    async with authorized(url, grant_for(server.base, url)) as http:
        server.access_tokens = set()
        server.rotates = False
        denied = [(401, None)] * 6
        server.answers("/mcp", *(Scripted(*answer) for answer in denied))
        assert [(await http.get(url)).status_code for _ in range(2)] == [401, 401]
    assert len(server.posts("/token")) == 1
    assert len(server.posts("/mcp")) == 3


async def test_a_body_that_is_gone_is_not_sent_again_but_the_token_is_refreshed() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"once"

    refusal = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with recorder(answer=refusal) as resource, rotating_server() as server:
        grant = grant_for(server.base, resource.url)
        async with authorized(resource.url, grant) as http:
            assert (await http.post(resource.url, content=body())).status_code == 401
        assert len(resource.requests) == 1
        assert len(server.posts("/token")) == 1


@pytest.mark.parametrize("kind", ["oauth", "service token"])
@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect"])
async def test_a_redirect_to_another_origin_gets_no_credential(kind: str, status: str) -> None:
    with recorder() as elsewhere, recorder(answer=redirect_to(elsewhere.url, status)) as resource:
        grants = [grant_for("http://127.0.0.1:9", resource.url)] if kind == "oauth" else []
        wanted = "" if grants else resource.url
        async with authorized(resource.url, *grants, service_token_for=wanted, follow=True) as http:
            assert (await http.post(resource.url, content=b"x")).status_code == 200
        assert credential_in(elsewhere) == [[]]
        assert all(credential_in(resource))
        assert "canary" not in str(elsewhere.raw)


async def test_a_request_for_another_url_has_no_credential() -> None:
    with recorder() as resource, recorder() as elsewhere:
        async with authorized(resource.url, grant_for("http://127.0.0.1:9", resource.url)) as http:
            await http.get(elsewhere.url)
            await http.get(resource.url.replace("/app/page", "/other"))
            await http.get(f"{resource.url}/../other")
        assert credential_in(elsewhere) == [[]]
        assert credential_in(resource) == [[], []]


async def test_a_redirect_within_the_resource_is_followed_with_the_credential(server: RotatingServer) -> None:
    """Httpx follows it without; the refusal there is answered with the credential."""
    url = f"{server.base}/mcp"
    server.answers("/mcp", Scripted(302, None, (("Location", f"{url}/inner"),)))
    async with authorized(url, grant_for(server.base, url), follow=True) as http:
        assert (await http.get(url)).status_code == 200
    sent = [(request.path, request.authorization is not None) for request in server.seen]
    assert sent == [("/mcp", True), ("/mcp/inner", False), ("/mcp/inner", True)]


async def test_the_credential_is_not_in_the_request_that_the_response_shows(server: RotatingServer) -> None:
    """Hooks and logs of the client read these fields."""
    url = f"{server.base}/mcp"
    async with authorized(url, grant_for(server.base, url)) as http:
        request = (await http.get(url)).request
    assert "authorization" not in request.headers
    assert "canary" not in repr(request.headers)


async def test_without_a_login_the_request_says_that_one_is_needed() -> None:
    with recorder() as resource:
        async with authorized(resource.url) as http:
            with pytest.raises(LoginNeeded):
                await http.get(resource.url)
        assert resource.raw == []


@pytest.mark.parametrize("fault", ["dpop-required", "dpop-nonce"])
async def test_a_bound_token_is_sent_with_a_proof_and_the_nonce_of_the_server(fault: str) -> None:
    async with Emulator(Profile.GENERIC, faults=[fault]) as emulator, session_with() as session:
        await log_in(emulator, session=session)
        # What the login learned is forgotten, so the server has to ask for its nonce.
        session.credentials.index.set_fact("dpop nonces", "{}")
        url = emulator.resource_url
        async with client(AuthlensAuth(url, session=session)) as http:
            assert [(await http.get(url)).status_code for _ in range(3)] == [200, 200, 200]


@pytest.fixture
def opened(server: RotatingServer) -> Callable[[], AbstractAsyncContextManager[Session]]:
    """Open a session with a login for the resource, in whatever event loop this is called."""
    return lambda: session_with(grant_for(server.base, f"{server.base}/mcp"))


def test_a_synchronous_client_works_with_a_session_of_its_own(
    server: RotatingServer, opened: Callable[[], AbstractAsyncContextManager[Session]]
) -> None:
    server.access_tokens.clear()
    url = f"{server.base}/mcp"
    with AuthlensAuth(url, open_session=opened) as auth, httpx.Client(auth=auth, trust_env=False) as http:
        assert [http.get(url).status_code for _ in range(2)] == [200, 200]
    assert [request.path for request in server.seen] == ["/mcp", "/token", "/mcp", "/mcp"]


async def test_an_asynchronous_client_works_with_it_too(
    server: RotatingServer, opened: Callable[[], AbstractAsyncContextManager[Session]]
) -> None:
    url = f"{server.base}/mcp"
    with AuthlensAuth(url, open_session=opened) as auth:
        async with client(auth) as http:
            assert (await http.get(url)).status_code == 200


async def test_a_synchronous_client_is_refused_a_session_that_it_would_block(server: RotatingServer) -> None:
    url = f"{server.base}/mcp"
    async with session_with() as session:
        auth = AuthlensAuth(url, session=session)
        with httpx.Client(auth=auth) as http, pytest.raises(RuntimeError, match="AsyncClient"):
            http.get(url)
