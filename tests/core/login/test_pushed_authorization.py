"""A login through pushed authorization requests (RFC 9126): the link holds a reference and no parameters."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from authlens_core.login.events import AuthorizationReady, Event
from authlens_core.oauth.http_message import Response
from authlens_core.secret import Secret
from authlens_core.trace.record import Outcome, Stage
from support.driven_login import login_to
from support.scripted_login import ISSUER, ScriptedSender, honest, reply, server_document

PAR = f"POST {ISSUER}/par"
REFERENCE = "urn:ietf:params:oauth:request_uri:r-1"


def _sender(answer: Response) -> ScriptedSender:
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
