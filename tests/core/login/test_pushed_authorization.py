"""A login through pushed authorization requests (RFC 9126): the link holds a reference and no parameters."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from authlens_core.login.login import Login
from authlens_core.login.tampering.experiments import find_experiment
from authlens_core.login.tampering.request_edit import EditLocation
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.check import Severity
from authlens_core.values.exchange import Exchange, FailureKind, Request, Response, WireFailure
from authlens_core.values.secret import Secret
from support.driven_login import closed_login, login_to
from support.scripted_login import ISSUER, ScriptedSender, honest, reply, server_document

PAR = f"POST {ISSUER}/par"
REFERENCE = "urn:ietf:params:oauth:request_uri:r-1"


def _sender(answer: Response | WireFailure) -> ScriptedSender:
    script = honest(server=reply(200, server_document(pushed_authorization_request_endpoint=f"{ISSUER}/par")))
    script[PAR] = answer
    return ScriptedSender(script)


async def test_the_parameters_are_pushed_and_the_link_holds_their_reference() -> None:
    """AZ-10."""
    sender, links = _sender(reply(201, {"request_uri": REFERENCE, "expires_in": 60})), []
    async with login_to(sender) as login:

        def watch(event: Event) -> None:
            if isinstance(event, AuthorizationReady):
                links.append(event.url)
                [pushed] = [one for one in sender.sent if one.line == PAR]
                login.paste(Secret(f"?code=c&state={pushed.form['state']}"))

        login.watch(watch)
        await login.run_all()
        assert login.finished
    [pushed] = [one.form for one in sender.sent if one.line == PAR]
    assert {"client_id", "redirect_uri", "code_challenge", "resource"} <= set(pushed)
    assert parse_qs(urlsplit(links[0]).query) == {"client_id": ["client-1"], "request_uri": [REFERENCE]}


@pytest.mark.parametrize(
    "answer",
    [
        reply(400, {"error": "invalid_request"}),
        reply(201, {"expires_in": 60}),
        reply(201, {"request_uri": REFERENCE, "expires_in": 0}),
    ],
    ids=["refused", "no reference", "expired"],
)
async def test_without_a_good_reference_no_link_is_given_out(answer: Response) -> None:
    events: list[Event] = []
    async with login_to(_sender(answer)) as login:
        login.watch(events.append)
        trace = await login.run_all()
    assert (trace.records[-1].stage, trace.records[-1].outcome) == (Stage.AUTHORIZATION, Outcome.FAILED)
    assert not [event for event in events if isinstance(event, AuthorizationReady)]


async def test_a_pushed_request_without_an_answer_says_what_to_do() -> None:
    lost = WireFailure(FailureKind.TIMEOUT, "It did not answer.", "Try again.")
    record = (await closed_login(_sender(lost))).trace.records[-1]
    assert [(check.seen, check.cure) for check in record.failures] == [("It did not answer.", "Try again.")]


@dataclass
class _Repeating(ScriptedSender):
    """Refuses the pushed request with the state that was in it."""

    async def send(self, request: Request, **how: Any) -> Exchange:
        found = await super().send(request, **how)
        if self.sent[-1].line != PAR:
            return found
        said = {"error": "invalid_request", "error_description": f"bad {self.sent[-1].form['state']}"}
        return replace(found, response=reply(400, said))


async def test_what_was_sent_is_masked_in_the_servers_words() -> None:
    """PAR-3: the state is in this request, too."""
    sender = _Repeating(_sender(reply(400)).script)
    record = (await closed_login(sender)).trace.records[-1]
    [pushed] = [one.form for one in sender.sent if one.line == PAR]
    assert "bad ••••" in record.checks[-1].seen
    assert pushed["state"] not in repr((record.checks, record.facts, record.diagnosis))


async def _attacked(answer: Response, name: str) -> tuple[Login, ScriptedSender, StageRecord]:
    """Return a login in which an attack on the link was tried, and the record of that stage."""
    sender = _sender(answer)
    async with login_to(sender) as login:

        def watch(event: Event) -> None:
            if isinstance(event, AuthorizationReady):
                [pushed] = [one for one in sender.sent if one.line == PAR]
                login.paste(Secret(f"?code=c&state={pushed.form['state']}"))

        login.watch(watch)
        login.arm(find_experiment(name))
        while (login.position or Stage.ACCESS) is not Stage.EXCHANGE:
            record = await login.step()
            if record.outcome is not Outcome.PASSED:
                break
        return login, sender, record


async def test_an_attack_on_the_link_changes_the_pushed_request_and_not_the_link() -> None:
    login, sender, record = await _attacked(
        reply(201, {"request_uri": REFERENCE, "expires_in": 60}), "missing_resource"
    )
    [pushed] = [one for one in sender.sent if one.line == PAR]
    assert "resource" not in pushed.form
    assert "?" not in pushed.request.url
    link = login.facts.authorization_url or ""
    assert parse_qs(urlsplit(link).query) == {"client_id": ["client-1"], "request_uri": [REFERENCE]}
    assert record.tampering == ("resource was left out",)
    assert [check.severity for check in record.checks if check.judges_attack] == [Severity.WARNING]


async def test_a_pushed_request_that_is_refused_is_the_refusal_of_the_attack() -> None:
    _, _, record = await _attacked(
        reply(400, {"error": "invalid_request", "error_description": "redirect_uri"}),
        "other_redirect_authorization",
    )
    assert record.outcome is Outcome.FAILED
    [verdict] = [check for check in record.checks if check.judges_attack]
    assert (verdict.severity, verdict.seen.startswith("400 invalid_request")) == (Severity.PASS, True)


async def test_what_is_edited_is_the_pushed_request() -> None:
    async with login_to(_sender(reply(201, {"request_uri": REFERENCE}))) as login:
        while login.position is not Stage.AUTHORIZATION:
            await login.step()
        assert login.planned_link() is None
        planned = login.planned()
        assert planned is not None
        assert planned.request.url == f"{ISSUER}/par"
        form = login.edit_form()
        assert form is not None
        assert {part.location for part in form.parts if part.name == "code_challenge"} == {EditLocation.FORM}
