"""A state is shown once and a code is sent once, whatever the person does."""

import asyncio

import pytest

from authlens_core.trace.events import AuthorizationReady
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.exchange import FailureKind, Request, WireFailure
from support.driven_login import at, failed, login_to, run_to, stopped_login, until
from support.scripted_login import ISSUER, Answer, ScriptedSender, come_back, honest, reply, state_of

TOKEN = f"POST {ISSUER}/token"
REGISTER = f"POST {ISSUER}/register"
LOST = WireFailure(FailureKind.TIMEOUT, "Nothing came in time.", "Try again.", may_have_arrived=True)
REFUSED = reply(400, {"error": "invalid_grant"})


@pytest.mark.parametrize("token", [REFUSED, LOST, reply(500, text="oops")])
async def test_a_code_is_never_sent_twice_whatever_became_of_it(token: Answer) -> None:
    """TK-8, RFC 6749 §10.5: not by step, retry, run_all or back."""
    sender = ScriptedSender(honest(token=token))
    async with stopped_login(sender) as login:
        assert at(login) is Stage.EXCHANGE
        assert login.planned() is None
        assert login.facts.code is None
        record = await login.step()
        assert record.stage is Stage.PKCE
        login.back(Stage.EXCHANGE)
        assert sender.count(TOKEN) == 1


async def test_a_server_that_gives_the_same_code_again_gets_it_once() -> None:
    """TK-8: and the login ends there; it does not go round for ever."""
    sender = ScriptedSender(honest(token=REFUSED))
    async with stopped_login(sender, answers=("code=code-canary-1",)) as login:
        await login.retry()
        await login.run_all()
        assert failed(login.trace.records[-1]) == "exchange.code"
        assert sender.count(TOKEN) == 1


async def test_going_back_from_access_leads_to_a_new_attempt_and_not_to_the_old_code() -> None:
    """TK-8: the stage before has used up its code."""
    sender = ScriptedSender(honest())
    async with login_to(sender) as login:
        login.watch(come_back(login))
        await run_to(login, Stage.ACCESS)
        login.back()
        assert at(login) is Stage.PKCE


async def test_a_cancelled_exchange_does_not_send_the_code_again() -> None:
    """TK-8: the server may have it already; the record shows the request with its outcome unknown."""

    async def hold(request: Request) -> None:
        if request.url.endswith("/token"):
            await asyncio.Event().wait()

    sender = ScriptedSender(honest(), before=hold)
    async with login_to(sender) as login:
        login.watch(come_back(login))
        running = asyncio.create_task(login.run_all())
        await until(lambda: sender.count(TOKEN) == 1)
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
    async with login_to(sender) as login:
        login.watch(lambda e: links.append(e.url) if isinstance(e, AuthorizationReady) else None)
        login.watch(come_back(login, *answers))
        await login.run_all()
        assert at(login) is stage
        first = login.facts
        await login.retry()
        assert at(login) is Stage.PKCE
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
    async with login_to(ScriptedSender(honest())) as login:
        await run_to(login, Stage.AUTHORIZATION)
        running = asyncio.create_task(login.step())
        await until(lambda: login.wait.waiting)
        await login.cancel()
        assert (await running).outcome is Outcome.CANCELLED
        assert (await login.step()).stage is Stage.PKCE
