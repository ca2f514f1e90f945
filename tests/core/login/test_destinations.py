"""Where a login may send what: issuers are not mixed up, and no URL leads astray."""

import socket

import pytest

from authlens_core.login.registered_clients import MemoryClientRegistry
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.login_options import Options
from authlens_core.wire.addresses import AddressPolicy
from support.driven_login import closed_login, failed, login_to
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

TOKEN = f"POST {ISSUER}/token"
EVIL = "https://evil.example"


async def test_a_code_of_another_server_is_sent_nowhere() -> None:
    """AR-3, AR-7, LB-9, H078: the right state with another issuer is a mix-up attack."""
    document = server_document(authorization_response_iss_parameter_supported=True)
    sender = ScriptedSender(honest(server=reply(200, document)))
    async with login_to(sender) as login:
        login.watch(
            come_back(login, f"code=code-canary-1&iss={EVIL.replace(':', '%3A').replace('/', '%2F')}")
        )
        await login.run_all()
        assert failed(login.trace.records[-1]) == "authorization.iss"
        assert login.facts.code is None
    assert sender.count(TOKEN) == 0


async def test_without_iss_a_code_goes_to_the_server_that_was_recorded_before_the_link() -> None:
    """AR-7: state and the recorded token endpoint are the binding; nothing in the answer redirects it."""
    sender = ScriptedSender(honest())
    login = await closed_login(
        sender, answers=(f"code=code-canary-1&token_endpoint={EVIL}/token&issuer={EVIL}",)
    )
    assert login.finished
    assert not [line for line in sender.lines() if "evil" in line]
    assert sender.count(TOKEN) == 1


async def test_a_registration_is_never_used_at_another_issuer() -> None:
    """RG-11, CH-15: the resource moves to another server, and the client of the first stays there."""
    other = "https://as2.example"
    script = honest()
    moved = {
        **honest(),
        f"GET {METADATA}": reply(200, {"resource": RESOURCE, "authorization_servers": [other]}),
    }
    for name in ("/.well-known/oauth-authorization-server", "/register", "/token"):
        verb = "GET" if "known" in name else "POST"
        moved[f"{verb} {other}{name}"] = script[f"{verb} {ISSUER}{name}"]
    moved[f"GET {other}/.well-known/oauth-authorization-server"] = reply(200, server_document(other))
    moved[f"POST {other}/register"] = reply(201, {"client_id": "client-2", "issuer": ISSUER})
    first, second = ScriptedSender(script), ScriptedSender(moved)
    registry = MemoryClientRegistry()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for sender in (first, second):
        login = await closed_login(sender, Options(port=port, wait=60), registry=registry)
        assert login.finished, login.trace.records[-1].failures
    assert second.count(f"POST {other}/register") == 1
    assert not [line for line in second.lines() if ISSUER in line.split()[1] + "/" and "as2" not in line]
    redirect = f"http://localhost:{port}/callback"
    known = await registry.find(ISSUER, redirect)
    assert known is not None
    assert known.client_id == "client-1"


async def test_a_public_resource_may_not_lead_to_private_addresses() -> None:
    """GEN-3, RFC 9728 §7.7: every URL a server named is guarded; the person's own is not."""
    sender = ScriptedSender(honest())
    await closed_login(sender)
    own = [s.addresses for s in sender.sent if s.request.url == RESOURCE]
    named = [s.addresses for s in sender.sent if s.request.url != RESOURCE]
    assert own == [AddressPolicy.ANY] * 2
    assert named == [AddressPolicy.PUBLIC_ONLY] * 4


@pytest.mark.parametrize("peer", ["10.0.0.7:443", "[::1]:443", None])
async def test_a_resource_inside_may_have_its_server_inside(peer: str | None) -> None:
    """GEN-3: an address is no secret to somebody who is in the same network."""
    sender = ScriptedSender(honest(), peer=peer)
    await closed_login(sender)
    assert {s.addresses for s in sender.sent} == {AddressPolicy.ANY}


async def test_plain_http_is_never_allowed_for_an_https_resource() -> None:
    """GEN-1: not even to this machine, and the sender is told so with every request."""
    sender = ScriptedSender(honest())
    await closed_login(sender)
    assert {s.loopback_http for s in sender.sent} == {False}


@pytest.mark.parametrize(
    ("place", "stage"),
    [
        ("resource_metadata", Stage.DETECTION),
        ("authorization_servers", Stage.RESOURCE_METADATA),
        ("authorization_endpoint", Stage.SERVER_METADATA),
        ("token_endpoint", Stage.SERVER_METADATA),
        ("registration_endpoint", Stage.SERVER_METADATA),
    ],
)
@pytest.mark.parametrize("host", ["as.example", "127.0.0.1:9", "localhost:9"])
async def test_a_plain_http_url_is_refused_wherever_a_server_names_one(
    place: str, stage: Stage, host: str
) -> None:
    """GEN-1: in each position, before anything is sent to it."""
    plain = f"http://{host}/x"
    script = honest()
    if place == "resource_metadata":
        script = honest(
            resource=reply(401, None, ("WWW-Authenticate", f'Bearer resource_metadata="{plain}"'))
        )
    elif place == "authorization_servers":
        script = honest(metadata=reply(200, {"resource": RESOURCE, "authorization_servers": [plain]}))
    else:
        script = honest(server=reply(200, server_document(**{place: plain})))
    sender = ScriptedSender(script)
    login = await closed_login(sender)
    record = next((r for r in login.trace.records if r.outcome is Outcome.FAILED), None)
    assert record is not None
    assert record.stage in (stage, Stage.REGISTRATION)
    # Without registration a client id can be given, so that one may be overridden.
    assert record.failures[0].overridable is (place == "registration_endpoint")
    assert not [line for line in sender.lines() if "http://" in line]
