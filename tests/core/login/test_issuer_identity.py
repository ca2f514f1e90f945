"""The name of the server is compared letter by letter with the one that the resource gives."""

import pytest

from authlens_core.desk.log_in import grant_of
from authlens_core.trace.record import Stage
from support.driven_login import closed_login, failed, login_to, run_to, stopped_login
from support.scripted_login import (
    BEGAN,
    ISSUER,
    RESOURCE,
    ScriptedSender,
    honest,
    reply,
    server_document,
)

UPPER = "https://AS.example"
PORT = "https://as.example:443"


def _sender(named: str, stated: str) -> ScriptedSender:
    document = server_document() | {"issuer": stated}
    metadata = reply(200, {"resource": RESOURCE, "authorization_servers": [named]})
    return ScriptedSender(honest(metadata=metadata, server=reply(200, document)))


@pytest.mark.parametrize("name", [ISSUER, UPPER, PORT])
async def test_a_server_that_calls_itself_what_the_resource_calls_it_is_the_server(name: str) -> None:
    """GEN-4, RFC 8414 §3.3: the same letters, however unusual; it is asked at one place."""
    sender = _sender(name, name)
    login = await closed_login(sender)
    assert login.finished
    assert login.facts.issuer_identifier == name
    assert login.facts.server_metadata is not None
    assert login.facts.server_metadata.issuer == name
    earned = grant_of(login.facts, BEGAN)
    assert earned is not None
    assert earned[0].issuer == name
    assert sender.count(f"GET {ISSUER}/.well-known/oauth-authorization-server") == 1


@pytest.mark.parametrize(
    ("named", "stated"),
    [
        (UPPER, ISSUER),
        (ISSUER, UPPER),
        (PORT, ISSUER),
        (ISSUER, PORT),
        (UPPER, "https://As.example"),
        (PORT, f"{UPPER}:443"),
        (ISSUER, f"{ISSUER}/"),
        (ISSUER, f"{ISSUER}:0443"),
    ],
)
async def test_a_server_that_spells_its_name_in_another_way_is_another_server(
    named: str, stated: str
) -> None:
    """GEN-4, AS-3, RFC 8414 §3.3: nothing is made equal before the comparison, and nothing is registered."""
    sender = _sender(named, stated)
    async with login_to(sender) as login:
        await run_to(login, Stage.SERVER_METADATA)
        assert failed(await login.step()) == "server.issuer"
        [check] = login.trace.records[-1].failures
        assert named in check.expected
        assert stated in check.seen
        assert not check.overridable
        assert login.facts.server_metadata is None
    assert not [line for line in sender.lines() if line.startswith("POST")]


async def test_the_iss_of_an_answer_is_compared_with_the_same_letters() -> None:
    """RFC 9207 §2.4: the identifier of the metadata, not a tidied one."""
    document = server_document(authorization_response_iss_parameter_supported=True) | {"issuer": UPPER}
    metadata = reply(200, {"resource": RESOURCE, "authorization_servers": [UPPER]})
    for iss, passes in (("https%3A%2F%2FAS.example", True), ("https%3A%2F%2Fas.example", False)):
        sender = ScriptedSender(honest(metadata=metadata, server=reply(200, document)))
        login = await closed_login(sender, answers=(f"code=code-canary-1&iss={iss}",))
        assert login.finished is passes
        if not passes:
            assert failed(login.trace.records[-1]) == "authorization.iss"


async def test_an_origin_that_stands_for_the_server_is_named_as_an_origin_is_written() -> None:
    """MCP 2025-03-26: nobody named it, so there is one way to write it."""
    sender = ScriptedSender(honest(metadata=reply(404)))
    origin = "https://app.example"
    sender.script[f"GET {origin}/.well-known/oauth-authorization-server"] = reply(  # type: ignore[index]
        200, server_document(origin)
    )
    async with stopped_login(sender) as login:
        await login.override("resource_metadata.found")
        assert login.facts.issuer_identifier == origin
        record = await login.step()
        assert record.failures == ()
