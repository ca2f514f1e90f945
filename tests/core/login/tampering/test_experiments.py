"""Every experiment, run from end to end: whoever has to refuse does so, and nothing earned is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.login.login import Login
from authlens_core.login.tampering.experiment import Experiment
from authlens_core.login.tampering.experiments import experiments, find_experiment
from authlens_core.oauth.authorization import url_parameters
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.check import Check, Severity
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Emulator, Fault, play_person
from support.driven_login import closed_login, login_to, record_of, run_to
from support.scripted_login import ScriptedSender, come_back, honest, reply

TOKENS: Final = {"access_token": "access-canary-9", "token_type": "Bearer", "expires_in": 900}


# What the emulator answers, after the real Access; for a callback what authlens itself says.
SAID: Final = {
    "wrong_verifier": "400 invalid_grant: code_verifier does not match",
    "reused_code": "400 invalid_grant: Authorization code was already used",
    "missing_resource": "invalid_target: No resource parameter found",
    "plain_pkce": "invalid_request: code_challenge_method must be S256",
    "other_redirect_authorization": "400: its own error page",
    "other_redirect_exchange": "400 invalid_grant: redirect_uri does not match",
    "wrong_state": "authlens refused it: the state",
    "foreign_iss": "authlens refused it: another issuer",
    "stale_refresh_token": "400 invalid_grant: Grant was revoked or its refresh token was used twice",
}


def armed(name: str) -> Experiment:
    found = find_experiment(name)
    assert found is not None
    return found


@asynccontextmanager
async def at_emulator(*faults: Fault) -> AsyncIterator[tuple[Login, Credentials]]:
    """Yield a login at the emulator, signed in by a person, and a real store in memory that would keep it."""
    people: list[asyncio.Task[object]] = []
    async with (
        Emulator(faults=faults) as emulator,
        Session(Wire(environ={}), Credentials.memory()) as session,
    ):
        login = start_login(session, emulator.resource_url, Options(port=0, wait=60))

        def on_event(event: Event) -> None:
            if isinstance(event, AuthorizationReady):
                people.append(asyncio.ensure_future(play_person(event.url)))

        login.watch(on_event)
        try:
            yield login, session.credentials
        finally:
            await login.aclose()
            await asyncio.gather(*people, return_exceptions=True)


def verdict_on(login: Login, name: str) -> Check:
    return next(c for r in login.trace.records for c in r.checks if c.name == f"experiment.{name}")


@pytest.mark.parametrize("experiment", experiments(), ids=lambda one: one.name)
async def test_an_experiment_at_an_honest_server_is_refused_as_the_specification_demands(
    experiment: Experiment,
) -> None:
    """What was said stands next to what must be said, and the trace is marked."""
    async with at_emulator() as (login, credentials):
        login.arm(experiment)
        await login.run_all()
        found = verdict_on(login, experiment.name)
        assert found.severity is Severity.PASS
        assert SAID[experiment.name] in found.seen
        assert (found.expected, found.spec) == (experiment.expectation, experiment.spec)
        assert login.armed is None
        assert login.trace.tampering
        assert credentials.list() == ()


async def test_a_code_used_twice_costs_the_tokens_too() -> None:
    """RFC 6749 §4.1.2: the server should revoke them, and the next stage shows that it did."""
    async with at_emulator() as (login, _):
        login.arm(armed("reused_code"))
        await login.run_all()
        assert verdict_on(login, "reused_code_tokens").severity is Severity.PASS
        exchange = record_of(login.trace, Stage.EXCHANGE)
        assert exchange.outcome is Outcome.PASSED
        assert [e.purpose for e in exchange.exchanges] == ["token request", "token request again"]
        assert exchange.tampering == ("the code was sent a second time",)


async def test_a_server_that_does_not_replace_refresh_tokens_is_found_out() -> None:
    """RFC 9700 §4.14.2: the old token works again, which is a warning and said with its reason."""
    async with at_emulator(Fault.ROTATION_OFF) as (login, credentials):
        login.arm(armed("stale_refresh_token"))
        await login.run_all()
        assert verdict_on(login, "stale_refresh_token").severity is Severity.WARNING
        refreshed = record_of(login.trace, Stage.REFRESH)
        assert "the old one stays" in next(c.seen for c in refreshed.checks if c.name == "refresh.rotation")
        assert credentials.list() == ()


async def test_the_honest_login_after_an_experiment_is_a_new_one() -> None:
    """Once something was changed nothing of this login is kept, however honest the rest of it is."""
    async with at_emulator() as (login, credentials):
        login.arm(armed("wrong_verifier"))
        await login.run_all()
        await login.retry()
        await login.run_all()
        assert login.finished
        kept = next(c for c in login.trace.latest(Stage.EXCHANGE).checks if c.name == "exchange.kept")  # type: ignore[union-attr]
        assert kept.seen == "not stored, because the request was changed"
        assert credentials.list() == ()


async def test_the_same_login_without_an_experiment_is_kept() -> None:
    """So the tests above can fail."""
    async with at_emulator() as (login, credentials):
        await login.run_all()
        assert len(credentials.list()) == 1
        assert not login.trace.tampering


@pytest.mark.parametrize("name", ["wrong_verifier", "other_redirect_exchange", "reused_code"])
async def test_a_token_endpoint_that_lets_it_through_fails_the_stage(name: str) -> None:
    """The finding stops the login: the tokens are used for nothing."""
    sender = ScriptedSender(honest())
    async with login_to(sender) as login:
        login.watch(come_back(login))
        login.arm(armed(name))
        await login.run_all()
        assert login.position is Stage.EXCHANGE
        found = verdict_on(login, name)
        assert found.severity is Severity.FAILURE
        assert found.seen == "200: it returned tokens"
        assert "owner of the server" in str(found.cure)


@pytest.mark.parametrize("name", ["plain_pkce", "missing_resource"])
async def test_an_authorization_endpoint_that_lets_it_through_is_a_warning(name: str) -> None:
    """A specification allows it, so the login goes on; nothing is kept."""
    async with login_to(ScriptedSender(honest())) as login:
        login.watch(come_back(login))
        login.arm(armed(name))
        await login.run_all()
        assert login.finished
        assert verdict_on(login, name).severity is Severity.WARNING


async def test_a_redirect_to_an_unregistered_address_is_found_before_anybody_signs_in() -> None:
    """RFC 6749 §3.1.2.4: not even an error may go there."""
    links: list[str] = []
    async with login_to(ScriptedSender(honest())) as login:
        await run_to(login, Stage.AUTHORIZATION)
        login.watch(lambda e: links.append("shown") if isinstance(e, AuthorizationReady) else None)
        login.arm(armed("other_redirect_authorization"))
        sender = login._work._wire
        assert isinstance(sender, ScriptedSender)
        url = login.planned_link() or ""
        there = dict(url_parameters(url))["redirect_uri"]
        sender.script = {**sender.script, f"GET {url}": reply(302, None, ("Location", f"{there}&error=x"))}
        record = await login.step()
        assert verdict_on(login, "other_redirect_authorization").severity is Severity.FAILURE
        assert record.outcome is Outcome.FAILED
        assert links == []


async def test_a_refusal_that_says_nothing_proves_nothing() -> None:
    """A 500 is not a server that looked at the verifier."""
    async with login_to(ScriptedSender(honest(token=reply(500, text="oops")))) as login:
        login.watch(come_back(login))
        login.arm(armed("wrong_verifier"))
        await login.run_all()
        assert verdict_on(login, "wrong_verifier").severity is Severity.WARNING


async def test_a_refusal_by_another_word_is_a_notice() -> None:
    refused = reply(400, {"error": "invalid_request"})
    async with login_to(ScriptedSender(honest(token=refused))) as login:
        login.watch(come_back(login))
        login.arm(armed("wrong_verifier"))
        await login.run_all()
        found = verdict_on(login, "wrong_verifier")
        assert found.severity is Severity.NOTICE
        assert "invalid_grant" in found.seen


async def test_a_code_that_was_not_granted_once_is_not_sent_twice() -> None:
    """The experiment needs a first use; it says so."""
    sender = ScriptedSender(honest(token=reply(400, {"error": "invalid_grant"})))
    async with login_to(sender) as login:
        login.watch(come_back(login))
        login.arm(armed("reused_code"))
        await login.run_all()
        assert verdict_on(login, "reused_code").severity is Severity.NOTICE
        assert len([s for s in sender.sent if s.line.endswith("/token")]) == 1
        assert login.armed is None


async def test_an_experiment_waits_for_its_stage_and_then_shows_what_it_will_send() -> None:
    """Armed early, it changes nothing before its turn; there, the request shown is the one sent."""
    sender = ScriptedSender(honest(token=reply(400, {"error": "invalid_grant"})))
    async with login_to(sender) as login:
        login.watch(come_back(login))
        login.arm(armed("wrong_verifier"))
        await run_to(login, Stage.EXCHANGE)
        assert not login.trace.tampering
        planned = login.planned()
        assert planned is not None
        assert [a.words for a in login.amendments] == ["code_verifier was replaced"]
        await login.step()
        assert sender.sent[-1].request == planned.request
        assert sender.sent[-1].form["code_verifier"] != login.facts.pkce.code_verifier.reveal()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "back"),
    [
        ("wrong_verifier", Stage.PKCE),
        ("plain_pkce", Stage.PKCE),
        ("stale_refresh_token", Stage.PKCE),
    ],
)
async def test_arming_what_is_behind_goes_back_to_where_it_can_act(name: str, back: Stage) -> None:
    """A used link and a used code are made afresh; tokens that were kept are not the ones tried."""
    login = await closed_login(ScriptedSender(honest()))
    login.arm(armed(name))
    assert login.position is back


async def test_a_cancelled_wait_leaves_the_experiment_armed() -> None:
    async with login_to(ScriptedSender(honest())) as login:
        login.arm(armed("wrong_state"))
        await run_to(login, Stage.AUTHORIZATION)
        running = asyncio.create_task(login.step())
        async with asyncio.timeout(30):
            while not login.wait.waiting:
                await asyncio.sleep(0.01)
        await login.cancel()
        assert (await running).outcome is Outcome.CANCELLED
        assert login.armed is armed("wrong_state")


async def test_a_stranger_at_the_port_does_not_end_a_callback_experiment() -> None:
    """Only an answer that would have counted is forged; anything else is ignored as ever."""
    async with login_to(ScriptedSender(honest())) as login:
        seen: list[bool] = []

        def on_event(event: Event) -> None:
            if isinstance(event, AuthorizationReady):
                login.paste(Secret("?code=stray&state=of-another-login"))
                seen.append(login.wait.waiting)

        login.watch(on_event)
        login.watch(come_back(login))
        login.arm(armed("foreign_iss"))
        await login.run_all()
        assert seen == [True]
        assert verdict_on(login, "foreign_iss").severity is Severity.PASS
