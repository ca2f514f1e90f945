"""What a login refuses by default and takes by choice: the option that the refusal names leads on."""

import shlex
from typing import Any, Final

import pytest

from authlens_core.login.login import Login
from authlens_core.login.tampering.experiments import experiments
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.check import Check, Severity
from authlens_core.values.fix import commands_of
from authlens_tui.cli.login.login_arguments import login_options
from authlens_tui.cli.parser import build_parser
from support.driven_login import cure_of, stopped_login
from support.scripted_login import (
    ISSUER,
    RESOURCE,
    Answer,
    ScriptedSender,
    honest,
    reply,
    server_document,
)

TEMPLATE: Final = f"{ISSUER}/{{tenantid}}/v2.0"


# What shows whether the server honours it.
_WRONG_VERIFIER: Final = next(one.title for one in experiments() if one.name == "wrong_verifier")


def _options(command: str) -> Any:
    words = shlex.split(command.replace("URL", RESOURCE))
    assert words[:2] == ["authlens", "login"]
    return login_options(build_parser().parse_args([*words[1:], "--port", "0"]), {})


def _command(record: StageRecord) -> str:
    """Return the command that the refusal ends with."""
    reason = record.reason
    assert reason is not None
    *_, command = commands_of(reason.cure)
    return command


async def _run(sender: ScriptedSender, *answers: str, command: str = "authlens login URL") -> Login:
    async with stopped_login(sender, _options(command), answers=(*answers,)) as login:
        return login


def _check(login: Login, name: str) -> Check:
    return next(c for r in login.trace.records for c in r.checks if c.name == name)


async def _refused_then_accepted(
    script: dict[str, Any], stage: Stage, name: str, *answers: str
) -> tuple[Login, ScriptedSender]:
    """Log in without options, then word for word as the refusal says; return the login that succeeded."""
    again = {line: list(answer) if isinstance(answer, list) else answer for line, answer in script.items()}
    refused = (await _run(ScriptedSender(again), *answers)).trace.records[-1]
    assert (refused.stage, refused.outcome) == (stage, Outcome.FAILED)
    sender = ScriptedSender(script)
    login = await _run(sender, *answers, command=_command(refused))
    assert login.finished, login.trace.records[-1].failures
    assert _check(login, name).severity is Severity.WARNING
    return login, sender


def _server(**changes: Any) -> Answer:
    return reply(200, server_document(**changes))


async def test_a_server_that_does_not_list_pkce_is_sent_s256_all_the_same() -> None:
    """Entra, Cognito: the refusal names the option, and the challenge is in the link."""
    script = honest(server=_server(code_challenge_methods_supported=None))
    login, sender = await _refused_then_accepted(script, Stage.SERVER_METADATA, "server.s256")
    assert "code_challenge_method=S256" in (login.facts.authorization_url or "")
    token = next(sent for sent in sender.sent if sent.line == f"POST {ISSUER}/token")
    assert token.form["code_verifier"]
    assert _WRONG_VERIFIER in str(_check(login, "server.s256").cure)


@pytest.mark.parametrize("methods", [["plain"], ["S512"], "S256"])
async def test_a_server_that_lists_other_methods_is_its_owners_to_correct(methods: Any) -> None:
    script = honest(server=_server(code_challenge_methods_supported=methods))
    login = await _run(ScriptedSender(script), command="authlens login URL --assume-pkce")
    cure = cure_of(login)
    assert cure.startswith("Only the owner of the server can help")
    assert "authlens login" not in cure


@pytest.mark.parametrize("stated", [TEMPLATE, f"{ISSUER}/", "https://login.other.example/v2.0"])
async def test_a_server_with_another_name_is_accepted_by_that_name(stated: str) -> None:
    login, _ = await _refused_then_accepted(
        honest(server=reply(200, server_document() | {"issuer": stated})),
        Stage.SERVER_METADATA,
        "server.issuer",
    )
    assert login.facts.server_metadata is not None
    # The client and the grant belong to the server that the resource named, and that was asked.
    assert login.facts.server_metadata.issuer == ISSUER


@pytest.mark.parametrize(
    ("iss", "passes"),
    [
        (f"{ISSUER}/11111111-2222/v2.0", True),
        (ISSUER, False),
        (f"{ISSUER}/a/b/v2.0", False),
        (f"{ISSUER}//v2.0", False),
        ("https://evil.example/t/v2.0", False),
    ],
)
async def test_the_iss_of_an_answer_is_compared_with_the_name_that_was_accepted(
    iss: str, passes: bool
) -> None:
    """RFC 9207 §2.4: the mix-up that the option risks is still noticed."""
    document = server_document(authorization_response_iss_parameter_supported=True) | {"issuer": TEMPLATE}
    sender = ScriptedSender(honest(server=reply(200, document)))
    command = f"authlens login URL --issuer {ISSUER} --issuer-name {shlex.quote(TEMPLATE)}"
    login = await _run(sender, f"code=code-canary-1&iss={iss}", command=command)
    assert login.finished is passes
    if not passes:
        assert login.trace.records[-1].failures[0].name == "authorization.iss"


async def test_a_name_that_the_server_does_not_give_is_refused() -> None:
    """The option accepts one name: with another one, the server is not the one that the user meant."""
    command = f"authlens login URL --issuer {ISSUER} --issuer-name https://other.example"
    login = await _run(ScriptedSender(honest()), command=command)
    record = login.trace.records[-1]
    assert record.failures[0].name == "server.issuer"
    assert login.facts.server_metadata is None


async def test_a_name_that_is_no_address_is_in_no_command() -> None:
    """What a server says is copied to a shell by the user."""
    document = server_document() | {"issuer": "x'; rm -rf ~ #"}
    login = await _run(ScriptedSender(honest(server=reply(200, document))))
    cure = cure_of(login)
    assert "authlens login" not in cure


def _metadata(resource: str) -> Answer:
    return reply(200, {"resource": resource, "authorization_servers": [ISSUER]})


async def test_a_resource_with_a_slash_more_is_accepted_by_its_own_name() -> None:
    script = honest(metadata=_metadata(f"{RESOURCE}/"))
    login, sender = await _refused_then_accepted(
        script, Stage.RESOURCE_METADATA, "resource_metadata.resource"
    )
    token = next(sent for sent in sender.sent if sent.line == f"POST {ISSUER}/token")
    assert token.form["resource"] == f"{RESOURCE}/"
    assert login.facts.resource == f"{RESOURCE}/"


async def test_a_resource_with_another_name_that_the_server_does_not_want_leads_on_too() -> None:
    """The two overrides are one option: with none to send, its name does not matter."""
    script = honest(metadata=_metadata(f"{RESOURCE}/"))
    assert (await _run(ScriptedSender(script), command='authlens login URL --resource ""')).finished


@pytest.mark.parametrize("resource", ["https://APP.example/mcp", "https://app.example:443/mcp"])
async def test_the_same_url_written_in_another_way_is_the_resource(resource: str) -> None:
    """RFC 3986 §6.2.2: and it is sent back as it was written."""
    login = await _run(ScriptedSender(honest(metadata=_metadata(resource))))
    assert login.finished
    assert _check(login, "resource_metadata.resource").severity is Severity.WARNING
    assert login.facts.resource == resource


async def test_a_resource_on_another_origin_is_never_accepted_here() -> None:
    """RFC 9728 §3.3: this server would get a token for that one. Only its owner can help."""
    other = "https://bank.example/api"
    login = await _run(
        ScriptedSender(honest(metadata=_metadata(other))), command=f"authlens login URL --resource {other}"
    )
    record = login.trace.records[-1]
    assert record.failures[0].name == "resource_metadata.resource"
    reason = record.reason
    assert reason is not None
    assert "Ask the owner" in str(reason.cure)
    assert "authlens login" not in str(reason.cure)


@pytest.mark.parametrize(
    "error",
    [
        "error=invalid_target&error_description=AADSTS9010010%3A%20The%20resource%20parameter%20provided",
        "error=invalid_request&error_description=unknown%20parameter%3A%20resource",
        "error=invalid_target",
    ],
)
async def test_a_server_that_refuses_the_resource_is_sent_none(error: str) -> None:
    """Entra: the value of the metadata fails again; an empty one is left out."""
    refused = await _run(ScriptedSender(honest()), error)
    reason = refused.trace.records[-1].reason
    assert reason is not None
    command = 'authlens login URL --resource ""'
    assert command in commands_of(reason.cure)
    sender = ScriptedSender(honest())
    login = await _run(sender, command=command)
    assert login.finished
    assert "resource=" not in (login.facts.authorization_url or "")
    assert not any("resource" in sent.form for sent in sender.sent if sent.line == f"POST {ISSUER}/token")


async def test_an_audience_is_in_the_link_and_in_no_token_request() -> None:
    """Auth0: it decides about the audience where the user consents; the code carries it from there."""
    sender = ScriptedSender(honest())
    login = await _run(sender, command="authlens login URL --audience https://api.example/")
    assert login.finished
    assert "audience=https%3A%2F%2Fapi.example%2F" in (login.facts.authorization_url or "")
    assert not any("audience" in sent.form for sent in sender.sent if sent.line == f"POST {ISSUER}/token")


async def test_basic_alone_is_no_end_where_resource_metadata_is_published() -> None:
    """RFC 9728 §3: the first challenge says nothing about tokens, and the well-known place does."""
    basic = reply(401, None, ("WWW-Authenticate", 'Basic realm="x"'))
    login = await _run(ScriptedSender(honest(resource=[basic, reply(200, text="welcome")])))
    assert login.finished, login.trace.records[-1].failures
    assert _check(login, "detection.protection").severity is Severity.WARNING


async def test_basic_alone_is_the_end_where_nothing_is_published() -> None:
    basic = reply(401, None, ("WWW-Authenticate", 'Basic realm="x"'))
    login = await _run(ScriptedSender(honest(resource=basic, metadata=reply(404))))
    record = login.trace.records[-1]
    assert record.failures[0].name == "detection.protection"
    assert not record.failures[0].overridable


async def test_a_page_where_the_metadata_should_be_does_not_hide_it_at_the_next_place() -> None:
    page = reply(200, None, ("Content-Type", "text/html"), text="<html>Welcome</html>")
    script = honest(server=page)
    script[f"GET {ISSUER}/.well-known/openid-configuration"] = _server()
    assert (await _run(ScriptedSender(script))).finished
