"""--client-metadata-url: a client that is described by a document, and no registration in its place."""

import socket
from typing import Any

import pytest
from msgspec.structs import replace

from authlens_core.login.registered_clients import MemoryClientRegistry
from authlens_core.oauth.client_authentication import Client
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.check import Severity
from authlens_core.values.login_options import Options
from support.driven_login import at, client_of, closed_login, failed, login_to, run_to, stopped_login
from support.scripted_login import ISSUER, Answer, ScriptedSender, honest, reply, server_document

MINE = "https://me.example/client.json"
TOKEN = f"POST {ISSUER}/token"
REGISTER = f"POST {ISSUER}/register"
CHECK = "registration.client_metadata_url"


def _options(url: str = MINE, port: int = 0) -> Options:
    return Options(port=port, wait=60, client_metadata_url=url)


def _server(**changes: Any) -> Answer:
    return reply(200, server_document(**changes))


@pytest.mark.parametrize("supported", [None, False, "true", 1])
async def test_a_server_that_takes_no_documents_ends_the_login_and_registers_nothing(
    supported: object,
) -> None:
    """RG-14: the person named a client; another is not made behind their back."""
    sender = ScriptedSender(honest(server=_server(client_id_metadata_document_supported=supported)))
    async with login_to(sender, _options()) as login:
        await run_to(login, Stage.REGISTRATION)
        assert login.planned() is None
        record = await login.step()
        assert failed(record) == CHECK
        assert "authlens login URL --new-client" in str(record.failures[0].cure)
        assert not record.failures[0].overridable
        assert login.facts.client is None
    assert sender.count(REGISTER) == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://me.example/client.json",
        "https://me.example",
        "https://me.example/",
        "https://me.example/client.json#x",
        "https://user@me.example/client.json",
        "https://me.example/a/../client.json",
        "https://me.example/%2e%2e/client.json",
        "client.json",
        "",
    ],
)
@pytest.mark.parametrize("supported", [True, False])
async def test_a_url_that_is_no_document_ends_the_login_and_registers_nothing(
    url: str, supported: bool
) -> None:
    """RG-14: whether the server takes documents or not."""
    sender = ScriptedSender(honest(server=_server(client_id_metadata_document_supported=supported)))
    login = await closed_login(sender, _options(url))
    record = login.trace.records[-1]
    assert record.stage is Stage.REGISTRATION
    assert failed(record) == CHECK
    assert sender.count(REGISTER) == 0
    assert sender.count(TOKEN) == 0


async def test_a_client_that_is_known_does_not_stand_in_for_a_document_that_is_refused() -> None:
    """RG-14: the person asked for another one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    registry = MemoryClientRegistry()
    await registry.remember(ISSUER, Client("known", f"http://localhost:{port}/callback"))
    login = await closed_login(ScriptedSender(honest()), _options(port=port), registry=registry)
    assert failed(login.trace.records[-1]) == CHECK


async def test_a_server_that_takes_documents_alone_is_logged_in_to() -> None:
    """RG-13, RG-14: no registration endpoint is needed; the document is not remembered as a registration."""
    registry = MemoryClientRegistry()
    only = _server(client_id_metadata_document_supported=True, registration_endpoint=None)
    sender = ScriptedSender(honest(server=only))
    login = await closed_login(sender, _options(), registry=registry)
    assert login.finished, login.trace.records[-1].failures
    assert [s.form["client_id"] for s in sender.sent if s.line == TOKEN] == [MINE]
    assert await registry.find(ISSUER, client_of(login.facts).redirect_uri) is None


async def test_a_document_that_is_named_after_a_failure_is_used() -> None:
    only = _server(client_id_metadata_document_supported=True, registration_endpoint=None)
    sender = ScriptedSender(honest(server=only))
    async with stopped_login(sender) as login:
        assert failed(login.trace.records[-1]) == "server.registration_endpoint"
        login.use(replace(login.facts.options, client_metadata_url=MINE))
        assert at(login) is Stage.RESOURCE_METADATA
        await login.run_all()
        assert login.finished
    assert sender.count(REGISTER) == 0


async def test_deciding_for_a_document_looks_at_the_server_again() -> None:
    """Whether the server needs a registration endpoint depends on it."""
    async with login_to(ScriptedSender(honest())) as login:
        await run_to(login, Stage.PKCE)
        login.use(replace(login.facts.options, client_metadata_url=MINE))
        assert at(login) is Stage.RESOURCE_METADATA


async def test_a_document_with_a_query_is_used_with_a_warning() -> None:
    """CIMD draft §3: a query should not be there, and is not forbidden."""
    sender = ScriptedSender(honest(server=_server(client_id_metadata_document_supported=True)))
    async with login_to(sender, _options(f"{MINE}?v=1")) as login:
        await run_to(login, Stage.PKCE)
        record = login.trace.records[-1]
        assert record.outcome is Outcome.PASSED
        assert [c.name for c in record.checks if c.severity is Severity.WARNING] == [CHECK]


async def test_a_client_id_comes_before_a_document_however_bad() -> None:
    """RG-13: what is not used is not judged."""
    sender = ScriptedSender(honest())
    options = Options(port=0, wait=60, client_id="given", client_metadata_url="nonsense")
    async with login_to(sender, options) as login:
        await run_to(login, Stage.PKCE)
        assert client_of(login.facts).client_id == "given"


async def test_a_document_that_the_server_refuses_costs_no_client_that_was_registered() -> None:
    """RG-12: a retry forgets what the server has forgotten, and that is not the registered one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    redirect, registry = f"http://localhost:{port}/callback", MemoryClientRegistry()
    await registry.remember(ISSUER, Client("known", redirect))
    sender = ScriptedSender(
        honest(
            server=_server(client_id_metadata_document_supported=True),
            token=reply(401, {"error": "invalid_client"}),
        )
    )
    async with stopped_login(sender, _options(port=port), registry=registry) as login:
        assert at(login) is Stage.EXCHANGE
        await login.retry()
    assert await registry.find(ISSUER, redirect) == Client("known", redirect)
    assert sender.count(REGISTER) == 0
