"""What a finished login holds can be printed: neither state nor code nor tokens are in it."""

import pytest

from authlens_core.login.facts import Facts
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.trace.record import Fact, Stage, Trace
from authlens_core.values.secret import Secret
from support.driven_login import login_to, record_of
from support.scripted_login import ScriptedSender, come_back, honest, reply, state_of


async def _finished() -> tuple[Facts, Trace, list[str]]:
    """Return what a login holds at its end, and every secret of it in the clear."""
    links: list[str] = []

    def watch(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            links.append(event.url)

    async with login_to(ScriptedSender(honest())) as login:
        login.watch(watch)
        login.watch(come_back(login))
        await login.run_all()
        assert login.finished
        facts, trace = login.facts, login.trace
    assert facts.pkce is not None
    secrets = [state_of(links[0]), facts.pkce.code_verifier.reveal()]
    return facts, trace, [*secrets, "access-canary-1", "refresh-canary-1", "code-canary-1"]


async def test_the_facts_show_no_secret() -> None:
    """PK-5: the link holds the state, so it is not printed."""
    facts, _, secrets = await _finished()
    for shown in (repr(facts), str(facts), f"{facts}"):
        assert [secret for secret in secrets if secret in shown] == []


async def test_no_record_shows_a_secret() -> None:
    """PK-5: in facts, checks or exchanges, of any stage."""
    _, trace, secrets = await _finished()
    for record in trace.records:
        shown = repr(record)
        assert [secret for secret in secrets if secret in shown] == [], record.stage
    assert [secret for secret in secrets if secret in repr(trace)] == []


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        (Stage.PKCE, "state"),
        (Stage.PKCE, "code_verifier"),
        (Stage.AUTHORIZATION, "state"),
        (Stage.AUTHORIZATION, "code"),
        (Stage.EXCHANGE, "access_token"),
        (Stage.EXCHANGE, "refresh_token"),
    ],
)
async def test_what_is_secret_is_a_secret_where_it_is_shown(stage: Stage, name: str) -> None:
    """Design §3: opaque to every view, and the same value all the same."""
    facts, trace, secrets = await _finished()
    record = trace.latest(stage)
    assert record is not None
    found: list[Fact] = [fact for fact in record.facts if fact.name == name]
    assert found
    for fact in found:
        assert isinstance(fact.value, Secret)
        assert fact.value.reveal() in secrets
    if name == "state":
        assert {fact.value for fact in found} == {facts.state}


async def test_what_is_not_secret_is_shown_as_it_is_sent() -> None:
    """Who debugs a login sees the link taken apart."""
    _, trace, _ = await _finished()
    record = record_of(trace, Stage.AUTHORIZATION)
    shown = {fact.name: fact.value for fact in record.facts}
    assert shown["response_type"] == "code"
    assert shown["client_id"] == "client-1"
    assert shown["code_challenge_method"] == "S256"


async def test_the_event_that_brings_the_link_does_not_print_it() -> None:
    """Watchers log events; the link holds the state."""
    seen: list[Event] = []
    async with login_to(ScriptedSender(honest(token=reply(400, {"error": "invalid_grant"})))) as login:
        login.watch(seen.append)
        login.watch(come_back(login))
        await login.run_all()
    [ready] = [event for event in seen if isinstance(event, AuthorizationReady)]
    assert state_of(ready.url) not in repr(seen)
