"""The login as a whole: its order, its record, and when success is claimed."""

import asyncio

import pytest

from authlens_core.login.facts import Facts
from authlens_core.login.login import Login
from authlens_core.login.stage_work import Stored
from authlens_core.trace.events import (
    AuthorizationReady,
    Event,
    ExchangeEnded,
    ExchangeStarted,
    StageEnded,
    StageStarted,
)
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.exchange import Request
from authlens_core.values.login_options import Options
from authlens_core.values.stage import LOGIN_STAGES
from authlens_core.values.url import UrlRefused
from support.driven_login import (
    at,
    closed_login,
    failed,
    is_free,
    login_to,
    port_of,
    record_of,
    run_to,
    until,
)
from support.made_checks import warned
from support.scripted_login import ISSUER, METADATA, RESOURCE, ScriptedSender, come_back, honest, reply

TOKEN = f"POST {ISSUER}/token"
REGISTER = f"POST {ISSUER}/register"


def _stage_of(event: Event) -> Stage | None:
    if isinstance(event, StageStarted | ExchangeStarted | ExchangeEnded):
        return event.stage
    return event.record.stage if isinstance(event, StageEnded) else None


async def test_run_all_runs_the_eight_stages_and_sends_seven_requests() -> None:
    """Design §4: and nothing else."""
    sender = ScriptedSender(honest())
    login = await closed_login(sender)
    assert login.finished
    assert at(login) is None
    assert tuple(r.stage for r in login.trace.records) == LOGIN_STAGES
    assert {r.outcome for r in login.trace.records} == {Outcome.PASSED}
    assert sender.lines() == [
        f"GET {RESOURCE}",
        f"GET {METADATA}",
        f"GET {ISSUER}/.well-known/oauth-authorization-server",
        REGISTER,
        TOKEN,
        f"GET {RESOURCE}",
    ]


async def test_two_stages_never_run_at_once() -> None:
    gate = asyncio.Event()
    async with login_to(ScriptedSender(honest(), before=lambda _: gate.wait())) as login:
        first = asyncio.create_task(login.step())
        await until(lambda: login.running is Stage.DETECTION)
        with pytest.raises(RuntimeError, match="running"):
            await login.step()
        login.back()
        login.use(Options(port=1))
        assert await login.override("detection.protection") is None
        gate.set()
        assert (await first).outcome is Outcome.PASSED
        assert login.facts.options.port == 0


async def test_what_is_planned_is_what_is_sent() -> None:
    """Design §5: the request is on the screen before it is sent."""
    sender = ScriptedSender(honest())
    options = Options(port=8400 if is_free(8400) else 18400, wait=60)
    async with login_to(sender, options) as login:
        login.watch(come_back(login))
        while (stage := login.position) is not None:
            planned, before = login.planned(), len(sender.sent)
            await login.step()
            sent = [s.request for s in sender.sent[before:]]
            assert sent == ([planned.request] if planned else []), stage


async def test_the_events_of_a_login_come_in_order() -> None:
    """Each stage begins, sends, and ends with its record; the link comes before the answer."""
    seen: list[Event] = []
    async with login_to(ScriptedSender(honest())) as login:
        login.watch(seen.append)
        login.watch(come_back(login))
        await login.run_all()
    told = [(type(event).__name__, _stage_of(event)) for event in seen]
    expected: list[tuple[str, Stage | None]] = []
    for stage in LOGIN_STAGES:
        expected.append(("StageStarted", stage))
        if stage is Stage.AUTHORIZATION:
            expected.append(("AuthorizationReady", None))
        elif stage is not Stage.PKCE:
            expected += [("ExchangeStarted", stage), ("ExchangeEnded", stage)]
        expected.append(("StageEnded", stage))
    assert told == expected
    assert tuple(e.record for e in seen if isinstance(e, StageEnded)) == login.trace.records


async def test_a_url_that_cannot_be_used_is_refused_before_anything_is_sent() -> None:
    """GEN-8: with the reasons."""
    sender = ScriptedSender(honest())
    with pytest.raises(UrlRefused):
        Login("http://app.example/", sender)
    assert sender.sent == []


async def test_the_listener_is_bound_before_the_client_is_registered() -> None:
    """LB-5: the port that is registered is already ours."""
    held: list[tuple[int, str]] = []

    async def look(request: Request) -> None:
        if request.url.endswith("/register"):
            held.append((port_of(login), request.body.reveal().decode()))

    async with login_to(ScriptedSender(honest(), before=look)) as login:
        await run_to(login, Stage.PKCE)
        [(port, body)] = held
        assert f"http://localhost:{port}/callback" in body
        assert not is_free(port)


async def test_the_link_is_shown_only_while_the_listener_listens_with_the_issuer_recorded() -> None:
    """LB-5, AZ-8: the issuer of the validated metadata is fixed before the browser can open."""
    recorded: list[tuple[bool, str]] = []

    def look(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            metadata = login.facts.server_metadata
            recorded.append((login.wait.listener is not None, metadata.issuer if metadata else ""))

    async with login_to(ScriptedSender(honest())) as login:
        login.watch(look)
        login.watch(come_back(login))
        await login.run_all()
    assert recorded == [(True, ISSUER)]


async def test_the_tokens_are_kept_before_success_is_claimed() -> None:
    """TK-12: the keeper is asked inside the exchange, and what it says stands in its record."""
    order: list[str] = []
    saying = warned("exchange.kept", "kept", "nowhere")

    async def keep(facts: Facts) -> Stored:
        assert facts.tokens is not None
        order.append("kept")
        return Stored("grant-1", (saying,))

    def watch(event: Event) -> None:
        if isinstance(event, StageEnded) and event.record.stage is Stage.EXCHANGE:
            order.append("ended")

    async with login_to(ScriptedSender(honest()), keeper=keep) as login:
        login.watch(watch)
        login.watch(come_back(login))
        trace = await login.run_all()
        assert login.facts.grant_id == "grant-1"
    assert order == ["kept", "ended"]
    record = record_of(trace, Stage.EXCHANGE)
    assert saying in record.checks
    assert record.outcome is Outcome.PASSED


async def test_tokens_that_were_refused_are_not_kept() -> None:
    """TK-4: a token of another type is not used, so it is not stored either."""
    kept: list[Facts] = []

    async def keep(facts: Facts) -> Stored:
        kept.append(facts)
        return Stored()

    answer = reply(200, {"access_token": "access-canary-1", "token_type": "mac"})
    login = await closed_login(ScriptedSender(honest(token=answer)), keeper=keep)
    assert failed(login.trace.latest(Stage.EXCHANGE)) == "token.token_type"
    assert kept == []
