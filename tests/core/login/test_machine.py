"""A login of a program, without a user: what is sent, what is not needed, and what it leaves out."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.check import Severity
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from support.driven_login import failed, login_to
from support.scripted_login import ISSUER, RESOURCE, ScriptedSender, honest, reply, server_document

STAGES = [
    Stage.DETECTION,
    Stage.RESOURCE_METADATA,
    Stage.SERVER_METADATA,
    Stage.REGISTRATION,
    Stage.EXCHANGE,
    Stage.ACCESS,
]
NO_BROWSER: dict[str, Any] = {
    "authorization_endpoint": None,
    "registration_endpoint": None,
    "response_types_supported": None,
    "code_challenge_methods_supported": None,
}


def _sender(**server: Any) -> ScriptedSender:
    changes = {**NO_BROWSER, "grant_types_supported": ["client_credentials"], **server}
    return ScriptedSender(honest(server=reply(200, server_document(**changes))))


def _options(**changes: Any) -> Options:
    chosen = {"client_id": "job-1", "client_secret": Secret("se:cret"), **changes}
    return Options(grant_type=GrantType.CLIENT_CREDENTIALS, **chosen)


async def test_a_client_gets_a_token_with_its_secret_and_no_browser() -> None:
    sender = _sender(token_endpoint_auth_methods_supported=["client_secret_basic"])
    async with login_to(sender, options=_options(scope="files.read")) as login:
        trace = await login.run_all()
        assert [(record.stage, record.outcome) for record in trace.records] == [
            (stage, Outcome.PASSED) for stage in STAGES
        ]
        assert login.wait.listener is None
    [token] = [one for one in sender.sent if one.line == f"POST {ISSUER}/token"]
    assert token.form == {
        "grant_type": "client_credentials",
        "scope": "files.read",
        "resource": RESOURCE,
    }
    basic = base64.b64decode((token.request.headers.get("authorization") or "").removeprefix("Basic "))
    assert basic == b"job-1:se%3Acret"


async def test_the_secret_goes_into_the_body_where_the_server_says_so() -> None:
    sender = _sender(token_endpoint_auth_methods_supported=["client_secret_post"])
    async with login_to(sender, options=_options()) as login:
        await login.run_all()
        assert login.finished
    [token] = [one for one in sender.sent if one.line == f"POST {ISSUER}/token"]
    assert (token.form["client_id"], token.form["client_secret"]) == ("job-1", "se:cret")
    assert token.request.headers.get("authorization") is None


async def test_a_program_without_a_client_is_told_to_name_one() -> None:
    async with login_to(_sender(), options=_options(client_id=None)) as login:
        trace = await login.run_all()
    assert failed(trace.records[-1]) == "registration.client"
    assert trace.records[-1].stage is Stage.REGISTRATION


async def test_a_program_does_not_ask_for_what_only_a_user_can_give() -> None:
    """`offline_access` is a refresh token's scope."""
    sender = _sender(scopes_supported=["offline_access"])
    challenge = ("WWW-Authenticate", 'Bearer scope="files.read"')
    sender.script = {
        **sender.script,
        f"GET {RESOURCE}": [reply(401, None, challenge), reply(200, text="welcome")],
    }
    async with login_to(sender, options=_options()) as login:
        await login.run_all()
    [token] = [one for one in sender.sent if one.line == f"POST {ISSUER}/token"]
    assert token.form["scope"] == "files.read"


@pytest.mark.parametrize(
    ("listed", "severity"), [(["client_credentials"], Severity.PASS), (["password"], Severity.WARNING)]
)
async def test_a_grant_that_is_not_listed_is_a_warning(listed: list[str], severity: Severity) -> None:
    async with login_to(_sender(grant_types_supported=listed), options=_options()) as login:
        trace = await login.run_all()
        assert login.finished
    [check] = [c for r in trace.records for c in r.checks if c.name == "server.machine_grant"]
    assert check.severity is severity
