"""Which client a login uses, and which port it holds for the browser."""

import socket

import pytest
from msgspec.structs import replace

from authlens_core.trace.events import AuthorizationReady
from authlens_core.trace.record import Stage
from authlens_core.values.errors import AuthlensError
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from support.driven_login import at, client_of, closed_login, failed, login_to, stopped_login
from support.scripted_login import ISSUER, Answer, ScriptedSender, come_back, honest, reply, server_document

TOKEN = f"POST {ISSUER}/token"
REGISTER = f"POST {ISSUER}/register"


async def test_a_retry_after_a_refusal_in_the_browser_keeps_port_and_client() -> None:
    """RG-12: where the system chose the port, the same port is bound again, for it is registered."""
    sender = ScriptedSender(honest())
    async with stopped_login(
        sender, Options(port=0, wait=60), answers=("error=access_denied", "code=code-canary-1")
    ) as login:
        assert failed(login.trace.records[-1]) == "authorization.error"
        await login.retry()
        await login.run_all()
        assert login.finished
    assert sender.count(REGISTER) == 1


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
async def test_a_client_that_the_server_has_forgotten_is_registered_anew_at_a_retry(error: str) -> None:
    """RG-12: the id is dropped, and a new one asked for; not before the person asks."""
    token = [reply(401, {"error": error}), honest()[TOKEN]]
    register: list[Answer] = [
        reply(201, {"client_id": "client-1", "token_endpoint_auth_method": "none"}),
        reply(201, {"client_id": "client-2", "token_endpoint_auth_method": "none"}),
    ]
    sender = ScriptedSender(honest(token=token, register=register))  # type: ignore[arg-type]
    async with stopped_login(sender) as login:
        assert at(login) is Stage.EXCHANGE
        assert sender.count(REGISTER) == 1
        await login.retry()
        assert at(login) is Stage.REGISTRATION
        await login.run_all()
        assert login.finished
        assert client_of(login.facts).client_id == "client-2"
    assert sender.count(REGISTER) == 2
    assert [s.form["client_id"] for s in sender.sent if s.line == TOKEN] == ["client-1", "client-2"]


async def test_a_given_client_id_is_used_and_nothing_is_registered() -> None:
    """RG-13: and a refusal of it does not register another behind the person's back."""
    sender = ScriptedSender(honest(token=reply(401, {"error": "invalid_client"})))
    async with stopped_login(sender, Options(port=0, wait=60, client_id="given")) as login:
        assert sender.sent[-1].form["client_id"] == "given"
        await login.retry()
        await login.run_all()
    assert sender.count(REGISTER) == 0


@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"]])
async def test_a_confidential_client_authenticates_as_the_server_wants(methods: list[str]) -> None:
    """TK-2: in the header or in the body, never in both."""
    document = server_document(token_endpoint_auth_methods_supported=["none", *methods])
    sender = ScriptedSender(honest(server=reply(200, document)))
    options = Options(port=0, wait=60, client_id="given", client_secret=Secret("secret-canary-1"))
    login = await closed_login(sender, options)
    assert login.finished
    [sent] = [s for s in sender.sent if s.line == TOKEN]
    in_header = sent.request.headers.get("authorization") is not None
    assert in_header is (methods == ["client_secret_basic"])
    assert ("client_secret" in sent.form) is not in_header


async def test_a_port_that_is_taken_is_said_with_its_owner_and_another_one_can_be_used() -> None:
    """LB-2, RFC 8252 §7.3: nothing is registered for a port that is not ours."""
    sender = ScriptedSender(honest())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with stopped_login(sender, Options(port=port, wait=60)) as login:
            record = login.trace.records[-1]
            assert failed(record) == "registration.port"
            assert f"Port {port} on this machine is in use by" in record.failures[0].seen
            assert sender.count(REGISTER) == 0
            stopped = record.error
            assert isinstance(stopped, AuthlensError)
            assert stopped.exit_code == 2
            login.use(replace(login.facts.options, port=0))
            await login.retry()
            await login.run_all()
            assert login.finished


async def test_another_host_of_the_redirect_uri_registers_anew() -> None:
    """The switch between localhost and 127.0.0.1 works also when the browser was refused already."""
    sender = ScriptedSender(honest())
    refused = "error=invalid_request&error_description=redirect+uri+not+allowed"
    async with stopped_login(sender, answers=(refused, "code=code-canary-1")) as login:
        assert at(login) is Stage.AUTHORIZATION
        login.use(replace(login.facts.options, redirect_host="127.0.0.1"))
        assert at(login) is Stage.REGISTRATION
        await login.retry()
        await login.run_all()
        assert login.finished
    hosts = [s.document["redirect_uris"][0].rpartition(":")[0] for s in sender.sent if s.line == REGISTER]
    assert hosts == ["http://localhost", "http://127.0.0.1"]


async def test_what_is_decided_anew_holds_when_the_login_goes_back() -> None:
    """A new resource parameter is in the next link, although PKCE is run again before."""
    links: list[str] = []
    async with login_to(ScriptedSender(honest())) as login:
        login.watch(lambda e: links.append(e.url) if isinstance(e, AuthorizationReady) else None)
        login.watch(come_back(login, "error=invalid_target"))
        await login.run_all()
        login.use(replace(login.facts.options, resource="https://app.example/"))
        assert at(login) is Stage.PKCE
        await login.run_all()
    assert "resource=https%3A%2F%2Fapp.example%2F&" in f"{links[1]}&"
