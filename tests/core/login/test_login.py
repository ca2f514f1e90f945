"""The login as a whole: its order, its record, and what a person may do to it at any moment."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from authlens_core.errors import AuthlensError
from authlens_core.login.events import (
    AnswerIgnored,
    AuthorizationReady,
    DeadlineMoved,
    Event,
    ExchangeEnded,
    ExchangeStarted,
    StageEnded,
    StageStarted,
)
from authlens_core.login.facts import Facts, Options
from authlens_core.login.login import Login
from authlens_core.login.ports import ForgetfulRegistry
from authlens_core.login.verdict import verdict
from authlens_core.oauth.check import Check, Severity
from authlens_core.oauth.http_message import Request
from authlens_core.oauth.url import UrlRefused
from authlens_core.secret import Secret
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.trace.stage_info import LOGIN_STAGES
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.exchange import FailureKind, WireFailure
from support.scripted_login import (
    ISSUER,
    METADATA,
    RESOURCE,
    Answer,
    ScriptedSender,
    come_back,
    honest,
    reply,
    server_document,
    state_of,
)

TOKEN = f"POST {ISSUER}/token"
REGISTER = f"POST {ISSUER}/register"
LOST = WireFailure(FailureKind.TIMEOUT, "Nothing came in time.", "Try again.", may_have_arrived=True)


@asynccontextmanager
async def _login(
    sender: ScriptedSender, options: Options | None = None, **settings: Any
) -> AsyncIterator[Login]:
    login = Login(RESOURCE, sender, options=options or Options(port=0, wait=5), **settings)
    try:
        yield login
    finally:
        await login.aclose()


async def _run_to(login: Login, stage: Stage) -> None:
    """Run the stages before `stage`."""
    while login.position is not stage:
        record = await login.step()
        assert record.outcome is Outcome.PASSED, record.failures


async def _until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


def _at(login: Login) -> Stage | None:
    """Return the position; a call, so that a type checker does not think it stays."""
    return login.position


def _stage_of(event: Event) -> Stage | None:
    if isinstance(event, StageStarted | ExchangeStarted | ExchangeEnded):
        return event.stage
    return event.record.stage if isinstance(event, StageEnded) else None


def _failed(record: StageRecord | None) -> str:
    assert record is not None
    assert record.outcome is Outcome.FAILED
    return record.failures[0].name


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _port(login: Login) -> int:
    listener = login.wait.listener
    assert listener is not None
    return listener.port


# -- order and record ------------------------------------------------------------------------------------


async def test_run_all_runs_the_eight_stages_and_sends_seven_requests() -> None:
    """Design §4: and nothing else."""
    sender = ScriptedSender(honest())
    async with _login(sender) as login:
        login.watch(come_back(login))
        trace = await login.run_all()
        assert login.finished
        assert _at(login) is None
    assert tuple(r.stage for r in trace.records) == LOGIN_STAGES
    assert {r.outcome for r in trace.records} == {Outcome.PASSED}
    assert sender.lines() == [
        f"GET {RESOURCE}",
        f"GET {METADATA}",
        f"GET {ISSUER}/.well-known/oauth-authorization-server",
        REGISTER,
        TOKEN,
        f"GET {RESOURCE}",
    ]


async def test_step_runs_one_stage() -> None:
    """The wizard walks one key at a time."""
    sender = ScriptedSender(honest())
    async with _login(sender) as login:
        record = await login.step()
        assert record.stage is Stage.DETECTION
        assert _at(login) is Stage.RESOURCE_METADATA
        assert login.trace.records == (record,)
        assert sender.lines() == [f"GET {RESOURCE}"]


async def test_after_the_last_stage_there_is_nothing_to_step() -> None:
    """A step too many is a mistake of the caller."""
    async with _login(ScriptedSender(honest())) as login:
        login.watch(come_back(login))
        await login.run_all()
        assert login.planned() is None
        with pytest.raises(RuntimeError, match="ended"):
            await login.step()


async def test_two_stages_never_run_at_once() -> None:
    """The second caller is told."""
    gate = asyncio.Event()
    async with _login(ScriptedSender(honest(), before=lambda _: gate.wait())) as login:
        first = asyncio.create_task(login.step())
        await _until(lambda: login.running is Stage.DETECTION)
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
    options = Options(port=8400 if _is_free(8400) else 18400, wait=5)
    async with _login(sender, options) as login:
        login.watch(come_back(login))
        while (stage := login.position) is not None:
            planned, before = login.planned(), len(sender.sent)
            await login.step()
            sent = [s.request for s in sender.sent[before:]]
            assert sent == ([planned.request] if planned else []), stage


async def test_the_events_of_a_login_come_in_order() -> None:
    """Each stage begins, sends, and ends with its record; the link comes before the answer."""
    seen: list[Event] = []
    async with _login(ScriptedSender(honest())) as login:
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
            held.append((_port(login), request.body.reveal().decode()))

    async with _login(ScriptedSender(honest(), before=look)) as login:
        await _run_to(login, Stage.PKCE)
        [(port, body)] = held
        assert f"http://localhost:{port}/callback" in body
        assert not _is_free(port)


async def test_the_link_is_shown_only_while_the_listener_listens_with_the_issuer_recorded() -> None:
    """LB-5, AZ-8: the issuer of the validated metadata is fixed before the browser can open."""
    recorded: list[tuple[bool, str]] = []

    def look(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            metadata = login.facts.server_metadata
            recorded.append((login.wait.listener is not None, metadata.issuer if metadata else ""))

    async with _login(ScriptedSender(honest())) as login:
        login.watch(look)
        login.watch(come_back(login))
        await login.run_all()
    assert recorded == [(True, ISSUER)]


# -- keeping what was earned -----------------------------------------------------------------------------


async def test_the_tokens_are_kept_before_success_is_claimed() -> None:
    """TK-12: the keeper is asked inside the exchange, and what it says stands in its record."""
    order: list[str] = []
    saying = Check("exchange.kept", Severity.WARNING, "kept", "nowhere")

    async def keep(facts: Facts) -> tuple[Check, ...]:
        assert facts.tokens is not None
        order.append("kept")
        return (saying,)

    def watch(event: Event) -> None:
        if isinstance(event, StageEnded) and event.record.stage is Stage.EXCHANGE:
            order.append("ended")

    async with _login(ScriptedSender(honest()), keeper=keep) as login:
        login.watch(watch)
        login.watch(come_back(login))
        trace = await login.run_all()
    assert order == ["kept", "ended"]
    record = trace.latest(Stage.EXCHANGE)
    assert record is not None
    assert saying in record.checks
    assert record.outcome is Outcome.PASSED


async def test_tokens_that_were_refused_are_not_kept() -> None:
    """TK-4: a token of another type is not used, so it is not stored either."""
    kept: list[Facts] = []

    async def keep(facts: Facts) -> tuple[Check, ...]:
        kept.append(facts)
        return ()

    answer = reply(200, {"access_token": "access-canary-1", "token_type": "mac"})
    async with _login(ScriptedSender(honest(token=answer)), keeper=keep) as login:
        login.watch(come_back(login))
        await login.run_all()
        assert _failed(login.trace.latest(Stage.EXCHANGE)) == "token.token_type"
    assert kept == []


# -- a code works once -----------------------------------------------------------------------------------


REFUSED = reply(400, {"error": "invalid_grant"})


@pytest.mark.parametrize("token", [REFUSED, LOST, reply(500, text="oops")])
async def test_a_code_is_never_sent_twice_whatever_became_of_it(token: Answer) -> None:
    """TK-8, RFC 6749 §10.5: not by step, retry, run_all or back."""
    sender = ScriptedSender(honest(token=token))
    async with _login(sender) as login:
        login.watch(come_back(login))
        await login.run_all()
        assert _at(login) is Stage.EXCHANGE
        assert login.planned() is None
        assert login.facts.code is None
        record = await login.step()
        assert record.stage is Stage.PKCE
        login.back_to(Stage.EXCHANGE)
        assert sender.count(TOKEN) == 1


async def test_a_server_that_gives_the_same_code_again_gets_it_once() -> None:
    """TK-8: and the login ends there; it does not go round for ever."""
    sender = ScriptedSender(honest(token=REFUSED))
    async with _login(sender) as login:
        login.watch(come_back(login, "code=code-canary-1"))
        await login.run_all()
        await login.retry()
        await login.run_all()
        assert _failed(login.trace.records[-1]) == "exchange.code"
        assert sender.count(TOKEN) == 1


async def test_going_back_from_access_leads_to_a_new_attempt_and_not_to_the_old_code() -> None:
    """TK-8: the stage before has used up its code."""
    sender = ScriptedSender(honest())
    async with _login(sender) as login:
        login.watch(come_back(login))
        await _run_to(login, Stage.ACCESS)
        login.back()
        assert _at(login) is Stage.PKCE


async def test_a_cancelled_exchange_does_not_send_the_code_again() -> None:
    """TK-8: the server may have it already; the record shows the request with its outcome unknown."""

    async def hold(request: Request) -> None:
        if request.url.endswith("/token"):
            await asyncio.Event().wait()

    sender = ScriptedSender(honest(), before=hold)
    async with _login(sender) as login:
        login.watch(come_back(login))
        running = asyncio.create_task(login.run_all())
        await _until(lambda: sender.count(TOKEN) == 1)
        await login.cancel()
        record = (await running).records[-1]
        assert (record.stage, record.outcome) == (Stage.EXCHANGE, Outcome.CANCELLED)
        failure = record.exchanges[0].failure
        assert failure is not None
        assert (failure.kind, failure.may_have_arrived) == (FailureKind.CANCELLED, True)
        assert (await login.step()).stage is Stage.PKCE
        assert sender.count(TOKEN) == 1


@pytest.mark.parametrize("stage", [Stage.AUTHORIZATION, Stage.EXCHANGE])
async def test_a_retry_draws_a_new_verifier_and_a_new_state(stage: Stage) -> None:
    """PK-4, AZ-3: after a failed authorization as after a failed exchange."""
    good = reply(200, {"access_token": "access-canary-1", "token_type": "Bearer"})
    by_token = stage is Stage.EXCHANGE
    sender = ScriptedSender(honest(token=[REFUSED, good] if by_token else good))
    answers = ("code=code-canary-1" if by_token else "error=access_denied", "code=code-canary-2")
    links: list[str] = []
    async with _login(sender) as login:
        login.watch(lambda e: links.append(e.url) if isinstance(e, AuthorizationReady) else None)
        login.watch(come_back(login, *answers))
        await login.run_all()
        assert _at(login) is stage
        first = login.facts
        await login.retry()
        assert _at(login) is Stage.PKCE
        await login.run_all()
        assert login.finished
        assert first.pkce is not None
        assert login.facts.pkce is not None
        assert first.pkce.code_verifier != login.facts.pkce.code_verifier
    assert state_of(links[0]) != state_of(links[1])
    assert sender.count(REGISTER) == 1
    codes = [s.form["code"] for s in sender.sent if s.line == TOKEN]
    assert len(codes) == len(set(codes))


async def test_a_cancelled_wait_is_not_taken_up_again_with_the_old_link() -> None:
    """PK-4, AZ-12: stepping on draws anew."""
    async with _login(ScriptedSender(honest())) as login:
        await _run_to(login, Stage.AUTHORIZATION)
        running = asyncio.create_task(login.step())
        await _until(lambda: login.wait.waiting)
        await login.cancel()
        assert (await running).outcome is Outcome.CANCELLED
        assert (await login.step()).stage is Stage.PKCE


# -- going back ------------------------------------------------------------------------------------------


async def test_back_takes_the_facts_of_one_stage_earlier() -> None:
    """Design §2: going back is taking earlier facts; what came later is gone."""
    sender = ScriptedSender(honest())
    async with _login(sender) as login:
        await _run_to(login, Stage.REGISTRATION)
        login.back()
        assert _at(login) is Stage.SERVER_METADATA
        assert login.facts.server_metadata is None
        await login.step()
        assert login.trace.records[-1].attempt == 2
        login.back_to(Stage.DETECTION)
        assert _at(login) is Stage.DETECTION
        assert login.facts.issuer is None
        login.back()
        assert _at(login) is Stage.DETECTION


async def test_back_to_never_goes_forward() -> None:
    """A stage that was not run cannot be skipped."""
    async with _login(ScriptedSender(honest())) as login:
        login.back_to(Stage.ACCESS)
        assert _at(login) is Stage.DETECTION


async def test_going_back_to_an_untouched_authorization_keeps_its_verifier() -> None:
    """Only what was shown or sent is used up."""
    async with _login(ScriptedSender(honest())) as login:
        await _run_to(login, Stage.AUTHORIZATION)
        state = login.facts.state
        login.back_to(Stage.AUTHORIZATION)
        assert login.facts.state == state


# -- overriding ------------------------------------------------------------------------------------------


FOREIGN = "https://elsewhere.example/metadata"


def _foreign() -> dict[str, Answer | list[Answer]]:
    challenge = ("WWW-Authenticate", f'Bearer resource_metadata="{FOREIGN}"')
    script = honest(resource=[reply(401, None, challenge), reply(200)])
    script[f"GET {FOREIGN}"] = script[f"GET {METADATA}"]
    return script


async def test_metadata_on_another_origin_is_asked_only_after_a_yes() -> None:
    """H014, PR-13: zero requests reach the foreign host before."""
    sender = ScriptedSender(_foreign())
    async with _login(sender) as login:
        await login.run_all()
        assert _failed(login.trace.records[-1]) == "resource_metadata.location"
        assert not [line for line in sender.lines() if "elsewhere" in line]
        record = await login.override("resource_metadata.location")
        assert record is not None
        assert record.outcome is Outcome.PASSED
        assert sender.count(f"GET {RESOURCE}") == 1
        login.watch(come_back(login))
        await login.run_all()
        assert login.finished
        assert sender.count(f"GET {FOREIGN}") == 1


async def test_an_override_fetches_nothing_again() -> None:
    """The same answers are read once more, with the approval."""
    two = reply(200, {"resource": RESOURCE, "authorization_servers": [ISSUER, "https://other.example"]})
    sender = ScriptedSender(honest(metadata=two))
    async with _login(sender) as login:
        await login.run_all()
        assert _failed(login.trace.records[-1]) == "resource_metadata.authorization_server"
        before = sender.lines()
        record = await login.override("resource_metadata.authorization_server")
        assert record is not None
        assert record.outcome is Outcome.PASSED
        assert record.overridden == {"resource_metadata.authorization_server"}
        assert sender.lines() == before
        assert login.facts.issuer is not None
        assert login.facts.issuer.text == ISSUER


async def test_what_may_not_be_overridden_stands() -> None:
    """PR-5: a document for another resource is not used, whatever the person says."""
    other = reply(200, {"resource": "https://elsewhere.example/", "authorization_servers": [ISSUER]})
    sender = ScriptedSender(honest(metadata=other))
    async with _login(sender) as login:
        await login.run_all()
        name = _failed(login.trace.records[-1])
        assert await login.override(name) is None
        assert await login.override("no.such.check") is None
        assert _at(login) is Stage.RESOURCE_METADATA


@pytest.mark.parametrize("again", ["retry", "back_to", "use"])
async def test_an_approval_is_asked_for_anew_when_the_stage_is_run_anew(again: str) -> None:
    """H014: a yes is for one answer and not for the next."""
    sender = ScriptedSender(_foreign())
    async with _login(sender) as login:
        await login.run_all()
        await login.override("resource_metadata.location")
        if again == "retry":
            login.back()
            await login.retry()
        elif again == "back_to":
            login.back_to(Stage.DETECTION)
        else:
            login.use(replace(login.facts.options, method="GET"))
        sender.script[f"GET {RESOURCE}"] = _foreign()[f"GET {RESOURCE}"]  # type: ignore[index]
        await login.run_all()
        assert _failed(login.trace.records[-1]) == "resource_metadata.location"
        assert sender.count(f"GET {FOREIGN}") == 0


async def test_a_code_stays_masked_when_the_answer_is_read_again() -> None:
    """CAPABILITY of override at the exchange: nothing is sent, and the code is still known to be secret."""
    token = reply(
        200,
        {
            "access_token": "access-canary-1",
            "token_type": "Bearer",
            "resource": "https://other.example/code-canary-1",
        },
    )
    sender = ScriptedSender(honest(token=token))
    async with _login(sender) as login:
        login.watch(come_back(login))
        await login.run_all()
        assert _failed(login.trace.records[-1]) == "token.resource"
        record = await login.override("token.resource")
        assert record is not None
        assert record.outcome is Outcome.PASSED
        assert sender.count(TOKEN) == 1
        assert login.facts.tokens is not None


# -- cancelling ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", range(4))
async def test_a_stage_that_is_cancelled_at_once_says_so(turns: int) -> None:
    """Whichever turn of the loop the key falls into: its caller gets a record and is not cancelled."""
    async with _login(ScriptedSender(honest(), before=lambda _: asyncio.Event().wait())) as login:
        running = asyncio.create_task(login.step())
        await _until(lambda: login._task is not None)
        for _ in range(turns):
            await asyncio.sleep(0)
        await login.cancel()
        record = await running
        assert record.outcome is Outcome.CANCELLED
        assert _at(login) is Stage.DETECTION
        assert login.running is None
        assert login.trace.records == (record,)


async def test_a_wait_that_is_cancelled_frees_the_port() -> None:
    """LB-3."""
    async with _login(ScriptedSender(honest())) as login:
        await _run_to(login, Stage.AUTHORIZATION)
        port = _port(login)
        running = asyncio.create_task(login.run_all())
        await _until(lambda: login.wait.waiting)
        await login.cancel()
        assert (await running).records[-1].outcome is Outcome.CANCELLED
        assert _is_free(port)
        assert not login.wait.waiting
        with pytest.raises(ValueError, match="awaited"):
            login.paste(Secret("?code=x&state=y"))


async def test_closing_a_login_frees_the_port_wherever_it_stands() -> None:
    """LB-3: a listener that was bound for the registration is not forgotten."""
    async with _login(ScriptedSender(honest())) as login:
        await _run_to(login, Stage.PKCE)
        port = _port(login)
        await login.aclose()
        assert _is_free(port)
        await login.aclose()


@pytest.mark.parametrize("stage", [Stage.DETECTION, Stage.AUTHORIZATION])
async def test_who_is_cancelled_from_outside_is_cancelled(stage: Stage) -> None:
    """Ctrl-C and a closed screen go through; the record says cancelled all the same."""

    async def hold(_: Request) -> None:
        if stage is Stage.DETECTION:
            await asyncio.Event().wait()

    async with _login(ScriptedSender(honest(), before=hold)) as login:
        await _run_to(login, stage)
        running = asyncio.create_task(login.run_all())
        await _until(lambda: login.running is stage and (stage is Stage.DETECTION or login.wait.waiting))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert login.trace.records[-1].outcome is Outcome.CANCELLED
        assert login.wait.listener is None
        assert login.running is None


async def test_cancelling_nothing_does_nothing() -> None:
    """A key too many."""
    async with _login(ScriptedSender(honest())) as login:
        await login.cancel()
        assert login.trace.records == ()


# -- the client ------------------------------------------------------------------------------------------


async def test_a_retry_after_a_refusal_in_the_browser_keeps_port_and_client() -> None:
    """RG-12: where the system chose the port, the same port is bound again, for it is registered."""
    sender = ScriptedSender(honest())
    async with _login(sender, Options(port=0, wait=5)) as login:
        login.watch(come_back(login, "error=access_denied", "code=code-canary-1"))
        await login.run_all()
        assert _failed(login.trace.records[-1]) == "authorization.error"
        await login.retry()
        await login.run_all()
        assert login.finished
    assert sender.count(REGISTER) == 1


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
async def test_a_client_that_the_server_has_forgotten_is_registered_anew_at_a_retry(error: str) -> None:
    """RG-12: the id is dropped, and a new one asked for; not before the person asks."""
    token = [reply(401, {"error": error}), honest()[TOKEN]]
    register: list[Answer] = [
        reply(201, {"client_id": "client-1", "token_endpoint_auth_method": "none"}),
        reply(201, {"client_id": "client-2", "token_endpoint_auth_method": "none"}),
    ]
    sender = ScriptedSender(honest(token=token, register=register))  # type: ignore[arg-type]
    async with _login(sender) as login:
        login.watch(come_back(login))
        await login.run_all()
        assert _at(login) is Stage.EXCHANGE
        assert sender.count(REGISTER) == 1
        await login.retry()
        assert _at(login) is Stage.REGISTRATION
        await login.run_all()
        assert login.finished
        assert login.facts.client is not None
        assert login.facts.client.client_id == "client-2"
    assert sender.count(REGISTER) == 2
    assert [s.form["client_id"] for s in sender.sent if s.line == TOKEN] == ["client-1", "client-2"]


async def test_a_given_client_id_is_used_and_nothing_is_registered() -> None:
    """RG-13: and a refusal of it does not register another behind the person's back."""
    sender = ScriptedSender(honest(token=reply(401, {"error": "invalid_client"})))
    async with _login(sender, Options(port=0, wait=5, client_id="given")) as login:
        login.watch(come_back(login))
        await login.run_all()
        assert sender.sent[-1].form["client_id"] == "given"
        await login.retry()
        await login.run_all()
    assert sender.count(REGISTER) == 0


@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"]])
async def test_a_confidential_client_authenticates_as_the_server_wants(methods: list[str]) -> None:
    """TK-2: in the header or in the body, never in both."""
    document = server_document(token_endpoint_auth_methods_supported=["none", *methods])
    sender = ScriptedSender(honest(server=reply(200, document)))
    options = Options(port=0, wait=5, client_id="given", client_secret=Secret("secret-canary-1"))
    async with _login(sender, options) as login:
        login.watch(come_back(login))
        await login.run_all()
        assert login.finished
        [sent] = [s for s in sender.sent if s.line == TOKEN]
    in_header = sent.request.headers.get("authorization") is not None
    assert in_header is (methods == ["client_secret_basic"])
    assert ("client_secret" in sent.form) is not in_header


async def test_a_client_metadata_document_is_a_client_id_and_is_not_remembered_as_registered() -> None:
    """RG-13, RG-14."""
    remembered: list[object] = []

    class Registry:
        async def known_client(self, issuer: str, redirect_uri: str) -> None:
            return None

        async def remember_client(self, issuer: str, client: object) -> None:
            remembered.append(client)

        async def forget_client(self, issuer: str, redirect_uri: str) -> None:
            raise AssertionError

    document = server_document(client_id_metadata_document_supported=True)
    sender = ScriptedSender(honest(server=reply(200, document)))
    mine = "https://me.example/client.json"
    options = Options(port=0, wait=5, client_metadata_url=mine)
    async with _login(sender, options, registry=Registry()) as login:
        login.watch(come_back(login))
        await login.run_all()
        assert login.finished
    assert sender.count(REGISTER) == 0
    assert [s.form["client_id"] for s in sender.sent if s.line == TOKEN] == [mine]
    assert remembered == []


# -- the port --------------------------------------------------------------------------------------------


async def test_a_port_that_is_taken_is_said_with_its_owner_and_another_one_can_be_used() -> None:
    """LB-2, RFC 8252 §7.3: nothing is registered for a port that is not ours."""
    sender = ScriptedSender(honest())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with _login(sender, Options(port=port, wait=5)) as login:
            login.watch(come_back(login))
            await login.run_all()
            record = login.trace.records[-1]
            assert _failed(record) == "registration.port"
            assert f"Port {port} on this machine is taken by" in record.failures[0].seen
            assert sender.count(REGISTER) == 0
            stopped = verdict(record)
            assert isinstance(stopped, AuthlensError)
            assert stopped.exit_code == 2
            login.use(replace(login.facts.options, port=0))
            await login.retry()
            await login.run_all()
            assert login.finished


async def test_another_host_of_the_redirect_uri_registers_anew() -> None:
    """D5: the switch between localhost and 127.0.0.1 works also when the browser was refused already."""
    sender = ScriptedSender(honest())
    refused = "error=invalid_request&error_description=redirect+uri+not+allowed"
    async with _login(sender) as login:
        login.watch(come_back(login, refused, "code=code-canary-1"))
        await login.run_all()
        assert _at(login) is Stage.AUTHORIZATION
        login.use(replace(login.facts.options, redirect_host="127.0.0.1"))
        assert _at(login) is Stage.REGISTRATION
        await login.retry()
        await login.run_all()
        assert login.finished
    hosts = [s.document["redirect_uris"][0].rpartition(":")[0] for s in sender.sent if s.line == REGISTER]
    assert hosts == ["http://localhost", "http://127.0.0.1"]


async def test_what_is_decided_anew_holds_when_the_login_goes_back() -> None:
    """A new resource parameter is in the next link, although PKCE is run again before."""
    links: list[str] = []
    async with _login(ScriptedSender(honest())) as login:
        login.watch(lambda e: links.append(e.url) if isinstance(e, AuthorizationReady) else None)
        login.watch(come_back(login, "error=invalid_target"))
        await login.run_all()
        login.use(replace(login.facts.options, resource="https://app.example/"))
        assert _at(login) is Stage.PKCE
        await login.run_all()
    assert "resource=https%3A%2F%2Fapp.example%2F&" in f"{links[1]}&"


# -- the wait for the browser ----------------------------------------------------------------------------


async def _get(port: int, query: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET /callback?{query} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@asynccontextmanager
async def _waiting(
    options: Options | None = None,
) -> AsyncIterator[tuple[Login, asyncio.Task[StageRecord], list[Event], str]]:
    """Yield a login that waits for the browser, its running stage, its events, and the state of the link."""
    events: list[Event] = []
    async with _login(ScriptedSender(honest()), options) as login:
        await _run_to(login, Stage.AUTHORIZATION)
        login.watch(events.append)
        running = asyncio.create_task(login.step())
        await _until(lambda: login.wait.waiting)
        ready = next(e for e in events if isinstance(e, AuthorizationReady))
        yield login, running, events, state_of(ready.url)


async def test_the_code_comes_by_the_listener() -> None:
    """RFC 8252 §7.3: and the port is free afterwards (LB-3)."""
    async with _waiting() as (login, running, _, state):
        port = _port(login)
        assert b" 200 " in await _get(port, f"code=code-canary-1&state={state}")
        assert (await running).outcome is Outcome.PASSED
        assert login.facts.code == Secret("code-canary-1")
        assert _is_free(port)


@pytest.mark.parametrize(
    "wrong",
    ["code=stolen&state=wrong", "code=stolen", "error=access_denied&state=wrong", "error=access_denied"],
)
async def test_an_answer_of_another_login_is_ignored_and_the_right_one_is_taken(wrong: str) -> None:
    """LB-8: it is told, and changes nothing."""
    async with _waiting() as (login, running, events, state):
        port = _port(login)
        assert b" 200 " not in await _get(port, wrong)
        await _until(lambda: any(isinstance(e, AnswerIgnored) for e in events))
        assert login.wait.waiting
        await _get(port, f"code=code-canary-1&state={state}")
        assert (await running).outcome is Outcome.PASSED
        assert login.facts.code == Secret("code-canary-1")


async def test_what_is_pasted_is_judged_like_a_callback_and_wins() -> None:
    """D10: a wrong one is ignored, the first valid answer ends the wait, and the second finds none."""
    async with _waiting() as (login, running, events, state):
        port = _port(login)
        login.paste(Secret("code=code-canary-0"))
        login.paste(Secret(f"http://localhost:{port}/callback?code=stolen&state=wrong"))
        ignored = [e for e in events if isinstance(e, AnswerIgnored)]
        assert [e.count for e in ignored] == [1, 2]
        assert "stolen" not in repr(events)
        login.paste(Secret(f"http://localhost:{port}/callback?code=code-canary-1&state={state}"))
        with pytest.raises(ValueError, match="awaited"):
            login.paste(Secret(f"?code=code-canary-2&state={state}"))
        assert (await running).outcome is Outcome.PASSED
        assert login.facts.code == Secret("code-canary-1")


async def test_when_nobody_comes_the_wait_ends_and_says_so() -> None:
    """LB-3: with what to do, and the port is free."""
    async with _waiting(Options(port=0, wait=0.2)) as (login, running, _, _state):
        port = _port(login)
        record = await running
        assert _failed(record) == "authorization.timeout"
        assert "paste" in record.failures[0].cure
        stopped = verdict(record)
        assert stopped is not None
        assert stopped.exit_code == 8
        assert _is_free(port)


async def test_the_person_can_give_the_browser_more_time() -> None:
    """Design §5: +5 min."""
    async with _waiting(Options(port=0, wait=30)) as (login, running, events, _):
        login.wait.extend(300)
        moved = [e for e in events if isinstance(e, DeadlineMoved)]
        assert 300 < moved[0].seconds <= 330
        login.wait.extend(1e9)
        assert login.wait.remaining <= 3600
        await login.cancel()
        assert (await running).outcome is Outcome.CANCELLED
        login.wait.extend(300)
        assert len([e for e in events if isinstance(e, DeadlineMoved)]) == 2


async def test_a_refusal_on_the_callback_ends_the_wait_with_the_reason() -> None:
    """AR-4."""
    async with _waiting() as (login, running, _, state):
        login.paste(Secret(f"?error=access_denied&state={state}"))
        record = await running
        assert _failed(record) == "authorization.error"
        assert "authorization.diagnosis" in {c.name for c in record.checks}
        stopped = verdict(record)
        assert stopped is not None
        assert stopped.exit_code == 5


# -- mix-up ----------------------------------------------------------------------------------------------


EVIL = "https://evil.example"


async def test_a_code_of_another_server_is_sent_nowhere() -> None:
    """AR-3, AR-7, LB-9: the right state with another issuer is a mix-up attack."""
    document = server_document(authorization_response_iss_parameter_supported=True)
    sender = ScriptedSender(honest(server=reply(200, document)))
    async with _login(sender) as login:
        login.watch(
            come_back(login, f"code=code-canary-1&iss={EVIL.replace(':', '%3A').replace('/', '%2F')}")
        )
        await login.run_all()
        assert _failed(login.trace.records[-1]) == "authorization.iss"
        assert login.facts.code is None
    assert sender.count(TOKEN) == 0


async def test_without_iss_a_code_goes_to_the_server_that_was_recorded_before_the_link() -> None:
    """AR-7: state and the recorded token endpoint are the binding; nothing in the answer redirects it."""
    sender = ScriptedSender(honest())
    async with _login(sender) as login:
        login.watch(come_back(login, f"code=code-canary-1&token_endpoint={EVIL}/token&issuer={EVIL}"))
        await login.run_all()
        assert login.finished
    assert not [line for line in sender.lines() if "evil" in line]
    assert sender.count(TOKEN) == 1


async def test_a_registration_is_never_used_at_another_issuer() -> None:
    """RG-11, CH-15: the resource moves to another server, and the client of the first stays there."""
    other = "https://as2.example"
    script = honest()
    moved = {
        **script,
        f"GET {METADATA}": reply(200, {"resource": RESOURCE, "authorization_servers": [other]}),
    }
    for name in ("/.well-known/oauth-authorization-server", "/register", "/token"):
        verb = "GET" if "known" in name else "POST"
        moved[f"{verb} {other}{name}"] = script[f"{verb} {ISSUER}{name}"]
    moved[f"GET {other}/.well-known/oauth-authorization-server"] = reply(200, server_document(other))
    moved[f"POST {other}/register"] = reply(201, {"client_id": "client-2", "issuer": ISSUER})
    first, second = ScriptedSender(script), ScriptedSender(moved)
    registry = ForgetfulRegistry()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for sender in (first, second):
        async with _login(sender, Options(port=port, wait=5), registry=registry) as login:
            login.watch(come_back(login))
            await login.run_all()
            assert login.finished, login.trace.records[-1].failures
    assert second.count(f"POST {other}/register") == 1
    assert not [line for line in second.lines() if ISSUER in line.split()[1] + "/" and "as2" not in line]
    redirect = f"http://localhost:{port}/callback"
    known = await registry.known_client(ISSUER, redirect)
    assert known is not None
    assert known.client_id == "client-1"


# -- where requests may go -------------------------------------------------------------------------------


async def test_a_public_resource_may_not_lead_to_private_addresses() -> None:
    """GEN-3, RFC 9728 §7.7: every URL a server named is guarded; the person's own is not."""
    sender = ScriptedSender(honest())
    async with _login(sender) as login:
        login.watch(come_back(login))
        await login.run_all()
    own = [s.addresses for s in sender.sent if s.request.url == RESOURCE]
    named = [s.addresses for s in sender.sent if s.request.url != RESOURCE]
    assert own == [AddressPolicy.ANY] * 2
    assert named == [AddressPolicy.PUBLIC_ONLY] * 4


@pytest.mark.parametrize("peer", ["10.0.0.7:443", "[::1]:443", None])
async def test_a_resource_inside_may_have_its_server_inside(peer: str | None) -> None:
    """GEN-3: an address is no secret to somebody who is in the same network."""
    sender = ScriptedSender(honest(), peer=peer)
    async with _login(sender) as login:
        login.watch(come_back(login))
        await login.run_all()
    assert {s.addresses for s in sender.sent} == {AddressPolicy.ANY}


async def test_plain_http_is_never_allowed_for_an_https_resource() -> None:
    """GEN-1: not even to this machine, and the sender is told so with every request."""
    sender = ScriptedSender(honest())
    async with _login(sender) as login:
        login.watch(come_back(login))
        await login.run_all()
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
    async with _login(sender) as login:
        await login.run_all()
        record = next((r for r in login.trace.records if r.outcome is Outcome.FAILED), None)
        assert record is not None
        assert record.stage in (stage, Stage.REGISTRATION)
        # Without registration a client id can be given, so that one may be overridden.
        assert record.failures[0].overridable is (place == "registration_endpoint")
    assert not [line for line in sender.lines() if "http://" in line]


async def test_the_clock_of_the_record_is_the_one_given() -> None:
    """A replay has its own time."""
    moment = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    async with _login(ScriptedSender(honest()), clock=lambda: moment) as login:
        record = await login.step()
        assert record.started_at == moment
        assert login.trace.started_at == moment
