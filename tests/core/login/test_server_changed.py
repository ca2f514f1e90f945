"""A resource that names another authorization server than before: nothing of the old one is sent there."""

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.session import Session
from authlens_core.login.registered_clients import MemoryClientRegistry
from authlens_core.trace.record import Trace
from authlens_core.values.check import Severity
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator, Profile
from support.driven_login import client_of, closed_login, log_in, login_to
from support.scripted_login import (
    ISSUER,
    METADATA,
    RESOURCE,
    ScriptedSender,
    come_back,
    honest,
    reply,
    server_document,
)

NEW = "https://new.example"
CHANGED = "resource_metadata.server_changed"


def names(trace: Trace) -> set[str]:
    return {c.name for record in trace.records for c in record.checks if c.severity is Severity.WARNING}


async def test_the_same_server_as_before_is_no_news() -> None:
    async with login_to(ScriptedSender(honest()), earlier_issuer=ISSUER) as login:
        login.watch(come_back(login))
        assert CHANGED not in names(await login.run_all())


async def test_a_new_server_gets_a_registration_of_its_own_and_no_old_client_or_token() -> None:
    registry = MemoryClientRegistry()
    login = await closed_login(ScriptedSender(honest()), registry=registry)
    assert login.finished
    script = honest()
    script[f"GET {METADATA}"] = reply(200, {"resource": RESOURCE, "authorization_servers": [NEW]})
    script[f"GET {NEW}/.well-known/oauth-authorization-server"] = reply(200, server_document(NEW))
    script[f"POST {NEW}/register"] = reply(201, {"client_id": "client-2"})
    answer = {"access_token": "access-canary-2", "token_type": "Bearer"}
    script[f"POST {NEW}/token"] = reply(200, answer)
    sender = ScriptedSender(script)
    login = await closed_login(sender, registry=registry, earlier_issuer=ISSUER)
    assert login.finished
    assert CHANGED in names(login.trace)
    assert client_of(login.facts).client_id == "client-2"
    at_new = [one.request for one in sender.sent if one.request.url.startswith(NEW)]
    assert [request.url for request in at_new][1:] == [f"{NEW}/register", f"{NEW}/token"]
    for request in at_new:
        sent = f"{request.url} {request.headers.fields} {request.body.reveal()!r}"
        assert "client-1" not in sent
        assert "canary-1 " not in sent
        assert "access-canary-1" not in sent
        assert "refresh-canary-1" not in sent


async def test_a_stored_login_at_the_old_server_makes_the_change_known() -> None:
    """The emulator moves: its new issuer knows no client and no token of the old one."""
    async with (
        Emulator(Profile.GENERIC) as emulator,
        Session(Wire(), Credentials.memory()) as session,
    ):
        await log_in(emulator, session=session)
        emulator.move_authorization_server()
        trace = await log_in(emulator, session=session)
        assert CHANGED in names(trace)
        assert trace.records[-1].failures == ()
        newest = session.credentials.find(emulator.resource_url)
        assert newest is not None
        assert newest.issuer == emulator.issuer
