"""Servers of MCP 2025-03-26: server metadata at the origin of the resource, or nothing but default paths."""

import json
import re
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from authlens_core.trace.record import Outcome, Stage, Trace
from authlens_core.values.check import Severity
from authlens_core.values.exchange import Response
from authlens_core.values.login_options import Options
from support.driven_login import login_to, stopped_login
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

ORIGIN = "https://app.example"
AT_ORIGIN = f"GET {ORIGIN}/.well-known/oauth-authorization-server"
TOKEN = reply(200, {"access_token": "access-canary-1", "token_type": "Bearer", "expires_in": 900})
CLIENT = reply(201, {"client_id": "client-1", "token_endpoint_auth_method": "none"})


def _sender(more: Mapping[str, Response] | None = None) -> ScriptedSender:
    script = honest(resource=[reply(401), reply(200)], metadata=reply(404), server=reply(404))
    script |= {f"POST {ORIGIN}/register": CLIENT, f"POST {ORIGIN}/token": TOKEN}
    return ScriptedSender({**script, **(more or {})})


async def _run(sender: ScriptedSender, **options: bool) -> Trace:
    async with login_to(sender, options=replace(Options(port=0), **options)) as login:
        login.watch(come_back(login))
        return await login.run_all()


async def test_server_metadata_at_the_origin_is_taken_with_a_warning() -> None:
    """MCP-3."""
    trace = await _run(_sender({AT_ORIGIN: reply(200, server_document(ORIGIN))}))
    assert [record.outcome for record in trace.records] == [Outcome.PASSED] * 8
    [check] = [c for c in trace.records[1].checks if c.name == "resource_metadata.found"]
    assert check.severity is Severity.WARNING
    assert ORIGIN in check.seen


async def test_default_paths_are_not_used_unless_the_user_chose_them() -> None:
    """MCP-3."""
    sender = _sender()
    trace = await _run(sender)
    assert (trace.records[-1].stage, trace.records[-1].outcome) == (Stage.RESOURCE_METADATA, Outcome.FAILED)
    assert not [line for line in sender.lines() if line.startswith("POST") and "/mcp" not in line]


async def test_what_stops_at_an_old_server_names_the_option_that_continues() -> None:
    """In stage 2 and, for a user who approved that check alone, in stage 3."""
    async with login_to(_sender({f"GET {ORIGIN}/authorize": reply(400)})) as login:
        login.watch(come_back(login))
        reasons = [(await login.run_all()).records[-1].reason]
        await login.override("resource_metadata.found")
        reasons.append((await login.step()).reason)
    assert [r is not None and "authlens login URL --legacy-paths" in str(r.cure) for r in reasons] == [
        True
    ] * 2


NAMED = ("WWW-Authenticate", f'Bearer resource_metadata="{METADATA}"')


@pytest.mark.parametrize("challenge", [(), (NAMED,)])
@pytest.mark.parametrize(
    ("more", "beginning"),
    [
        ({}, "Only the owner of the resource can help"),
        ({f"GET {ORIGIN}/authorize": reply(503)}, "For an old MCP server"),
        ({f"GET {ORIGIN}/authorize": reply(400)}, "Ask the owner of the resource"),
    ],
)
async def test_what_is_at_the_origin_decides_whether_legacy_paths_are_offered(
    challenge: tuple[tuple[str, str], ...], more: Mapping[str, Response], beginning: str
) -> None:
    """Nothing there, no answer that says it, and a page; asked for without a credential."""
    sender = _sender({f"GET {RESOURCE}": reply(401, None, *challenge), **more})
    reason = (await _run(sender)).records[-1].reason
    assert str(reason and reason.cure).startswith(beginning)
    assert ("--legacy-paths" in str(reason and reason.cure)) is bool(more)
    [asked] = [sent.request for sent in sender.sent if sent.line == f"GET {ORIGIN}/authorize"]
    assert asked.headers.get("authorization") is None


async def test_what_the_owner_is_asked_to_publish_lets_others_in_without_an_option() -> None:
    reason = (await _run(_sender({f"GET {ORIGIN}/authorize": reply(400)}))).records[-1].reason
    resource, server = (json.loads(one) for one in re.findall(r"\{.*?\}", str(reason and reason.cure)))
    place = f"{ORIGIN}/.well-known/oauth-protected-resource/mcp"
    assert f"at {place}: {{" in str(reason and reason.cure)
    sender = _sender({f"GET {place}": reply(200, resource), AT_ORIGIN: reply(200, server)})
    trace = await _run(sender)
    assert [record.outcome for record in trace.records] == [Outcome.PASSED] * 8
    checks = [check for record in trace.records[1:3] for check in record.checks]
    assert not [check for check in checks if check.severity is Severity.WARNING]


async def test_default_paths_are_used_with_legacy_paths_and_the_record_says_so() -> None:
    trace = await _run(_sender(), legacy_paths=True)
    assert [record.outcome for record in trace.records] == [Outcome.PASSED] * 8
    [check] = [c for c in trace.records[2].checks if c.name == "server.document"]
    assert check.severity is Severity.WARNING
    assert "/authorize, /token and /register" in check.seen


async def test_an_origin_without_a_registration_is_not_the_server() -> None:
    """It is not told to turn registration on: another server does that, which no metadata names."""
    trace = await _run(_sender({f"POST {ORIGIN}/register": reply(404)}), legacy_paths=True)
    reason = trace.records[-1].reason
    assert reason is not None
    assert (trace.records[-1].stage, reason.name) == (Stage.REGISTRATION, "no_server_at_origin")


async def test_default_paths_are_offered_by_the_key_in_the_wizard() -> None:
    """Each of the two decisions is asked for: the origin as server, then its default paths."""
    async with stopped_login(_sender()) as login:
        assert await login.override("resource_metadata.found") is not None
        record = await login.step()
        assert [c.overridable for c in record.failures] == [True]
        assert await login.override("server.document") is not None
        trace = await login.run_all()
    assert trace.records[-1].stage is Stage.ACCESS


async def test_a_server_that_the_resource_names_gets_default_paths_if_the_user_chose_them() -> None:
    """MCP-3: the endpoints are those at the root of the named server."""
    sender = ScriptedSender(honest(server=reply(404)))
    trace = await _run(sender, legacy_paths=True)
    assert [record.outcome for record in trace.records] == [Outcome.PASSED] * 8
    assert f"POST {ISSUER}/token" in sender.lines()


@pytest.mark.parametrize(
    ("answer", "offered"),
    [(reply(400), True), (reply(302), True), (reply(404), False), (reply(403), True), (reply(500), False)],
)
async def test_default_paths_are_offered_where_something_is_there(answer: Response, offered: bool) -> None:
    """Nothing but the page is asked for, without a credential, and nothing is used without a choice."""
    sender = ScriptedSender({**honest(server=reply(404)), f"GET {ISSUER}/authorize": answer})
    trace = await _run(sender)
    reason = trace.records[-1].reason
    assert (trace.records[-1].stage, reason is not None) == (Stage.SERVER_METADATA, True)
    assert ("authlens login URL --legacy-paths" in str(reason and reason.cure)) is offered
    assert trace.records[-1].failures[0].overridable is offered
    [asked] = [sent.request for sent in sender.sent if sent.line == f"GET {ISSUER}/authorize"]
    assert asked.headers.get("authorization") is None


async def test_a_server_that_refuses_everything_alike_has_nothing_at_its_default_paths() -> None:
    page = {f"GET {ISSUER}/authorize": reply(403)}
    sender = ScriptedSender({**honest(server=reply(403)), **page})
    trace = await _run(sender)
    assert "--legacy-paths" not in str(trace.records[-1].reason)
