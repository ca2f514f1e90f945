"""A stored client that its server may have lost, and a client that has to be another one."""

import pytest
from msgspec.structs import replace

from authlens_core.login.registered_clients import MemoryClientRegistry
from authlens_core.oauth.client_authentication import Client
from authlens_core.trace.record import Stage
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType, Need
from support.driven_login import at, closed_login, failed, login_to, record_of, stopped_login
from support.needs import free_port
from support.scripted_login import ISSUER, Answer, ScriptedSender, honest, reply, server_document

REGISTER = f"POST {ISSUER}/register"
TOKEN = f"POST {ISSUER}/token"


def _registered(*ids: str) -> list[Answer]:
    return [reply(201, {"client_id": name, "token_endpoint_auth_method": "none"}) for name in ids]


async def _known(registry: MemoryClientRegistry, port: int, **changes: object) -> Client:
    client = Client("stored", f"http://localhost:{port}/callback", **changes)  # type: ignore[arg-type]
    await registry.remember(ISSUER, client)
    return client


async def test_after_a_login_without_an_answer_a_new_client_is_registered_once_and_that_is_said() -> None:
    """Issue 24, 2: "Unknown client" is shown in the browser alone."""
    registry, port = MemoryClientRegistry(), free_port()
    await _known(registry, port)
    said: list[bool] = []
    registered = 0
    for _ in range(4):
        sender = ScriptedSender(honest())
        login = await closed_login(sender, Options(port=port), registry=registry, answers=(None,))
        assert failed(login.trace.records[-1]) == "authorization.timeout"
        record = record_of(login.trace, Stage.REGISTRATION)
        said.append(any("client_id stored is replaced" in check.seen for check in record.checks))
        registered += sender.count(REGISTER)
    assert said == [False, True, False, False]
    assert registered == 1


async def test_a_retry_after_no_answer_registers_a_new_client() -> None:
    """The same in one login of the full screen."""
    sender, registry, port = ScriptedSender(honest()), MemoryClientRegistry(), free_port()
    await _known(registry, port)
    async with stopped_login(
        sender, Options(port=port), registry=registry, answers=(None, "code=code-canary-1")
    ) as login:
        await login.retry()
        assert at(login) is Stage.REGISTRATION
        await login.run_all()
        assert login.finished
        assert login.client_is_new


async def test_a_login_that_gets_tokens_clears_the_doubt_and_keeps_what_the_server_needs() -> None:
    needs_secret = reply(400, {"error": "invalid_request", "error_description": "client_secret is required"})
    token = [needs_secret, honest()[TOKEN]]
    sender, registry, port = ScriptedSender(honest(token=token)), MemoryClientRegistry(), free_port()  # type: ignore[arg-type]
    client = await _known(registry, port, unanswered=2)
    login = await closed_login(sender, Options(port=port, wait=60), registry=registry)
    assert login.finished
    learned = replace(client, needs=(Need.EMPTY_SECRET,), unanswered=0)
    assert await registry.find(ISSUER, client.redirect_uri) == learned


async def test_a_new_client_is_registered_because_the_user_wants_one() -> None:
    """`--new-client`: once, also after a retry in the same login."""
    sender, registry, port = ScriptedSender(honest()), MemoryClientRegistry(), free_port()
    await _known(registry, port)
    options = Options(port=port, wait=60, new_client=True)
    async with stopped_login(
        sender, options, registry=registry, answers=("error=access_denied", "code=1")
    ) as login:
        login.back(Stage.REGISTRATION)
        await login.run_all()
        assert login.finished
    assert sender.count(REGISTER) == 1


@pytest.mark.parametrize(
    ("options", "known", "registrations"),
    [
        (Options(client_auth="client_secret_post"), {}, 1),
        (Options(client_auth="none"), {"client_secret": Secret("s")}, 0),
        (Options(), {"grant_types": (GrantType.DEVICE_CODE,)}, 1),
        (Options(grant_type=GrantType.DEVICE_CODE), {}, 1),
    ],
)
async def test_a_stored_client_that_cannot_do_what_is_wanted_is_replaced(
    options: Options, known: dict[str, object], registrations: int
) -> None:
    document = server_document(device_authorization_endpoint=f"{ISSUER}/device")
    sender, registry, port = (
        ScriptedSender(honest(server=reply(200, document))),
        MemoryClientRegistry(),
        free_port(),
    )
    await _known(registry, port, **known)
    async with login_to(sender, replace(options, port=port), registry=registry) as login:
        while at(login) not in (Stage.PKCE, None):
            record = await login.step()
            if record.failures:
                break
    assert sender.count(REGISTER) == registrations


async def test_a_server_that_gives_one_grant_type_is_asked_for_that_alone() -> None:
    """Issue 23, 6: the first registration is refused; both are in the record."""
    refusal = reply(400, {"error": "invalid_client_metadata", "error_description": "one grant type"})
    document = server_document(
        device_authorization_endpoint=f"{ISSUER}/device",
        grant_types_supported=[GrantType.DEVICE_CODE, "refresh_token"],
        response_types_supported=[],
    )
    register: list[Answer] = [refusal, *_registered("device-client")]
    sender = ScriptedSender(honest(server=reply(200, document), register=register))
    async with login_to(sender, Options(port=0, grant_type=GrantType.DEVICE_CODE)) as login:
        while at(login) is not Stage.AUTHORIZATION:
            assert not (await login.step()).failures
        record = login.trace.latest(Stage.REGISTRATION)
    asked = [sent.document["grant_types"] for sent in sender.sent if sent.line == REGISTER]
    assert asked[1] == [GrantType.DEVICE_CODE, "refresh_token"]
    assert record is not None
    assert any("asked for another kind" in check.seen for check in record.checks)


async def test_the_initial_access_token_goes_to_the_registration_alone_and_is_masked_in_its_answer() -> None:
    """Issue 23, 7; RFC 7591 §3."""
    token = "initial-canary-1"
    echo = reply(401, {"error": "invalid_token", "error_description": f"who is {token}?"})
    sender = ScriptedSender(honest(register=echo))
    login = await closed_login(sender, Options(port=0, initial_access_token=Secret(token)))
    assert at(login) is Stage.REGISTRATION
    record = login.trace.records[-1]
    sent = [s.line for s in sender.sent if token in (s.request.headers.get("authorization") or "")]
    assert sent == [REGISTER]
    assert token not in repr(record.checks) + repr(record.diagnosis)
