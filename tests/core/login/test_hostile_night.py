"""A nightly job whose resource turns hostile: no other server gets its secret or its assertion."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.check import Severity
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_core.wire.client import Wire
from support.driven_login import failed

CHANGED = "resource_metadata.server_changed"
METADATA = "/.well-known/oauth-protected-resource/mcp"
OF_SERVER = "/.well-known/oauth-authorization-server"
GRANTS = (GrantType.CLIENT_CREDENTIALS, GrantType.JWT_BEARER)
SECRET, ASSERTION = "secret-canary-1", "assertion-canary-1"
BASIC = base64.b64encode(f"job:{SECRET}".encode()).decode()


@dataclass
class Party:
    """A server on this machine: what it answers, by path, and every byte that it got."""

    url: str = ""
    answers: dict[str, tuple[int, str, object]] = field(default_factory=dict)
    bytes_received: bytearray = field(default_factory=bytearray)

    @property
    def has_credential(self) -> bool:
        return any(each.encode() in self.bytes_received for each in (SECRET, ASSERTION, BASIC))

    def be_server(self, name: str | None = None) -> None:
        """Answer as an authorization server, which calls itself `name`."""
        document = {
            "issuer": name or self.url,
            "token_endpoint": f"{self.url}/token",
            "authorization_endpoint": f"{self.url}/authorize",
            "device_authorization_endpoint": f"{self.url}/device_authorization",
            "registration_endpoint": f"{self.url}/register",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": ["authorization_code", *GRANTS],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        token = {"access_token": "access-canary-1", "token_type": "Bearer", "expires_in": 1}
        self.answers |= {OF_SERVER: (200, "", document), "/token": (200, "", token)}

    def be_resource(self, server: str, metadata: str = METADATA) -> None:
        challenge = f'WWW-Authenticate: Bearer resource_metadata="{self.url}{metadata}"\r\n'
        document = {"resource": f"{self.url}/mcp", "authorization_servers": [server]}
        self.answers |= {"/mcp": (401, challenge, {}), metadata: (200, "", document)}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(li[15:]) for li in head.lower().splitlines() if li[:15] == b"content-length:"), 0
            )
            self.bytes_received += head + await reader.readexactly(length)
            status, fields, document = self.answers.get(head.split()[1].decode(), (404, "", {}))
            if status == 401 and b"Bearer access-canary-1" in head:
                status = 200
            body = json.dumps(document).encode()
            fields += (
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
            )
            writer.write(f"HTTP/1.1 {status} Status\r\n{fields}\r\n".encode() + body)
            await writer.drain()
        writer.close()


@dataclass
class World:
    """The resource, its server, and a thief; `job` is what runs each night."""

    resource: Party
    honest: Party
    thief: Party
    session: Session
    job: Options = field(default_factory=Options)

    async def night(self, job: Options | None = None, *approvals: str) -> StageRecord:
        """Run the job as `authlens login --yes APPROVAL …` does; return how it ended."""
        login = start_login(self.session, f"{self.resource.url}/mcp", job or self.job)
        try:
            record = (await login.run_all()).records[-1]
            while record.failures and {c.approval for c in record.failures} <= set(approvals):
                for check in record.failures:
                    await login.override(check.name)
                record = (await login.run_all()).records[-1]
            return record
        finally:
            await login.aclose()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        resource = await stack.enter_async_context(_served("127.0.0.1"))
        honest = await stack.enter_async_context(_served("localhost"))
        thief = await stack.enter_async_context(_served("127.0.0.1"))
        session = await stack.enter_async_context(Session(Wire(), Credentials.memory()))
        world = World(resource, honest, thief, session)
        world.honest.be_server()
        world.thief.be_server()
        world.resource.be_resource(world.honest.url)
        yield world


@asynccontextmanager
async def _served(host: str) -> AsyncIterator[Party]:
    party = Party()
    async with await asyncio.start_server(party.serve, "127.0.0.1", 0) as server:
        party.url = f"http://{host}:{server.sockets[0].getsockname()[1]}"
        yield party


def _program(grant: GrantType, directory: Path) -> Options:
    if grant is GrantType.CLIENT_CREDENTIALS:
        return Options(wait=20, grant_type=grant, client_id="job", client_secret=Secret(SECRET))
    (directory / "assertion").write_text(ASSERTION)
    return Options(wait=20, grant_type=grant, assertion_file=str(directory / "assertion"))


def _metadata(world: World) -> None:
    world.resource.be_resource(world.thief.url)


def _challenge(world: World) -> None:
    world.resource.be_resource(world.thief.url, f"{METADATA}/other")


def _foreign_challenge(world: World) -> None:
    place = f'WWW-Authenticate: Bearer resource_metadata="{world.thief.url}{METADATA}"\r\n'
    document = {"resource": f"{world.resource.url}/mcp", "authorization_servers": [world.thief.url]}
    world.resource.answers["/mcp"] = (401, place, {})
    world.thief.answers[METADATA] = (200, "", document)


def _redirect(world: World) -> None:
    _foreign_challenge(world)
    world.resource.be_resource(world.honest.url)
    world.resource.answers[METADATA] = (302, f"Location: {world.thief.url}{METADATA}\r\n", {})


def _origin(world: World) -> None:
    world.resource.answers["/mcp"] = (401, "WWW-Authenticate: Bearer\r\n", {})
    del world.resource.answers[METADATA]
    world.resource.be_server()


def _spelled(change: Callable[[str], str]) -> Callable[[World], None]:
    """Name the honest server otherwise; whoever gets the request is a thief."""

    def turn(world: World) -> None:
        world.resource.be_resource(change(world.honest.url))
        world.honest.be_server(change(world.honest.url))

    return turn


def _port(world: World) -> None:
    host = world.honest.url.rpartition(":")[0]
    world.thief.url = f"{host}:{world.thief.url.rpartition(':')[2]}"
    world.thief.be_server()
    world.resource.be_resource(world.thief.url)


WAYS: Mapping[str, Callable[[World], None]] = {
    "metadata": _metadata,
    "challenge": _challenge,
    "foreign challenge": _foreign_challenge,
    "redirect": _redirect,
    "origin": _origin,
    "case": _spelled(str.upper),
    "slash": _spelled(lambda url: f"{url}/"),
    "port": _port,
}


@pytest.mark.parametrize("grant", GRANTS)
@pytest.mark.parametrize("kind", ["plain", "remember", "issuer", "yes of another host"])
@pytest.mark.parametrize("way", WAYS)
async def test_no_byte_of_a_credential_reaches_a_server_that_the_resource_names_later(
    world: World, way: str, kind: str, grant: GrantType, tmp_path: Path
) -> None:
    """The stored token is over each night, and the job runs again the next night."""
    job = _program(grant, tmp_path)
    world.job = replace(
        job, remember=kind == "remember", issuer=world.honest.url if kind == "issuer" else None
    )
    approvals = (f"{CHANGED}=other.example",) if kind == "yes of another host" else ()
    first = await world.night()
    assert (first.stage, first.outcome) == (Stage.ACCESS, Outcome.PASSED)
    assert world.honest.has_credential
    before = dict(world.resource.answers)
    for party in (world.resource, world.honest, world.thief):
        party.bytes_received.clear()
    WAYS[way](world)

    for _ in range(3):
        record = await world.night(None, *approvals)
        assert record.outcome is Outcome.FAILED
        assert f"--issuer {world.thief.url}" not in str(record.reason and record.reason.cure)
    assert [p.url for p in (world.resource, world.honest, world.thief) if p.has_credential] == []

    world.resource.answers = before
    world.honest.be_server()
    assert (await world.night()).outcome is Outcome.PASSED


@pytest.mark.parametrize("grant", GRANTS)
async def test_a_yes_that_names_the_new_host_approves_the_move(
    world: World, grant: GrantType, tmp_path: Path
) -> None:
    world.job = _program(grant, tmp_path)
    await world.night()
    world.resource.be_resource(world.thief.url)
    [check] = (await world.night()).failures
    assert check.approval == f"{CHANGED}=127.0.0.1"
    for party in (world.honest, world.thief):
        assert party.url.removeprefix("http://") in str(check.cure)
    assert (await world.night(None, check.approval)).outcome is Outcome.PASSED
    assert world.thief.has_credential
    # It is the server of the last login now.
    assert (await world.night()).outcome is Outcome.PASSED


async def test_a_server_that_the_user_names_needs_no_approval(world: World, tmp_path: Path) -> None:
    world.job = _program(GrantType.CLIENT_CREDENTIALS, tmp_path)
    await world.night()
    world.resource.be_resource(world.thief.url)
    record = await world.night(replace(world.job, issuer=world.thief.url))
    assert record.outcome is Outcome.PASSED


async def test_a_question_between_two_paths_of_one_host_names_both(world: World, tmp_path: Path) -> None:
    world.job = _program(GrantType.CLIENT_CREDENTIALS, tmp_path)
    await world.night()
    other = f"{world.honest.url}/tenant"
    world.resource.be_resource(other)
    [check] = (await world.night()).failures
    assert f"from {world.honest.url} to {other}." in str(check.cure)


async def test_a_new_server_beside_that_of_the_last_login_is_reported_as_a_move(
    world: World, tmp_path: Path
) -> None:
    world.job = _program(GrantType.CLIENT_CREDENTIALS, tmp_path)
    await world.night()
    servers = [world.thief.url, world.honest.url]
    document = {"resource": f"{world.resource.url}/mcp", "authorization_servers": servers}
    world.resource.answers[METADATA] = (200, "", document)
    record = await world.night()
    assert failed(record) == CHANGED
    assert f"from {world.honest.url} to {world.thief.url}." in str(record.reason and record.reason.cure)


OF_OWNER = (
    {"client_id": "job"},
    {"client_id": "job", "client_secret": Secret(SECRET)},
    {"client_metadata_url": "https://job.example/client.json"},
    {"initial_access_token": Secret(SECRET)},
)


@pytest.mark.parametrize("given", OF_OWNER)
@pytest.mark.parametrize("grant", [GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE])
async def test_a_login_of_a_user_that_sends_what_its_owner_gave_is_stopped_as_well(
    world: World, grant: GrantType, given: dict[str, Any], tmp_path: Path
) -> None:
    world.job = _program(GrantType.CLIENT_CREDENTIALS, tmp_path)
    await world.night()
    world.resource.be_resource(world.thief.url)
    user = Options(wait=20, port=0, grant_type=grant)
    assert failed(await world.night(user.choosing(**given))) == CHANGED
    assert not world.thief.bytes_received


async def test_what_is_given_after_the_warning_is_asked_for_first(world: World, tmp_path: Path) -> None:
    """In the wizard a login without a client warns, and a client id and a secret may follow."""
    world.job = _program(GrantType.CLIENT_CREDENTIALS, tmp_path)
    await world.night()
    world.resource.be_resource(world.thief.url)
    login = start_login(world.session, f"{world.resource.url}/mcp", Options(wait=20, port=0))
    try:
        for _ in range(2):
            await login.step()
        [check] = [c for c in login.trace.records[-1].checks if c.name == CHANGED]
        assert check.severity is Severity.WARNING
        assert "neither the old client" in check.why
        for change in ({"client_secret": Secret(SECRET)}, {"assertion_file": "assertion"}):
            await login.step()
            login.use(login.facts.options.choosing(grant_type=GrantType.JWT_BEARER, **change))
            assert failed((await login.run_all()).records[-1]) == CHANGED
            login.use(Options(wait=20, port=0))
            await login.step()
    finally:
        await login.aclose()
    assert not world.thief.has_credential


async def test_a_later_login_of_a_user_at_the_thief_changes_nothing_for_the_program(
    world: World, tmp_path: Path
) -> None:
    world.job = _program(GrantType.CLIENT_CREDENTIALS, tmp_path)
    await world.night()
    grant = world.session.credentials.find(f"{world.resource.url}/mcp")
    assert grant is not None
    assert grant.expires_at is not None
    _, secrets = await world.session.credentials.load(grant.grant_id)
    other = replace(grant, grant_id="0" * 32, issuer=world.thief.url, client_id="registered", machine=None)
    await world.session.credentials.save(replace(other, obtained_at=grant.expires_at), secrets)
    world.resource.be_resource(world.thief.url)
    assert failed(await world.night()) == CHANGED
