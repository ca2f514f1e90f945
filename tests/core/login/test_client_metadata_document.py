"""--client-metadata-url: a client that is described by a document, and no registration in its place."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from authlens_core.login.known_clients import MemoryClientRegistry
from authlens_core.oauth.client_authentication import Client
from authlens_core.trace.record import Stage
from authlens_core.values.login_options import Options
from support.driven_login import at, failed, login_to, run_to
from support.scripted_login import ISSUER, Answer, ScriptedSender, come_back, honest, reply, server_document

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
    async with login_to(sender, _options(url)) as login:
        await login.run_all()
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
    async with login_to(ScriptedSender(honest()), _options(port=port), registry=registry) as login:
        await login.run_all()
        assert failed(login.trace.records[-1]) == CHECK


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
    async with login_to(sender, _options(port=port), registry=registry) as login:
        login.watch(come_back(login))
        await login.run_all()
        assert at(login) is Stage.EXCHANGE
        await login.retry()
    assert await registry.known(ISSUER, redirect) == Client("known", redirect)
    assert sender.count(REGISTER) == 0
